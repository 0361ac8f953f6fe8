//! Endpoints of secrets: set, listed, removed, sealed anew. None gives a value.

pub(super) mod list;
pub(super) mod remove;
pub(super) mod rotate;
pub(super) mod set;
