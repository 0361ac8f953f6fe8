//! Time and ids, so that tests and simulation can bring their own.

use jiff::Timestamp;
use uuid::Uuid;

/// The engine's only source of time, waiting and fresh ids.
#[async_trait::async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The present, in microseconds at the finest.
    fn now(&self) -> Timestamp;

    /// Returns once `now()` is at or past `until`.
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
        // The wall clock may be set back while we sleep, and timers may fire a little early.
        loop {
            let left = until.duration_since(self.now());
            match std::time::Duration::try_from(left) {
                Ok(left) if !left.is_zero() => tokio::time::sleep(left).await,
                _ => return,
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that makes ids")]
    fn fresh_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}
