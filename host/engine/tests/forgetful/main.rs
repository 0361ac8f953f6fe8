//! The stories of the engine once more, with every execution leaving memory after every step: nothing that matters
//! is in memory alone. Support sees by this crate's name that it is so.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop here"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../stories/approvals.rs"]
mod approvals;
#[path = "../stories/bulk.rs"]
mod bulk;
#[path = "../stories/caching.rs"]
mod caching;
#[path = "../stories/computing.rs"]
mod computing;
#[path = "../stories/controls.rs"]
mod controls;
#[path = "../stories/crashes.rs"]
mod crashes;
#[path = "../stories/durability.rs"]
mod durability;
#[path = "../stories/outages.rs"]
mod outages;
#[path = "../stories/progress.rs"]
mod progress;
#[path = "../stories/questions.rs"]
mod questions;
#[path = "../stories/races.rs"]
mod races;
#[path = "../stories/retention.rs"]
mod retention;
#[path = "../stories/retries.rs"]
mod retries;
#[path = "../stories/starting.rs"]
mod starting;
#[path = "../stories/stopping.rs"]
mod stopping;
#[path = "../stories/transfer.rs"]
mod transfer;
#[path = "../stories/watching.rs"]
mod watching;
