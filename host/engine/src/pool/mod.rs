//! Who runs next: drivers of executions take turns by runtime, and in a runtime by playbook.
//!
//! The threads that serve the host run what is ready in the order in which it became so. Where one playbook has
//! thousands of executions at work, another's single one would wait behind all of them at every step of its way. So
//! drivers that are ready stand in lanes, one for each playbook of each runtime, and a few workers take one from
//! each lane in turn. After each, a worker goes to the back of the threads' own queue: requests, answers and the
//! store come between.
//!
//! What a driver does at a time is short: guests that compute for long give way, and all else waits for something
//! soon. A driver whose guest computes for long goes on in the [`background`].
//!
//! Calls that have a task of their own, tests of operations and files that are loaded run here like drivers.

pub mod background;
mod rota;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::future::{AbortHandle, Abortable};
use orgata_model::{PlaybookName, RuntimeId};
use tokio::sync::{Semaphore, oneshot};
use tracing::error;

use background::Background;
use rota::Rota;

/// A lane.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    /// None for what belongs to no runtime.
    runtime: Option<RuntimeId>,
    /// None for what belongs to no playbook.
    playbook: Option<PlaybookName>,
}

impl Lane {
    /// For what executions of a playbook do.
    pub(crate) fn of(runtime: &RuntimeId, playbook: &PlaybookName) -> Self {
        Self { runtime: Some(runtime.clone()), playbook: Some(playbook.clone()) }
    }

    /// For plugins that are looked at or tried out.
    pub(crate) const WORKSHOP: Self = Self { runtime: None, playbook: None };
}

/// The lanes of one runtime.
type Playbooks = Rota<Option<PlaybookName>, VecDeque<Arc<Task>>>;

/// All that is ready.
#[derive(Default)]
struct Lanes(Rota<Option<RuntimeId>, Playbooks>);

impl Lanes {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn push(&mut self, task: Arc<Task>) {
        let Lane { runtime, playbook } = task.lane.clone();
        self.0.entry(runtime).entry(playbook).push_back(task);
    }

    fn next(&mut self) -> Option<Arc<Task>> {
        self.0.next(|playbooks| {
            let task = playbooks.next(|tasks| {
                let task = tasks.pop_front();
                (task, tasks.is_empty())
            });
            (task, playbooks.is_empty())
        })
    }
}

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// All lanes.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Inside>);

struct Inside {
    ready: Mutex<Ready>,
    /// A permit wakes a worker. Closed: they leave.
    calls: Semaphore,
    background: Arc<Background>,
}

#[derive(Default)]
struct Ready {
    lanes: Lanes,
    /// Workers that found nothing to do and were not called since.
    idle: usize,
}

impl Pool {
    /// With as many workers as the present runtime has threads.
    pub(crate) fn begin() -> Self {
        let pool = Self(Arc::new(Inside {
            ready: Mutex::default(),
            calls: Semaphore::new(0),
            background: Arc::new(Background::new()),
        }));
        for _ in 0..tokio::runtime::Handle::current().metrics().num_workers() {
            tokio::spawn(Arc::clone(&pool.0).work());
        }
        pool
    }

    /// Runs this to its end, whenever it is its lane's turn.
    pub(crate) fn spawn(&self, lane: Lane, job: impl Future<Output = ()> + Send + 'static) {
        let (job, pool) = (Mutex::new(Some(Box::pin(job) as Job)), Arc::clone(&self.0));
        let (stage, asked) = (AtomicU8::new(READY), AtomicBool::new(false));
        self.0.push(Arc::new(Task { lane, job, stage, asked, pool }));
    }

    /// The same for something that has a result.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        job: impl Future<Output = T> + Send + 'static,
    ) -> Running<T> {
        let (stop, stopped) = AbortHandle::new_pair();
        let (sender, result) = oneshot::channel();
        self.spawn(lane, async move {
            if let Ok(result) = Abortable::new(job, stopped).await {
                // Nobody may want it any more.
                let _ = sender.send(result);
            }
        });
        Running { result, stop }
    }

    /// Sends the workers away. What has not ended is not run any more.
    pub(crate) fn close(&self) {
        self.0.calls.close();
        self.0.background.close();
    }
}

/// Something that runs, until this is dropped.
pub(crate) struct Running<T> {
    result: oneshot::Receiver<T>,
    stop: AbortHandle,
}

