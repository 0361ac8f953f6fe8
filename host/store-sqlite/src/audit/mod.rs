//! The audit: `queue` takes lines from everyone, `chain` gives them their places as the writer commits, `read` reads them.
//!
//! The writer takes whatever is queued into each of its transactions, so a line is on disk no later than what was asked
//! after it, and costs a flush of its own only where nothing else is written for [`queue::AGE`].

mod chain;
mod queue;
mod read;

pub(crate) use chain::{INSERT, Links};
pub(crate) use queue::Queue;
pub(crate) use read::page;

pub(crate) const TABLE: &str = "audit";
