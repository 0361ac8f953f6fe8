//! Endpoints of the audit: reading, exporting and checking it.

pub(super) mod export;
pub(super) mod filter;
pub(super) mod list;
pub(super) mod verify;
