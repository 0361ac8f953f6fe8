//! Time that stands still until it is moved on, and ids that are the same in every run.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::ports::Clock;

struct Inside {
    now: Timestamp,
    /// Whoever sleeps: until when, and in which order they came.
    sleepers: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
    count: u64,
}

/// The time of one simulation.
pub(super) struct VirtualClock(Mutex<Inside>);

impl VirtualClock {
    pub(super) fn starting(at: Timestamp) -> Self {
        let now = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        Self(Mutex::new(Inside { now, sleepers: BTreeMap::new(), count: 0 }))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The earliest time that anybody sleeps until.
    pub(super) fn next(&self) -> Option<Timestamp> {
        let mut inside = self.inside();
        inside.sleepers.retain(|_, sleeper| !sleeper.is_closed());
        inside.sleepers.keys().next().map(|(until, _)| *until)
    }

    /// The end: whoever sleeps wakes, and time is of no use any more.
    pub(super) fn stop(&self) {
        self.inside().sleepers.clear();
    }

    /// It is so late, and whoever slept until then wakes.
    pub(super) fn set(&self, now: Timestamp) {
        let mut inside = self.inside();
        inside.now = now;
        let later = inside.sleepers.split_off(&(now, u64::MAX));
        let woken = std::mem::replace(&mut inside.sleepers, later);
        drop(inside);
        for sleeper in woken.into_values() {
            // Whoever went away need not wake.
            let _ = sleeper.send(());
        }
    }
}

#[async_trait::async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.inside().now
    }

    async fn sleep_until(&self, until: Timestamp) {
        let woken = {
            let mut inside = self.inside();
            if inside.now >= until {
                return;
            }
            inside.count += 1;
            let (sender, woken) = oneshot::channel();
            let key = (until, inside.count);
            inside.sleepers.insert(key, sender);
            woken
        };
        // It fails only when the simulation is over.
        let _ = woken.await;
    }

    fn fresh_id(&self) -> Uuid {
        let mut inside = self.inside();
        inside.count += 1;
        let mut tail = [0; 10];
        let (_, low) = tail.split_at_mut(2);
        low.copy_from_slice(&inside.count.to_be_bytes());
        let millis = u64::try_from(inside.now.as_millisecond()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: Timestamp = Timestamp::UNIX_EPOCH;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[tokio::test]
    async fn sleepers_wake_when_their_time_has_come_and_not_before() {
        let clock = VirtualClock::starting(BEGIN);
        let mut early = Box::pin(clock.sleep_until(at(10)));
        let mut late = Box::pin(clock.sleep_until(at(20)));
        assert!(futures_util::poll!(early.as_mut()).is_pending());
        assert!(futures_util::poll!(late.as_mut()).is_pending());
        assert_eq!(clock.next(), Some(at(10)));
        clock.set(at(10));
        assert!(futures_util::poll!(early).is_ready());
        assert!(futures_util::poll!(late.as_mut()).is_pending());
        assert_eq!(clock.next(), Some(at(20)));
        // Who goes away is not waited for.
        drop(late);
        assert_eq!(clock.next(), None);
    }

    #[test]
    fn ids_are_fresh_and_the_same_in_every_run() {
        let ids = || {
            let clock = VirtualClock::starting(BEGIN);
            [clock.fresh_id(), clock.fresh_id()]
        };
        assert_eq!(ids(), ids());
        assert_ne!(ids()[0], ids()[1]);
        assert_eq!(ids()[0].get_version_num(), 7);
    }
}
