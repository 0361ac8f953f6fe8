//! Turns: a guest that computes for long leaves room for everybody else.
//!
//! Guests run on the threads that serve the whole host. One that is done within a few milliseconds simply runs.
//! One that is not takes turns with its like: at every tick it gives way, and goes on once it has one of a few
//! seats. There is a seat for each processor, and there are more threads than that: so however many guests
//! compute for long, the rest of the host, quick guests included, finds a thread, and the system puts first what
//! has slept.
//!
//! What counts is the processor's time. On a machine that is busy with something else, a quick guest may last for
//! many ticks, and must not be taken for a slow one. A guest that waits in the host, for a server or for its clock,
//! holds no seat.
//!
//! Rejected: yielding alone, as the thread then goes from one slow guest to the next and a quick call waits for
//! all of them, several times; and threads of their own for guests, as every quick call would pay for the way
//! there and back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a guest may compute, from its first tick on, before it needs a seat. Until that tick it costs nothing
/// to watch it, and most are done.
const QUICK: Duration = Duration::from_millis(1);

/// The seats of one host.
#[derive(Debug, Clone)]
pub(crate) struct Seats(Arc<Semaphore>);

impl Seats {
    /// A seat for each processor. Fewer would leave processors idle where all that there is to do takes long.
    pub(crate) fn new() -> Self {
        Self::of(std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
    }

    fn of(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }
}

/// The turn of one instance. Cheap to clone: the callback that gives way has one.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    seats: Seats,
    state: Arc<Mutex<State>>,
    /// How long the present thread has computed.
    computed: fn() -> Duration,
}

#[derive(Debug, Default)]
struct State {
    seat: Option<OwnedSemaphorePermit>,
    giving_way: bool,
    /// What the thread had computed when the guest went on after a tick; absent while it waits in the host, as it
    /// may go on in another thread.
    since: Option<Duration>,
    /// How long the present call has computed, as far as that was watched.
    took: Duration,
}

impl Turn {
    pub(crate) fn new(seats: &Seats) -> Self {
        Self::timed(seats, of_this_thread)
    }

    fn timed(seats: &Seats, computed: fn() -> Duration) -> Self {
        Self { seats: seats.clone(), state: Arc::default(), computed }
    }

    /// A tick has come, and the guest is still computing. It goes on when this is done.
    pub(crate) fn give_way(&self) -> impl Future<Output = ()> + Send + use<> {
        let quick = {
            let mut state = self.lock();
            if let Some(since) = state.since.take() {
                state.took += (self.computed)().saturating_sub(since);
            }
            state.giving_way = true;
            // Whoever has waited longest is next.
            state.seat = None;
            state.took < QUICK
        };
        let turn = self.clone();
        async move {
            let seat = match quick {
                true => None,
                // Seats are never closed.
                false => Arc::clone(&turn.seats.0).acquire_owned().await.ok(),
            };
            // With a seat or without one, the thread goes to the back of the queue.
            tokio::task::yield_now().await;
            let mut state = turn.lock();
            state.seat = seat;
            state.giving_way = false;
            state.since = Some((turn.computed)());
        }
    }

    /// Performs one call of the guest that this turn belongs to.
    pub(crate) async fn taken<T>(&self, call: impl Future<Output = T>) -> T {
        let _over = Over(self);
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
            state.seat = None;
            state.since = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The call is over, or was given up.
struct Over<'a>(&'a Turn);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        *self.0.lock() = State::default();
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

    /// A guest that computes at every tick.
    fn slow(seats: &Seats) -> Turn {
        Turn::timed(seats, advancing)
    }

    /// A guest that computes for so many ticks.
    async fn compute(turn: &Turn, ticks: u32) {
        for _ in 0..ticks {
            turn.give_way().await;
        }
    }

    /// Ticks after which a guest that computes at every one is known to be slow.
    const KNOWN: u32 = 2;

    fn free(seats: &Seats) -> usize {
        seats.0.available_permits()
    }

    #[tokio::test]
    async fn a_guest_that_is_done_soon_needs_no_seat() {
        let turn = slow(&Seats::of(0));
        turn.taken(compute(&turn, KNOWN - 1)).await;
    }

    #[tokio::test]
    async fn a_guest_that_gets_no_processor_is_not_slow_for_that() {
        let turn = Turn::timed(&Seats::of(0), || Duration::ZERO);
        turn.taken(compute(&turn, 1000)).await;
    }

    #[tokio::test]
    async fn slow_guests_take_turns() {
        let seats = Seats::of(1);
        let order = Arc::new(Mutex::new(Vec::new()));
        let guests = ["a", "b"].map(|name| {
            let (turn, order) = (slow(&seats), Arc::clone(&order));
            tokio::spawn(async move {
                let call = async {
                    compute(&turn, KNOWN).await;
                    for _ in 0..3 {
                        turn.give_way().await;
                        order.lock().unwrap().push(name);
                    }
                };
                turn.taken(call).await;
            })
        });
        for guest in guests {
            guest.await.unwrap();
        }
        let order = order.lock().unwrap();
        assert!(order.windows(2).all(|two| two[0] != two[1]), "{order:?}");
        assert_eq!(order.len(), 6);
        assert_eq!(free(&seats), 1);
    }

    #[tokio::test]
    async fn a_guest_that_waits_in_the_host_holds_no_seat() {
        let seats = Seats::of(1);
        let turn = slow(&seats);
        let (answer, waiting) = tokio::sync::oneshot::channel::<()>();
        let held = std::cell::Cell::new(false);
        let call = turn.taken(async {
            compute(&turn, KNOWN).await;
            held.set(free(&seats) == 0);
            waiting.await
        });
        let host = async {
            while !held.get() {
                tokio::task::yield_now().await;
            }
            assert_eq!(free(&seats), 1);
            answer.send(())
        };
        let (called, answered) = tokio::join!(call, host);
        assert!(called.is_ok() && answered.is_ok());
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_gives_its_seat_back() {
        let seats = Seats::of(1);
        let endless = async || {
            let turn = slow(&seats);
            turn.taken(compute(&turn, u32::MAX)).await;
        };
        let a_while = async {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            assert_eq!(free(&seats), 0, "one has the seat, the other waits for it");
        };
        tokio::select! {
            biased;
            () = async { tokio::join!(endless(), endless()); } => unreachable!("neither ends"),
            () = a_while => {}
        }
        assert_eq!(free(&seats), 1);
    }
}
