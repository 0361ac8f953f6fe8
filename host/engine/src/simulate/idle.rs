//! When nothing is to do: only then does virtual time move on.
//!
//! A simulation has a thread and a scheduler of its own, and everything in it happens there, except for operations that
//! really run: they run where the host runs them. So nothing is to do when the scheduler is about to park its thread
//! ([`Idle::parks`]) and no such call is under way. That is exact, where counting turns of a scheduler would be a guess.
//!
//! Calls that really run begin one after the other, each when nothing else is to do: how long they take decides nothing,
//! and a simulation tells the same every time.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use tokio::sync::oneshot;

#[derive(Default)]
struct Inside {
    /// Whoever waits for the moment.
    waits: Option<Waker>,
    /// It has come since they began to wait.
    came: bool,
    under_way: usize,
    /// Calls that wait for their turn.
    queue: VecDeque<oneshot::Sender<UnderWay>>,
}

/// Knows when nothing is to do.
#[derive(Default)]
pub(super) struct Idle(Mutex<Inside>);

/// Something goes on outside of the simulation's thread, until this is dropped.
pub(super) struct UnderWay(Arc<Idle>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.inside().under_way -= 1;
    }
}

impl Idle {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scheduler is about to park its thread.
    pub(super) fn parks(&self) {
        let mut inside = self.inside();
        if inside.under_way == 0
            && let Some(waker) = inside.waits.take()
        {
            inside.came = true;
            drop(inside);
            waker.wake();
        }
    }

    /// Returns when nothing is to do any more but what waits for it. One at a time may wait.
    pub(super) async fn comes(&self) {
        poll_fn(|cx| {
            let mut inside = self.inside();
            if std::mem::take(&mut inside.came) {
                return Poll::Ready(());
            }
            inside.waits = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Something begins outside of the simulation's thread.
    pub(super) fn goes_on(self: &Arc<Self>) -> UnderWay {
        self.inside().under_way += 1;
        UnderWay(Arc::clone(self))
    }

    /// Waits until it is this call's turn.
    pub(super) async fn turn(self: &Arc<Self>) -> UnderWay {
        loop {
            let (sender, turn) = oneshot::channel();
            self.inside().queue.push_back(sender);
            // The sender goes with the turn alone.
            if let Ok(turn) = turn.await {
                return turn;
            }
        }
    }

    /// Lets the next call begin. `false`: none waits.
    pub(super) fn begin_next(self: &Arc<Self>) -> bool {
        loop {
            let next = self.inside().queue.pop_front();
            let Some(next) = next else { return false };
            // One that went away gives it back.
            if next.send(self.goes_on()).is_ok() {
                return true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime(idle: &Arc<Idle>) -> tokio::runtime::Runtime {
        let hook = Arc::clone(idle);
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.on_thread_park(move || hook.parks()).build().unwrap()
    }

    #[test]
    fn it_comes_after_everything_that_can_happen_has_happened() {
        let idle = Arc::new(Idle::default());
        let steps = Arc::new(Mutex::new(0));
        let told = Arc::clone(&steps);
        runtime(&idle).block_on(async {
            tokio::spawn(async move {
                for _ in 0..500 {
                    tokio::task::yield_now().await;
                    *told.lock().unwrap() += 1;
                }
            });
            idle.comes().await;
        });
        assert_eq!(*steps.lock().unwrap(), 500);
    }

    #[test]
    fn it_does_not_come_while_something_goes_on_elsewhere_and_calls_begin_one_by_one() {
        let idle = Arc::new(Idle::default());
        let log = Arc::new(Mutex::new(Vec::new()));
        runtime(&idle).block_on(async {
            for number in 0..3 {
                let (idle, log) = (Arc::clone(&idle), Arc::clone(&log));
                tokio::spawn(async move {
                    let _turn = idle.turn().await;
                    let (done, ended) = oneshot::channel();
                    std::thread::spawn(move || done.send(()));
                    ended.await.unwrap();
                    log.lock().unwrap().push(number);
                });
            }
            for count in 0..3 {
                idle.comes().await;
                assert_eq!(log.lock().unwrap().len(), count);
                assert!(idle.begin_next());
            }
            idle.comes().await;
            assert!(!idle.begin_next());
        });
        assert_eq!(*log.lock().unwrap(), [0, 1, 2]);
    }

    #[test]
    fn a_call_that_went_away_takes_no_turn() {
        let idle = Arc::new(Idle::default());
        runtime(&idle).block_on(async {
            let mut gone = Box::pin(idle.turn());
            assert!(futures_util::poll!(gone.as_mut()).is_pending());
            drop(gone);
            assert!(!idle.begin_next());
            idle.comes().await;
        });
    }
}
