//! Who runs next: drivers of executions take turns by runtime, and in a runtime by playbook.
//!
//! The threads that serve the host run what is ready in the order in which it became so. Where one playbook has
//! thousands of executions at work, another's single one would wait behind all of them at every step of its way. So
//! drivers that are ready stand in lanes, one for each playbook of each runtime, and a few workers take one from
//! each lane in turn. After each, a worker goes to the back of the threads' own queue: requests, answers and the
//! store come between.
//!
//! What a driver does at a time is short: guests that compute for long give way, and all else waits for something
//! soon.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use orgata_model::{PlaybookName, RuntimeId};
use tokio::sync::Semaphore;
use tracing::error;

/// A lane.
pub(crate) type Lane = (RuntimeId, PlaybookName);

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// All lanes.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Inside>);

struct Inside {
    ready: Mutex<Ready>,
    /// A permit wakes a worker. Closed: they leave.
    calls: Semaphore,
}

#[derive(Default)]
struct Ready {
    lanes: Rota<RuntimeId, Rota<PlaybookName, VecDeque<Arc<Task>>>>,
    /// Workers that found nothing to do and were not called since.
    idle: usize,
}

impl Pool {
    /// With as many workers as the present runtime has threads.
    pub(crate) fn begin() -> Self {
        let pool = Self(Arc::new(Inside { ready: Mutex::default(), calls: Semaphore::new(0) }));
        for _ in 0..tokio::runtime::Handle::current().metrics().num_workers() {
            tokio::spawn(Arc::clone(&pool.0).work());
        }
        pool
    }

    /// Runs this to its end, whenever it is its lane's turn.
    pub(crate) fn spawn(&self, lane: Lane, job: impl Future<Output = ()> + Send + 'static) {
        let (job, pool) = (Mutex::new(Some(Box::pin(job) as Job)), Arc::clone(&self.0));
        self.0.push(Arc::new(Task { lane, job, stage: AtomicU8::new(READY), pool }));
    }

    /// Sends the workers away. What has not ended is not run any more.
    pub(crate) fn close(&self) {
        self.0.calls.close();
    }
}

impl Inside {
    fn ready(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, task: Arc<Task>) {
        let mut ready = self.ready();
        let (runtime, playbook) = task.lane.clone();
        ready.lanes.entry(runtime).entry(playbook).push_back(task);
        if ready.idle > 0 {
            ready.idle -= 1;
            drop(ready);
            self.calls.add_permits(1);
        }
    }

    fn next(&self) -> Option<Arc<Task>> {
        let mut ready = self.ready();
        let task = ready.lanes.next(|playbooks| {
            let task = playbooks.next(|tasks| {
                let task = tasks.pop_front();
                (task, tasks.is_empty())
            });
            (task, playbooks.turns.is_empty())
        });
        ready.idle += usize::from(task.is_none());
        task
    }

    async fn work(self: Arc<Self>) {
        loop {
            match self.next() {
                Some(task) => {
                    task.poll();
                    tokio::task::yield_now().await;
                }
                None => match self.calls.acquire().await {
                    Ok(call) => call.forget(),
                    Err(_closed) => return,
                },
            }
        }
    }
}

/// Queues that take turns; those that are empty are not kept.
struct Rota<K, Q> {
    turns: VecDeque<K>,
    queues: HashMap<K, Q>,
}

