//! Waiting for a condition, and for no longer than is sensible.

use std::time::{Duration, Instant};

use tokio::time::{Interval, MissedTickBehavior, interval};

/// How long a condition may take to come true. Far more than it needs on a busy machine, where compiling a plugin
/// stands behind everything else: only a test that fails waits so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long a command may take that compiles something, or fetches it.
pub const AT_LENGTH: Duration = Duration::from_secs(300);

/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(10);

/// Looks again and again until `look` gives something. Nothing when [`PATIENCE`] ran out.
pub async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    let mut glances = glances();
    loop {
        glances.tick().await;
        if let Some(found) = look().await {
            return Some(found);
        }
        if began.elapsed() > PATIENCE {
            return None;
        }
    }
}

/// The rhythm in which a condition is looked at, for those who look without end.
pub fn glances() -> Interval {
    let mut glances = interval(GLANCE);
    glances.set_missed_tick_behavior(MissedTickBehavior::Delay);
    glances
}

/// What comes of `work`. Nothing when [`PATIENCE`] ran out.
pub async fn within<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(PATIENCE, work).await.ok()
}

/// What comes of `work`. Nothing when [`AT_LENGTH`] ran out.
pub async fn at_length<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(AT_LENGTH, work).await.ok()
}
