//! Turns: a guest that computes for long leaves room for everybody else.
//!
//! Guests run on the threads that serve the whole host. One that is done within a tick or two simply runs. One
//! that is not takes turns with its like: at every tick it gives way, and goes on once it has one of a few
//! seats. There is a seat for each processor, and there are more threads than that: so however many guests
//! compute for long, the rest of the host, quick guests included, finds a thread, and the system puts first what
//! has slept.
//!
//! A guest that waits in the host, for a server or for its clock, holds no seat.
//!
//! Rejected: yielding alone, as the thread then goes from one slow guest to the next and a quick call waits for
//! all of them, several times; and threads of their own for guests, as every quick call would pay for the way
//! there and back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Ticks that a guest may compute before it needs a seat. The first comes at any moment, so one is too few.
const QUICK: u32 = 1;

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
}

#[derive(Debug, Default)]
struct State {
    /// Ticks at which the present call was still computing.
    ticks: u32,
    seat: Option<OwnedSemaphorePermit>,
    giving_way: bool,
}

impl Turn {
    pub(crate) fn new(seats: &Seats) -> Self {
        Self { seats: seats.clone(), state: Arc::default() }
    }

    /// A tick has come, and the guest is still computing. It goes on when this is done.
    pub(crate) fn give_way(&self) -> impl Future<Output = ()> + Send + use<> {
        let quick = {
            let mut state = self.lock();
            state.ticks = state.ticks.saturating_add(1);
            state.giving_way = true;
            // Whoever has waited longest is next.
            state.seat = None;
            state.ticks <= QUICK
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

    /// The guest does not compute now. Its ticks stay: one that pauses in between is not quick for that.
    fn rest(&self) {
        let mut state = self.lock();
        if !state.giving_way {
            state.seat = None;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A guest that computes for so many ticks.
    async fn compute(turn: &Turn, ticks: u32) {
        for _ in 0..ticks {
            turn.give_way().await;
        }
    }

    fn free(seats: &Seats) -> usize {
        seats.0.available_permits()
    }

    #[tokio::test]
    async fn a_quick_guest_needs_no_seat() {
        let seats = Seats::of(0);
        let turn = Turn::new(&seats);
        turn.taken(compute(&turn, QUICK)).await;
    }

    #[tokio::test]
    async fn slow_guests_take_turns() {
        let seats = Seats::of(1);
        let order = Arc::new(Mutex::new(Vec::new()));
        let guests = ["a", "b"].map(|name| {
            let (turn, order) = (Turn::new(&seats), Arc::clone(&order));
            tokio::spawn(async move {
                let slow = async {
                    compute(&turn, QUICK).await;
                    for _ in 0..3 {
                        turn.give_way().await;
                        order.lock().unwrap().push(name);
                    }
                };
                turn.taken(slow).await;
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
        let turn = Turn::new(&seats);
        let (answer, waiting) = tokio::sync::oneshot::channel::<()>();
        let call = turn.taken(async {
            compute(&turn, QUICK + 1).await;
            assert_eq!(free(&seats), 0);
            waiting.await
        });
        let host = async {
            while free(&seats) == 0 || turn.lock().ticks <= QUICK {
                tokio::task::yield_now().await;
            }
            answer.send(())
        };
        let (called, answered) = tokio::join!(call, host);
        assert!(called.is_ok() && answered.is_ok());
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_gives_its_seat_back() {
        let seats = Seats::of(1);
        let endless = async || {
            let turn = Turn::new(&seats);
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