impl<K, Q> Default for Rota<K, Q> {
    fn default() -> Self {
        Self { turns: VecDeque::new(), queues: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash, Q: Default> Rota<K, Q> {
    fn entry(&mut self, key: K) -> &mut Q {
        let turns = &mut self.turns;
        self.queues.entry(key).or_insert_with_key(|key| {
            turns.push_back(key.clone());
            Q::default()
        })
    }

    /// What `take` gives of the queue whose turn it is; it also says whether the queue is empty then.
    fn next<T>(&mut self, take: impl FnOnce(&mut Q) -> (Option<T>, bool)) -> Option<T> {
        let key = self.turns.pop_front()?;
        let (taken, empty) = self.queues.get_mut(&key).map_or((None, true), take);
        if empty {
            self.queues.remove(&key);
        } else {
            self.turns.push_back(key);
        }
        taken
    }
}

/// It stands in its lane, or is about to.
const READY: u8 = 0;
/// A worker is at it.
const RUNNING: u8 = 1;
/// A worker is at it, and it was woken meanwhile.
const WOKEN: u8 = 2;
/// It waits for something.
const WAITING: u8 = 3;

struct Task {
    lane: Lane,
    /// Nothing once it has ended.
    job: Mutex<Option<Job>>,
    stage: AtomicU8,
    pool: Arc<Inside>,
}

impl Task {
    fn poll(self: &Arc<Self>) {
        self.stage.store(RUNNING, Ordering::Release);
        let waker = Waker::from(Arc::clone(self));
        let mut job = self.job.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = job.as_mut() else { return };
        let polled =
            catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(&mut Context::from_waker(&waker))));
        if let Ok(Poll::Pending) = polled {
            drop(job);
            let waits =
                self.stage.compare_exchange(RUNNING, WAITING, Ordering::AcqRel, Ordering::Acquire).is_ok();
            if !waits {
                self.stage.store(READY, Ordering::Release);
                self.pool.push(Arc::clone(self));
            }
            return;
        }
        if polled.is_err() {
            error!(runtime = %self.lane.0, playbook = %self.lane.1, "a driver panicked");
        }
        // What it holds goes now, and not with the last waker.
        let ended = job.take();
        drop(job);
        drop(ended);
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let woken = self.stage.fetch_update(Ordering::AcqRel, Ordering::Acquire, |stage| match stage {
            WAITING => Some(READY),
            RUNNING => Some(WOKEN),
            _ => None,
        });
        if woken == Ok(WAITING) {
            let pool = Arc::clone(&self.pool);
            pool.push(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::{Notify, mpsc};

    use super::*;

    fn lane(runtime: &str, playbook: &str) -> Lane {
        (runtime.parse().unwrap(), playbook.parse().unwrap())
    }

    /// Gives way so often, telling who it is each time.
    async fn rounds(name: &'static str, count: usize, told: mpsc::UnboundedSender<&'static str>) {
        for _ in 0..count {
            told.send(name).unwrap();
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn runtimes_take_turns_and_playbooks_inside_of_them_however_many_wait() {
        let pool = Pool::begin();
        let (sender, mut told) = mpsc::unbounded_channel();
        for _ in 0..50 {
            pool.spawn(lane("noisy", "many"), rounds("many", 1, sender.clone()));
        }
        pool.spawn(lane("noisy", "few"), rounds("few", 2, sender.clone()));
        pool.spawn(lane("light", "one"), rounds("one", 4, sender.clone()));
        drop(sender);
        let mut order = Vec::new();
        while let Some(name) = told.recv().await {
            order.push(name);
        }
        assert_eq!(order.len(), 56);
        assert_eq!(order[..8], ["many", "one", "few", "one", "many", "one", "few", "one"]);
        pool.close();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn nobody_is_forgotten_or_run_twice_at_a_time() {
        let pool = Pool::begin();
        let (done, all) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        const JOBS: usize = 300;
        for number in 0..JOBS {
            let (done, all) = (Arc::clone(&done), Arc::clone(&all));
            let job = async move {
                for _ in 0..20 {
                    let (sender, receiver) = tokio::sync::oneshot::channel();
                    tokio::spawn(async move { sender.send(()) });
                    receiver.await.unwrap();
                }
                if done.fetch_add(1, Ordering::Relaxed) + 1 == JOBS {
                    all.notify_one();
                }
            };
            pool.spawn(lane("town", ["a", "b", "c"][number % 3]), job);
        }
        all.notified().await;
        assert_eq!(done.load(Ordering::Relaxed), JOBS);
        pool.close();
    }

    #[tokio::test]
    async fn a_panic_ends_its_job_alone_and_lets_go_of_what_it_held() {
        let pool = Pool::begin();
        let held = Arc::new(());
        let holds = Arc::clone(&held);
        pool.spawn(lane("town", "a"), async move {
            let _holds = holds;
            tokio::task::yield_now().await;
            panic!("on purpose");
        });
        let (sender, receiver) = tokio::sync::oneshot::channel();
        pool.spawn(lane("town", "a"), async move {
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            sender.send(()).unwrap();
        });
        receiver.await.unwrap();
        assert_eq!(Arc::strong_count(&held), 1);
        pool.close();
    }
}
