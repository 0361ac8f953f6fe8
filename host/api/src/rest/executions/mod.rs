//! Executions: starting them, looking at them, steering them.

pub(super) mod events;
pub(super) mod get;
pub(super) mod history;
pub(super) mod start;
