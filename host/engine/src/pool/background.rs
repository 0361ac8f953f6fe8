//! The background: jobs that compute for long go on in threads that run when nobody else wants a processor.
//!
//! Who computes for long does not mind a wait of a few milliseconds; a request that has just come does. Both at the
//! same priority, the system lets the first go on for several milliseconds before it turns to the second. So the
//! threads here have the system's idle policy: whoever else of the host is woken runs at once.
//!
//! That policy alone would let them starve where the rest wants both processors for good. So a job for which these
//! threads have not come round in a while ([`PATIENCE`]) has its turn among everybody else.
//!
//! Which job that is, the code that computes says itself, while it is polled: [`ask_for_it`].

use std::cell::Cell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};
use tokio::runtime::Handle;
use tracing::warn;

use super::{Lanes, Task};

/// How long jobs in the background wait for its threads before one of them has a turn among everybody else.
const PATIENCE: Duration = Duration::from_millis(25);

thread_local! {
    /// Whether the job that this thread polls asked for the background; absent where it polls none.
    static ASKED: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Has the job that is being polled go on in the background, from its next turn to the one in which this is not
/// called. For who computes for long, and gives way now. False if no pool polls it, and nothing comes of it.
pub fn ask_for_it() -> bool {
    let polled = ASKED.get().is_some();
    if polled {
        ASKED.set(Some(true));
    }
    polled
}

/// Polls a job; also says whether it asked for the background.
pub fn heard<T>(poll: impl FnOnce() -> T) -> (T, bool) {
    ASKED.set(Some(false));
    let polled = poll();
    (polled, ASKED.take().unwrap_or_default())
}

/// The jobs of one pool that asked for it, and its threads.
pub(super) struct Background {
    waiting: Mutex<Waiting>,
    called: Condvar,
    /// What the jobs run in. Kept, as who wakes one may be a thread of something else.
    runtime: Handle,
}

struct Waiting {
    lanes: Lanes,
    /// When a thread last came round, or something was first to wait.
    served: Instant,
    threads: Threads,
    /// Whether somebody looks after those that wait for too long.
    watched: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Threads {
    /// Nothing has asked for the background yet: most hosts do without.
    None,
    Some,
    /// There will be none any more.
    Closed,
}

impl Background {
    /// For jobs of the present runtime.
    pub(super) fn new() -> Self {
        let waiting = Waiting {
            lanes: Lanes::default(),
            served: Instant::now(),
            threads: Threads::None,
            watched: false,
        };
        Self { waiting: Mutex::new(waiting), called: Condvar::new(), runtime: Handle::current() }
    }

    /// Takes a job, or gives it back if there are no threads for it.
    pub(super) fn push(self: &Arc<Self>, task: Arc<Task>) -> Result<(), Arc<Task>> {
        let mut waiting = self.waiting();
        if waiting.threads == Threads::None {
            waiting.threads = self.begin();
        }
        if waiting.threads == Threads::Closed {
            return Err(task);
        }
        if waiting.lanes.is_empty() {
            waiting.served = Instant::now();
        }
        waiting.lanes.push(task);
        let unwatched = !std::mem::replace(&mut waiting.watched, true);
        drop(waiting);
        self.called.notify_one();
        if unwatched {
            self.runtime.spawn(Arc::clone(self).watch());
        }
        Ok(())
    }

    pub(super) fn close(&self) {
        let left = {
            let mut waiting = self.waiting();
            waiting.threads = Threads::Closed;
            std::mem::take(&mut waiting.lanes)
        };
        self.called.notify_all();
        // What they hold may wake others that come here.
        drop(left);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread for each processor.
    fn begin(self: &Arc<Self>) -> Threads {
        let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let begun = (0..count).filter(|number| {
            let own = Arc::clone(self);
            let thread = Builder::new().name(format!("orgata-background-{number}"));
            let begun = thread.spawn(move || own.work());
            if let Err(error) = &begun {
                warn!(%error, "no thread for what computes for long: it stays among the rest");
            }
            begun.is_ok()
        });
        if begun.count() > 0 { Threads::Some } else { Threads::Closed }
    }

    fn work(&self) {
        step_back();
        let _inside = self.runtime.enter();
        while let Some(task) = self.next() {
            task.poll();
        }
    }

    /// Waits for a job. None when the pool is closed.
    fn next(&self) -> Option<Arc<Task>> {
        let mut waiting = self.waiting();
        waiting.served = Instant::now();
        loop {
            if waiting.threads == Threads::Closed {
                return None;
            }
            if let Some(task) = waiting.lanes.next() {
                return Some(task);
            }
            waiting = self.called.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives those a turn here that have waited for too long, until none waits.
    async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(PATIENCE).await;
            match self.overdue() {
                Watched::Over => return,
                Watched::Served => {}
                Watched::Overdue(task) => task.poll(),
            }
        }
    }

    fn overdue(&self) -> Watched {
        let mut waiting = self.waiting();
        if waiting.lanes.is_empty() {
            waiting.watched = false;
            return Watched::Over;
        }
        match waiting.served.elapsed() < PATIENCE {
            true => Watched::Served,
            false => waiting.lanes.next().map_or(Watched::Served, Watched::Overdue),
        }
    }
}

enum Watched {
    /// Nothing waits.
    Over,
    /// The threads come round.
    Served,
    Overdue(Arc<Task>),
}

/// Has this thread run when no other wants its processor. Anybody may do so; where it cannot be done all the same,
/// the thread is one like any other.
fn step_back() {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    if let Err(error) = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle) {
        warn!(?error, "threads for what computes for long have the priority of all others");
    }
}
