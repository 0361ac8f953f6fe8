//! How much one simulation may be. What is more is refused: it would take the host's time, or never end.

use std::time::Duration;

/// Simulations at a time: each has a thread of its own.
pub(crate) const AT_ONCE: usize = 4;
/// Most events of all its executions together.
pub(super) const MAX_EVENTS: usize = 10_000;
/// Most bytes of its events, as JSON.
pub(super) const MAX_BYTES: usize = 32 << 20;
/// Longest time that may pass in it.
pub(super) const LONGEST: Duration = orgata_model::duration::MAX;
/// How long it may take by the machine's clock.
pub(super) const WALL: Duration = Duration::from_secs(60);
/// How long its executions may take to leave at the end.
pub(super) const LEAVING: Duration = Duration::from_secs(1);
/// Executions in it that may be at work at once.
pub(super) const ACTIVE: usize = 1_000;
/// Most events of the recorded executions that are brought together.
pub(super) const MAX_RECORDED: usize = 200_000;
