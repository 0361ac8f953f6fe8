//! The host itself: is it there, does it take work, how is it doing, what can be asked of it.

pub(super) mod docs;
pub(super) mod health;
pub(super) mod metrics;
pub(super) mod openapi;
pub(super) mod ready;
pub(super) mod unknown;
