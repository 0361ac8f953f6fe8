//! Playbooks of a runtime.

pub(super) mod check;
pub(super) mod get;
pub(super) mod graph;
pub(super) mod list;
pub(super) mod publish;
pub(super) mod retire;
pub(super) mod schema;
pub(super) mod simulate;
