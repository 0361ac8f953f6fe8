//! Time and ids, so that tests and simulation can bring their own.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

/// How late a sleeper may notice that the clock was set forward.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The engine's only source of time, waiting and fresh ids.
#[async_trait::async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The present, in microseconds at the finest.
    fn now(&self) -> Timestamp;

    /// Returns once `now()` is at or past `until`; may return early when the clock was set back, so callers look
    /// at `now()` again.
    async fn sleep_until(&self, until: Timestamp);

    /// A UUIDv7 that no other call ever gives.
    fn fresh_id(&self) -> Uuid;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait::async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        // Stores keep whole microseconds: an event must read back as it was made.
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    async fn sleep_until(&self, until: Timestamp) {
        let mut before = self.now();
        loop {
            // Timers may fire a little early, and do not notice when the clock is set forward or the machine sleeps.
            let left = until.duration_since(before);
            match Duration::try_from(left) {
                Ok(left) if !left.is_zero() => tokio::time::sleep(left.min(LONGEST_SLEEP)).await,
                _ => return,
            }
            let now = self.now();
            if now < before {
                return;
            }
            before = now;
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that makes ids")]
    fn fresh_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}
