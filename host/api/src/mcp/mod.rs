//! The Model Context Protocol: what assistants see and do.
//!
//! ```text
//! door ── who calls, whose session ──▶ server ──▶ tools | resources | prompts | tasks | completion
//!                                                    └───────▶ engine::Engine, wire ◀───────┘
//! ```
//!
//! `server` is called by the protocol's library, for the revision with sessions (2025-11-25) and the one without
//! (2026-07-28). A tool asks the engine what its REST twin asks, and gives the same wire type. What an execution asks a
//! person comes as a form where the client can show one (`questions`), and an execution is a task where the client
//! knows what that is (`tasks`): both are the engine's own state under another name, and nothing is kept here.
//!
//! Not here: rules, and the shapes of things. Not shared with `rest` and `ws`: anything but `wire` and what is in the
//! folder above.

mod address;
mod call;
mod changes;
mod completion;
mod door;
#[cfg(feature = "conformance")]
mod fixtures;
mod following;
mod lending;
mod prompts;
mod questions;
mod reply;
mod resources;
mod roots;
mod schema;
mod server;
mod sessions;
mod tasks;
mod tools;

pub(crate) use door::{PATH, endpoint};
