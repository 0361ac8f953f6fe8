//! Runtimes: named sets of playbooks, operations, roles and grants.

pub(super) mod create;
pub(super) mod get;
pub(super) mod list;
pub(super) mod retire;
