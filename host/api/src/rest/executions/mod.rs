//! Executions: starting them, looking at them, steering them, keeping and deleting them.

mod bulk;
pub(super) mod events;
pub(super) mod export;
mod filter;
pub(super) mod fork;
pub(super) mod get;
pub(super) mod history;
pub(super) mod import;
pub(super) mod list;
pub(super) mod mend;
pub(super) mod purge;
pub(super) mod start;
pub(super) mod state;
pub(super) mod steer;
pub(super) mod timeline;
