//! Turns: a guest that computes for long leaves room for everybody else.
//!
//! Guests run on the threads that serve the whole host. One that is done within a few milliseconds simply runs.
//! One that is not gives way at every tick, and goes on in the background of the engine's pool, in threads that run
//! when nobody else wants a processor. Where no pool runs it, as where files of a folder are looked at, it goes to
//! the back of the threads' queue at every tick.
//!
//! An operation that computed for long when it was last called begins in the background: the next call rarely takes
//! less.
//!
//! What counts is the processor's time. On a machine that is busy with something else, a quick guest may last for
//! many ticks, and must not be taken for a slow one.
//!
//! Rejected: yielding alone, as the thread then goes from one slow guest to the next and a quick call waits for
//! all of them, several times; and threads of their own for all guests, as every quick call would pay for the way
//! there and back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use orgata_engine::pool::background;
use rustix::time::{ClockId, clock_gettime};

/// How long a guest may compute, from its first tick on, before it goes to the background. Until that tick it costs
/// nothing to watch it, and most are done.
const QUICK: Duration = Duration::from_millis(1);

/// Whether the last call of an operation computed for long.
#[derive(Debug, Default)]
pub(crate) struct Habit(AtomicBool);

/// The turn of one instance. Cheap to clone: the callback that gives way has one.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    state: Arc<Mutex<State>>,
    /// How long the present thread has computed.
    computed: fn() -> Duration,
}

#[derive(Debug, Default)]
struct State {
    giving_way: bool,
    /// What the thread had computed when the guest went on after a tick; absent while it waits in the host, as it
    /// may go on in another thread.
    since: Option<Duration>,
    /// How long the present call has computed, as far as that was watched.
    took: Duration,
}

impl Turn {
    pub(crate) fn new() -> Self {
        Self::timed(of_this_thread)
    }

    fn timed(computed: fn() -> Duration) -> Self {
        Self { state: Arc::default(), computed }
    }

    /// A tick has come, and the guest is still computing. It goes on when this is done.
    pub(crate) fn give_way(&self) -> impl Future<Output = ()> + Send + use<> {
        let quick = {
            let mut state = self.lock();
            if let Some(since) = state.since.take() {
                state.took += (self.computed)().saturating_sub(since);
            }
            state.giving_way = true;
            state.took < QUICK
        };
        let turn = self.clone();
        async move {
            if !quick {
                background::ask_for_it();
            }
            tokio::task::yield_now().await;
            let mut state = turn.lock();
            state.giving_way = false;
            state.since = Some((turn.computed)());
        }
    }

    /// Performs one call of the guest that this turn belongs to, of an operation with this habit.
    pub(crate) async fn taken<T>(&self, habit: &Habit, call: impl Future<Output = T>) -> T {
        let _over = Over(self, habit);
        if habit.0.load(Ordering::Relaxed) && background::ask_for_it() {
            tokio::task::yield_now().await;
        }
        let mut call = std::pin::pin!(call);
        std::future::poll_fn(|context| match call.as_mut().poll(context) {
            Poll::Pending => {
                self.rest();
                Poll::Pending
            }
            done => done,
        })
        .await
    }

    /// The guest does not compute now.
    fn rest(&self) {
        let mut state = self.lock();
        if !state.giving_way {
            state.since = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The call is over, or was given up.
struct Over<'a>(&'a Turn, &'a Habit);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        let over = std::mem::take(&mut *self.0.lock());
        self.1.0.store(over.took >= QUICK, Ordering::Relaxed);
    }
}

fn of_this_thread() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A clock for each test, as each has a thread of its own.
    fn advancing() -> Duration {
        thread_local!(static COMPUTED: AtomicU64 = const { AtomicU64::new(0) });
        let milliseconds = COMPUTED.with(|computed| computed.fetch_add(1, Ordering::Relaxed));
        Duration::from_millis(milliseconds)
    }

    /// In which of its polls a guest that computes for so many ticks asks for the background.
    async fn asks(turn: &Turn, habit: &Habit, ticks: u32) -> Vec<bool> {
        let mut asked = Vec::new();
        let call = async {
            for _ in 0..ticks {
                turn.give_way().await;
            }
        };
        let mut call = std::pin::pin!(turn.taken(habit, call));
        std::future::poll_fn(|context| {
            let (polled, heard) = background::heard(|| call.as_mut().poll(context));
            asked.push(heard);
            polled
        })
        .await;
        asked
    }

    #[tokio::test]
    async fn a_guest_that_is_done_soon_stays() {
        assert_eq!(asks(&Turn::timed(advancing), &Habit::default(), 1).await, [false, false]);
    }

    #[tokio::test]
    async fn a_guest_that_computes_for_long_goes_and_begins_there_the_next_time() {
        let (turn, habit) = (Turn::timed(advancing), Habit::default());
        assert_eq!(asks(&turn, &habit, 3).await, [false, true, true, false]);
        assert_eq!(asks(&turn, &habit, 1).await, [true, false, false], "it is done soon this time");
        assert_eq!(asks(&turn, &habit, 1).await, [false, false]);
    }

    #[tokio::test]
    async fn a_guest_that_gets_no_processor_is_not_slow_for_that() {
        let turn = Turn::timed(|| Duration::ZERO);
        assert!(!asks(&turn, &Habit::default(), 1000).await.contains(&true));
    }

    #[tokio::test]
    async fn what_a_guest_waits_for_in_the_host_is_not_its_own_time() {
        let turn = Turn::timed(advancing);
        let call = async {
            turn.give_way().await;
            assert!(turn.lock().since.is_some());
            // It waits for the host.
            tokio::time::sleep(Duration::from_millis(1)).await;
            turn.lock().since
        };
        assert_eq!(turn.taken(&Habit::default(), call).await, None);
    }
}