impl<T> Running<T> {
    /// What came of it; none if it panicked.
    pub(crate) async fn ended(mut self) -> Option<T> {
        (&mut self.result).await.ok()
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.stop.abort();
    }
}

impl Inside {
    fn ready(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, task: Arc<Task>) {
        let task = match task.asked.load(Ordering::Relaxed) {
            true => match self.background.push(task) {
                Ok(()) => return,
                Err(task) => task,
            },
            false => task,
        };
        let mut ready = self.ready();
        ready.lanes.push(task);
        if ready.idle > 0 {
            ready.idle -= 1;
            drop(ready);
            self.calls.add_permits(1);
        }
    }

    fn next(&self) -> Option<Arc<Task>> {
        let mut ready = self.ready();
        let task = ready.lanes.next();
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
    /// Whether it asked for the background when it was last polled.
    asked: AtomicBool,
    pool: Arc<Inside>,
}

impl Task {
    fn poll(self: &Arc<Self>) {
        self.stage.store(RUNNING, Ordering::Release);
        let waker = Waker::from(Arc::clone(self));
        let mut job = self.job.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = job.as_mut() else { return };
        let (polled, asked) = background::heard(|| {
            catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(&mut Context::from_waker(&waker))))
        });
        self.asked.store(asked, Ordering::Relaxed);
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
            let Lane { runtime, playbook } = &self.lane;
            error!(?runtime, ?playbook, "what ran in this lane panicked");
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
        Lane::of(&runtime.parse().unwrap(), &playbook.parse().unwrap())
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

    fn thread() -> String {
        std::thread::current().name().unwrap_or_default().to_owned()
    }

    fn in_background() -> bool {
        thread().starts_with("orgata-background")
    }

    /// Goes to the background for one turn.
    async fn to_the_background() {
        assert!(background::ask_for_it());
        tokio::task::yield_now().await;
    }

    #[tokio::test]
    async fn what_computes_for_long_goes_on_in_the_background_until_it_is_done() {
        let pool = Pool::begin();
        let running = pool.run(Lane::WORKSHOP, async {
            let mut places = vec![in_background()];
            for _ in 0..3 {
                to_the_background().await;
                places.push(in_background());
            }
            tokio::task::yield_now().await;
            places.push(in_background());
            places
        });
        assert_eq!(running.ended().await.unwrap(), [false, true, true, true, false]);
        assert!(!background::ask_for_it(), "no pool polls this");
        pool.close();
    }

    #[tokio::test]
    async fn who_waits_for_the_background_in_vain_has_its_turn_among_the_rest() {
        let pool = Pool::begin();
        let threads = std::thread::available_parallelism().unwrap().get();
        let (mut releases, mut stuck) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let (release, released) = std::sync::mpsc::channel::<()>();
            let (told, begun) = tokio::sync::oneshot::channel();
            stuck.push(pool.run(Lane::WORKSHOP, async move {
                to_the_background().await;
                told.send(in_background()).unwrap();
                // As if the system never ran this thread.
                released.recv().unwrap();
            }));
            releases.push(release);
            assert!(begun.await.unwrap());
        }
        let last = pool.run(Lane::WORKSHOP, async {
            to_the_background().await;
            in_background()
        });
        assert_eq!(last.ended().await, Some(false));
        drop(releases);
        for stuck in stuck {
            assert_eq!(stuck.ended().await, None, "its job panics as nobody released it");
        }
        pool.close();
    }

    #[tokio::test]
    async fn whoever_wakes_it_need_not_belong_to_the_runtime() {
        let pool = Pool::begin();
        let (wake, woken) = tokio::sync::oneshot::channel();
        let (told, waits) = tokio::sync::oneshot::channel();
        let running = pool.run(Lane::WORKSHOP, async move {
            background::ask_for_it();
            told.send(()).unwrap();
            woken.await.unwrap();
            in_background()
        });
        waits.await.unwrap();
        std::thread::spawn(move || wake.send(()).unwrap()).join().unwrap();
        assert_eq!(running.ended().await, Some(true));
        pool.close();
    }

    #[tokio::test]
    async fn what_is_dropped_is_stopped() {
        let pool = Pool::begin();
        let held = Arc::new(());
        let holds = Arc::clone(&held);
        let running = pool.run(lane("town", "a"), async move {
            let _holds = holds;
            std::future::pending::<()>().await;
        });
        tokio::task::yield_now().await;
        drop(running);
        while Arc::strong_count(&held) > 1 {
            tokio::task::yield_now().await;
        }
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
