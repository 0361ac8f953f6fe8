//! Waiting for a condition, and for no longer than is sensible.

use std::time::{Duration, Instant};

use tokio::time::{Interval, MissedTickBehavior, interval};

/// How long a condition may take to come true. Far more than it needs on a busy machine: only a test that
/// fails waits so long.
pub const PATIENCE: Duration = Duration::from_secs(20);

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
