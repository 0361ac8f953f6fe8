//! Operations that the playbooks of a runtime may use.

pub(super) mod get;
pub(super) mod list;
