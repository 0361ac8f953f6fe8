//! A clock that stands still until a test moves it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use orgata_engine::ports::Clock;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::life::Life;

/// The time that every test begins at.
pub const BEGIN: &str = "2026-03-01T08:00:00Z";

struct Inside {
    now: Timestamp,
    sleepers: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
    count: u64,
}

/// The time of a test, for all lives of its host.
#[derive(Clone)]
pub struct VirtualClock(Arc<Mutex<Inside>>);

impl Default for VirtualClock {
    fn default() -> Self {
        let now = BEGIN.parse().unwrap();
        Self(Arc::new(Mutex::new(Inside { now, sleepers: BTreeMap::new(), count: 0 })))
    }
}

impl VirtualClock {
    /// The clock as one life sees it.
    pub fn of(&self, life: &Life) -> Arc<LifeClock> {
        Arc::new(LifeClock { clock: self.clone(), life: life.clone() })
    }

    pub fn time(&self) -> Timestamp {
        self.0.lock().unwrap().now
    }

    /// Time passes, and whoever slept until then wakes.
    pub fn advance(&self, by: Duration) {
        let to = self.time() + by;
        self.set(to);
    }

    /// The clock is set: forward, or back.
    pub fn set(&self, to: Timestamp) {
        let mut inside = self.0.lock().unwrap();
        inside.now = to;
        let later = inside.sleepers.split_off(&(to, u64::MAX));
        let woken = std::mem::replace(&mut inside.sleepers, later);
        drop(inside);
        for sleeper in woken.into_values() {
            let _ = sleeper.send(());
        }
    }

    /// The earliest time that anybody sleeps until.
    pub fn next(&self) -> Option<Timestamp> {
        let mut inside = self.0.lock().unwrap();
        inside.sleepers.retain(|_, sleeper| !sleeper.is_closed());
        inside.sleepers.keys().next().map(|(at, _)| *at)
    }

    /// How many sleep.
    pub fn sleepers(&self) -> usize {
        let mut inside = self.0.lock().unwrap();
        inside.sleepers.retain(|_, sleeper| !sleeper.is_closed());
        inside.sleepers.len()
    }

    pub async fn sleep(&self, until: Timestamp) {
        let sleep = {
            let mut inside = self.0.lock().unwrap();
            if inside.now >= until {
                return;
            }
            inside.count += 1;
            let (sender, sleep) = oneshot::channel();
            let key = (until, inside.count);
            inside.sleepers.insert(key, sender);
            sleep
        };
        let _ = sleep.await;
    }
}

/// The clock as one life sees it.
pub struct LifeClock {
    clock: VirtualClock,
    life: Life,
}

#[async_trait::async_trait]
impl Clock for LifeClock {
    fn now(&self) -> Timestamp {
        self.clock.time()
    }

    async fn sleep_until(&self, until: Timestamp) {
        self.clock.sleep(until).await;
        self.life.alive().await;
    }

    fn fresh_id(&self) -> Uuid {
        let mut inside = self.clock.0.lock().unwrap();
        inside.count += 1;
        let mut tail = [0; 10];
        tail[2..].copy_from_slice(&inside.count.to_be_bytes());
        let millis = u64::try_from(inside.now.as_millisecond()).unwrap();
        uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }
}
