//! Plugins: every version that the host knows.

pub(super) mod get;
pub(super) mod list;
pub(super) mod retire;
pub(super) mod rollback;
pub(super) mod upload;
