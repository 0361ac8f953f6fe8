//! The test host: what the stories in `tests/tests/` are told with.
//!
//! A story starts the real binary on an empty folder, talks to it as a client does (REST, SSE, WebSocket,
//! command line), kills and restarts it, and looks at what plugins did to the outside ([`Witness`]).
//! Nothing here links a crate of the host: what a story can see, a user can see.
//!
//! Waiting is for conditions, within [`patience::PATIENCE`]; nothing sleeps. A condition that does not come
//! true fails with what was seen instead, and with the end of the host's log.
//!
//! Not here: tests of one crate's own promises. They live beside its code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a surprise ends the test, where it happened"
)]

pub mod binary;
pub mod bomb;
pub mod cli;
pub mod disk;
pub mod drafts;
pub mod event;
pub mod executions;
pub mod footprint;
pub mod guests;
pub mod host;
pub mod http;
pub mod matchers;
pub mod patience;
pub mod plugins;
mod process;
pub mod raw;
pub mod setup;
pub mod sse;
pub mod witness;
pub mod ws;

pub use disk::FaultyDisk;
pub use event::{Event, ExecutionId, Question};
pub use host::{StoppedHost, TestHost};
pub use http::Reply;
pub use setup::HostSetup;
pub use witness::Witness;
