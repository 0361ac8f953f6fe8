//! Outside events: for all executions that wait for one, or for a single execution.

pub(super) mod send;
pub(super) mod send_to;
