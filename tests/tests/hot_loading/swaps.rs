//! A plugin that is used twenty times a second is replaced ten times.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use orgata_tests::cli::orgata;
use orgata_tests::guests::guest;
use orgata_tests::matchers::{completed, step_started};
use orgata_tests::patience::until;
use orgata_tests::{ExecutionId, TestHost};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::counting;

/// Between two starts: 20 a second.
const PAUSE: Duration = Duration::from_millis(50);

/// Starts that must have followed a swap before the next one.
const BETWEEN: usize = 10;

/// A file is current within so long of its arrival …
const SOON: Duration = Duration::from_secs(2);
/// … or, where others have the machine, in so many times what looking at the file takes there by itself. Half of the
/// swaps must keep it: any single one may wait for the processor.
const TIMES: u32 = 4;

/// An execution that was started, and the version of `counter` that it keeps.
#[derive(Clone)]
struct Started {
    asked_at: Instant,
    id: ExecutionId,
    digest: String,
}

/// Starts executions at an even pace, for as long as it lives.
struct Load {
    started: Arc<Mutex<Vec<Started>>>,
    task: tokio::task::JoinHandle<JoinSet<()>>,
    stop: tokio::sync::oneshot::Sender<()>,
}

impl Load {
    fn begin(host: &Arc<TestHost>) -> Self {
        let started = Arc::new(Mutex::new(Vec::new()));
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        let (host, list) = (Arc::clone(host), Arc::clone(&started));
        let task = tokio::spawn(async move {
            let mut pace = interval(PAUSE);
            pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let mut requests = JoinSet::new();
            loop {
                tokio::select! {
                    _ = pace.tick() => {}
                    _ = &mut stopped => return requests,
                }
                let (host, list) = (Arc::clone(&host), Arc::clone(&list));
                requests.spawn(async move {
                    let asked_at = Instant::now();
                    let id = host.begin("in-flight", json!({})).await;
                    let status = host.status(&id).await;
                    let digest = status["plugins"]["counter"].as_str().unwrap().to_owned();
                    list.lock().unwrap().push(Started { asked_at, id, digest });
                });
            }
        });
        Self { started, task, stop }
    }

    fn count(&self) -> usize {
        self.started.lock().unwrap().len()
    }

    /// Waits until so many more were started.
    async fn more(&self, count: usize) {
        let wanted = self.count() + count;
        let more = until(async || (self.count() >= wanted).then_some(()));
        assert!(more.await.is_some(), "executions are started");
    }

    /// Ends the load; every request must have gone through.
    async fn end(self) -> Vec<Started> {
        self.stop.send(()).unwrap();
        let mut requests = self.task.await.unwrap();
        while let Some(request) = requests.join_next().await {
            request.expect("no request fails");
        }
        self.started.lock().unwrap().clone()
    }
}

/// A version that came.
struct Swap {
    version: String,
    digest: String,
    arrived: Instant,
    seen: Instant,
}

#[tokio::test]
async fn a_busy_plugin_is_replaced_ten_times_and_nobody_notices() {
    let host = Arc::new(
        counting().playbook("in-flight", include_str!("../../playbooks/in-flight.yaml")).start().await,
    );
    let first = host.until_current("counter", "1.0.0").await;
    let mut swaps = vec![Swap {
        version: first.version,
        digest: first.digest,
        arrived: Instant::now(),
        seen: Instant::now(),
    }];
    let load = Load::begin(&host);
    load.more(BETWEEN).await;
    for number in [2, 3, 4, 5, 6, 7, 8, 9, 10, 1] {
        let guest = format!("counter-{number}");
        // Both ways in which files are replaced: renamed into place, and written over.
        match number % 2 {
            0 => host.plugins().put("counter", &guest),
            _ => host.plugins().copy_over("counter", &guest),
        }
        let arrived = Instant::now();
        let current = host.until_current("counter", &format!("{number}.0.0")).await;
        let seen = Instant::now();
        assert!(
            waiting_on_another(&host, &current.digest).await > 0,
            "executions are in flight when {guest} comes"
        );
        swaps.push(Swap { version: current.version, digest: current.digest, arrived, seen });
        load.more(BETWEEN).await;
    }
    let started = load.end().await;
    assert!(started.len() > swaps.len() * BETWEEN);

    new_ones_take_the_new_version(&started, &swaps);
    old_ones_keep_theirs(&host, &started, &swaps).await;
    let mut took: Vec<_> = swaps[1..].iter().map(|swap| swap.seen - swap.arrived).collect();
    took.sort();
    let soon = SOON.max(looked_at(&host).await * TIMES);
    assert!(took[took.len() / 2] <= soon, "from file to current: {took:?}, and {soon:?} is allowed");
    let errors: Vec<_> = host.log().into_iter().filter(|line| line.contains("ERROR")).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// How long `orgata plugin inspect` takes, which compiles the file and asks it what it offers.
async fn looked_at(host: &TestHost) -> Duration {
    let file = guest("counter-1");
    let began = Instant::now();
    let arguments = ["plugin", "inspect", file.to_str().expect("paths are plain")];
    orgata(host.folder(), &arguments, "").await.succeeded();
    began.elapsed()
}

/// How many executions wait that keep another version than this.
async fn waiting_on_another(host: &TestHost, digest: &str) -> usize {
    let page = host.get("/api/v1/executions?playbook=in-flight&status=waiting&limit=1000").await.is(200);
    let items = page["items"].as_array().unwrap();
    items.iter().filter(|item| item["plugins"]["counter"] != digest).count()
}

/// Whoever asked after a version was seen and before the next file came keeps that version.
fn new_ones_take_the_new_version(started: &[Started], swaps: &[Swap]) {
    for (at, swap) in swaps.iter().enumerate() {
        let next = swaps.get(at + 1).map(|next| next.arrived);
        let between = started.iter().filter(|started| {
            started.asked_at > swap.seen && next.is_none_or(|next| started.asked_at < next)
        });
        let digests: Vec<_> = between.map(|started| started.digest.as_str()).collect();
        assert!(!digests.is_empty(), "somebody asked while {} was current", swap.version);
        assert!(digests.iter().all(|digest| *digest == swap.digest), "{}: {digests:?}", swap.version);
    }
}

/// Every execution ends well, on the version that it began with.
async fn old_ones_keep_theirs(host: &TestHost, started: &[Started], swaps: &[Swap]) {
    let versions: HashMap<_, _> =
        swaps.iter().map(|swap| (swap.digest.as_str(), swap.version.as_str())).collect();
    for Started { id, digest, .. } in started {
        let output = host.until(id, completed()).await;
        let version = versions[digest.as_str()];
        assert_eq!((&output["before"], &output["after"]), (&version.into(), &version.into()), "{id}");
    }
}

#[tokio::test]
async fn a_call_in_the_middle_of_a_swap_ends_on_the_version_that_it_began_with() {
    let spinning = "name: spinning\nsteps:\n  - name: spin\n    operation: counter/version\n    \
                    params: { spin: 4000000000 }\noutput: { version: $steps.spin.result.version }\n";
    let host = counting().playbook("spinning", spinning).start().await;
    let id = host.begin("spinning", json!({})).await;
    host.until(&id, step_started("spin")).await;
    host.plugins().put("counter", "counter-2");
    host.until_current("counter", "2.0.0").await;
    let kinds: Vec<_> = host.history(&id).await.into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["execution_started", "step_started"], "it spins still");
    assert_eq!(host.until(&id, completed()).await["version"], "1.0.0");
}
