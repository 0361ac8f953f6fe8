//! Roles of a runtime.

pub(super) mod get;
