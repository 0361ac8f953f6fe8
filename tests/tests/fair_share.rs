//! What light work feels of hostile guests beside it: nearly nothing.
//!
//! The time that a light playbook takes is measured alone and beside guests that loop, hoard, recurse and flood,
//! and a component that takes the compiler for ever: in turns, in the same run, on the same host.
//!
//! 99 of 100 light executions take at most twice what they take alone. That holds on a machine that has nothing else
//! to do. Where others want it too, whoever wants much of it waits for them, and the host's light work with it,
//! guests or no guests. So a third time is measured, beside ordinary threads that want the processors as much as
//! the guests do, and hostile guests may cost a few times what those cost: these only compute.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use orgata_tests::bomb::huge_to_compile;
use orgata_tests::patience::until;
use orgata_tests::{HostSetup, TestHost};
use serde_json::json;
use tokio::task::JoinSet;

/// Rounds of measuring; the median of them counts, as a single one may meet a hiccup of the machine.
const ROUNDS: usize = 3;

/// Light executions in one measurement: so many that two of them lie above the 99th percentile.
const LIGHT: usize = 200;

/// What runs beside the light work, each again and again, all at once: more than there are processors.
const HOSTILE: [&str; 8] =
    ["loop", "loop", "loop", "memory-bomb", "recurse", "log-flood", "progress-flood", "huge-result"];

/// Alone, light work takes about a millisecond, less than the system gives a thread at a time, and passes through
/// half a dozen threads and back. Guests that want every processor, and a compiler beside them, may make it wait for
/// a few turns of the system's scheduler at some of these. Where guests simply shared threads with everybody else,
/// it was several times this, and half a second beside the worst of them.
const FEW_TURNS: Duration = Duration::from_millis(30);

async fn host() -> TestHost {
    let limits = json!({ "time": "500ms", "memory": "32 MiB", "output": "256 KiB", "compileTime": "5s" });
    let setup = HostSetup::in_memory().plugin("hostile").plugin("bench").config(json!({ "sandbox": limits }));
    let playbook = |name: &str, operation: &str| {
        format!("name: {name}\nsteps: [{{ name: only, operation: {operation} }}]\n")
    };
    let setup = setup.playbook("light", &playbook("light", "bench/noop"));
    let setup = HOSTILE
        .iter()
        .fold(setup, |setup, deed| setup.playbook(deed, &playbook(deed, &format!("hostile/{deed}"))));
    setup.runtime("town", json!({})).start().await
}

/// Runs a playbook to its end; how that was.
async fn run(host: &TestHost, playbook: &str) -> String {
    let request = json!({ "playbookName": playbook, "input": {} });
    let told = host.post("/api/v1/runtimes/town/executions?wait=20s", request).await.is(200);
    told["status"].as_str().unwrap().to_owned()
}

/// How long light executions take, one after the other, sorted.
async fn light(host: &TestHost) -> Vec<Duration> {
    let mut took = Vec::new();
    for _ in 0..LIGHT {
        let began = Instant::now();
        assert_eq!(run(host, "light").await, "succeeded");
        took.push(began.elapsed());
    }
    took.sort();
    took
}

/// The time that 99 of 100 keep.
fn p99(took: &[Duration]) -> Duration {
    took[took.len() * 99 / 100 - 1]
}

fn median(mut of: Vec<Duration>) -> Duration {
    of.sort();
    of[of.len() / 2]
}

/// Hostile guests at work, for as long as it lives.
struct Siege {
    stop: Arc<AtomicBool>,
    /// How many misdeeds have ended.
    ended: Arc<AtomicUsize>,
    tasks: JoinSet<()>,
}

impl Siege {
    fn begin(host: &Arc<TestHost>, salt: u32) -> Self {
        let (stop, ended) = (Arc::default(), Arc::default());
        let mut siege = Self { stop, ended, tasks: JoinSet::new() };
        for deed in HOSTILE {
            let (host, stop, ended) = (Arc::clone(host), Arc::clone(&siege.stop), Arc::clone(&siege.ended));
            siege.tasks.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    // Well or not: some floods are just cut off.
                    run(&host, deed).await;
                    ended.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let host = Arc::clone(host);
        siege.tasks.spawn(async move {
            host.upload_bytes(huge_to_compile(salt)).await.refused(422, "PLUGIN_REFUSED");
        });
        siege
    }

    /// Waits until everybody is at it.
    async fn under_way(&self, host: &TestHost) {
        let all = until(async || {
            let busy = self.ended.load(Ordering::Relaxed) >= HOSTILE.len() && host.children() > 0;
            busy.then_some(())
        });
        assert!(all.await.is_some(), "the guests misbehave");
    }

    async fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(task) = self.tasks.join_next().await {
            task.expect("every misdeed ends");
        }
    }
}

/// Ordinary threads that compute, for as long as it lives: as many as the guests and the compiler have.
struct Crowd(Arc<AtomicBool>);

impl Crowd {
    fn begin() -> Self {
        let stop: Arc<AtomicBool> = Arc::default();
        let processors = thread::available_parallelism().map_or(2, NonZero::get);
        for _ in 0..2 * processors {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self(stop)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn in_a_crowd(host: &TestHost) -> Duration {
    let _crowd = Crowd::begin();
    // The system forgives a newcomer for a while.
    light(host).await;
    p99(&light(host).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn light_work_takes_no_longer_beside_hostile_guests() {
    let host = Arc::new(host().await);
    light(&host).await;
    let (mut alone, mut crowded, mut beside) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        alone.push(p99(&light(&host).await));
        crowded.push(in_a_crowd(&host).await);
        let siege = Siege::begin(&host, round as u32);
        siege.under_way(&host).await;
        beside.push(p99(&light(&host).await));
        siege.end().await;
        crowded.push(in_a_crowd(&host).await);
    }
    println!("p99 of light work alone {alone:?}, in a crowd {crowded:?}, beside hostile guests {beside:?}");
    let [alone, crowded, beside] = [alone, crowded, beside].map(median);
    let allowed = (alone * 2).max(alone + FEW_TURNS).max(crowded * 3);
    assert!(
        beside <= allowed,
        "alone {alone:?}, in a crowd {crowded:?}, beside hostile guests {beside:?}: {allowed:?} is allowed"
    );
}
