//! MCP: what an assistant sees and does, in both revisions of the protocol, with a client that is not ours.
//!
//! Not here: schemas and names of tools (`orgata-api`'s own tests).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod approvals;
mod assistant;
mod authoring;
mod bare;
mod brought_back;
mod browsing;
mod changes;
mod door;
mod kitchens;
mod lending;
mod prompts;
mod redacted;
mod rehearsing;
mod roots;
mod running;
mod standard_streams;
mod strangers;
mod tasks;

use assistant::{Assistant, Era};
