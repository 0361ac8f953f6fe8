//! `wasi:clocks`: clocks that stand at the start of the step, and move only when the guest sleeps.
//!
//! Both clocks show the start of the step plus what the guest has slept since. So a pure operation that asks
//! for the time computes the same when it runs again, and one that sleeps until a time gets there. Sleeping
//! takes real time, and counts against the call's. A guest that spins until a clock moves spins until its
//! time is up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use crate::guest::Guest;

/// What both clocks tell as their resolution: a microsecond, as the engine's own.
const RESOLUTION: Duration = Duration::from_micros(1);

/// The time that a guest sees.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Duration,
    /// Nanoseconds, shared with the sleeps under way.
    slept: Arc<AtomicU64>,
}

impl Clock {
    /// A clock that stands at `start`.
    pub(crate) fn at(start: Timestamp) -> Self {
        Self { started: since_epoch(start), slept: Arc::new(AtomicU64::new(0)) }
    }

    /// Sets the clock to `start`.
    pub(crate) fn reset(&mut self, start: Timestamp) {
        self.started = since_epoch(start);
        self.slept.store(0, Ordering::Relaxed);
    }

    fn slept(&self) -> u64 {
        self.slept.load(Ordering::Relaxed)
    }
}

fn since_epoch(at: Timestamp) -> Duration {
    Duration::from_micros(u64::try_from(at.as_microsecond()).unwrap_or(0))
}

impl wall_clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let now = self.wasi.clock.started + Duration::from_nanos(self.wasi.clock.slept());
        Ok(wall_clock::Datetime { seconds: now.as_secs(), nanoseconds: now.subsec_nanos() })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: RESOLUTION.as_secs(), nanoseconds: RESOLUTION.subsec_nanos() })
    }
}

impl monotonic_clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.wasi.clock.slept())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(RESOLUTION.subsec_nanos().into())
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.sleep_until(when)
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.sleep_until(self.wasi.clock.slept().saturating_add(duration))
    }
}

impl Guest {
    fn sleep_until(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let clock = &self.wasi.clock;
        let left = Duration::from_nanos(when.saturating_sub(clock.slept()));
        let until = tokio::time::Instant::now().checked_add(left);
        let sleep = Sleep { until, wakes_at: when, slept: Arc::clone(&clock.slept) };
        let sleep = self.table.push(sleep)?;
        subscribe(&mut self.table, sleep)
    }
}

/// A guest that waits for its clock to reach `wakes_at`.
struct Sleep {
    /// Absent: too far away for the host's clock, and so for ever.
    until: Option<tokio::time::Instant>,
    wakes_at: u64,
    slept: Arc<AtomicU64>,
}

#[async_trait::async_trait]
impl Pollable for Sleep {
    async fn ready(&mut self) {
        match self.until {
            None => std::future::pending().await,
            Some(until) if until <= tokio::time::Instant::now() => {
                // A guest that polls with no patience in a loop must still let others have the thread.
                tokio::task::yield_now().await;
            }
            Some(until) => tokio::time::sleep_until(until).await,
        }
        self.slept.fetch_max(self.wakes_at, Ordering::Relaxed);
    }
}
