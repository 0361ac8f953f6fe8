//! The audit: `queue` takes lines from everyone, `chain` gives them their places as the writer commits, `read` reads
//! them, `trim` removes the oldest.
//!
//! The writer takes whatever is queued into each of its transactions, so a line is on disk no later than what was asked
//! after it, and costs a flush of its own only where nothing else is written for [`queue::AGE`].

mod chain;
mod queue;
mod read;
mod trim;

pub(crate) use chain::{INSERT, Links};
pub(crate) use queue::Queue;
pub(crate) use read::page;
pub(crate) use trim::{anchor, last_to_go, statements};

pub(crate) const TABLE: &str = "audit";
