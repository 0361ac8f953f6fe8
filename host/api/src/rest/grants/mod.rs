//! Grants: what plugins want, get and do in a runtime; confirming a version, and revoking.

pub(super) mod confirm;
pub(super) mod list;
pub(super) mod revoke;
