//! The host on a disk that is full, read-only or slow: whatever it said yes to is kept, what it cannot keep it says no
//! to, reading goes on, and when the disk is good again so is the host, without anybody starting it anew.
//!
//! The test keeps a ledger of every yes and no.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use orgata_tests::matchers::{asked, completed};
use orgata_tests::patience::until;
use orgata_tests::{ExecutionId, FaultyDisk, HostSetup, TestHost};
use serde_json::{Value, json};

const ASK: &str = "\
name: ask
steps:
  - { name: before, operation: bench/noop, params: { text: $input.text } }
  - { name: choose, intervention: { prompt: Now? } }
  - { name: after, operation: bench-effect/noop, params: { text: $input.text } }
";

async fn host(disk: &Arc<FaultyDisk>) -> TestHost {
    let setup = HostSetup::new().plugin("bench").plugin("bench-effect").playbook("ask", ASK);
    setup.runtime("desk", json!({})).on(disk).start().await
}

/// What the host said yes and no to.
#[derive(Default)]
struct Ledger {
    /// Executions that it took, by the key that they were started with; and whether their answer was taken.
    taken: BTreeMap<String, (ExecutionId, bool)>,
    /// Keys that it refused.
    refused: Vec<String>,
}

impl Ledger {
    /// Asks for an execution. What cannot be kept is refused in the one shape.
    async fn start(&mut self, host: &TestHost, key: &str) -> bool {
        // Large enough that the store needs new blocks for it.
        let input = json!({ "text": "x".repeat(20_000) });
        let body = json!({ "playbookName": "ask", "input": input, "idempotencyKey": key });
        let reply = host.post("/api/v1/runtimes/desk/executions", body).await;
        if reply.status == 202 {
            let id = ExecutionId(reply.is(202)["executionId"].as_str().unwrap().to_owned());
            self.taken.insert(key.to_owned(), (id, false));
            return true;
        }
        reply.refused(503, "STORE_UNAVAILABLE");
        self.refused.push(key.to_owned());
        false
    }

    /// Answers an execution's question. A refusal changes nothing: the question stays.
    async fn answer(&mut self, host: &TestHost, key: &str) -> bool {
        let (id, answered) = self.taken.get_mut(key).unwrap();
        let open = host.get(&format!("/api/v1/executions/{id}/interventions")).await.is(200);
        let question = open["items"][0]["id"].as_str().expect("it asks").to_owned();
        let path = format!("/api/v1/executions/{id}/interventions/{question}");
        let reply = host.post(&path, json!({ "response": { "decision": "x".repeat(20_000) } })).await;
        *answered = reply.status < 300;
        if !*answered {
            reply.refused(503, "STORE_UNAVAILABLE");
        }
        *answered
    }

    /// Everything that it said yes to comes to its end; nothing that it refused is there.
    async fn is_kept(&mut self, host: &TestHost) {
        let keys: Vec<_> = self.taken.keys().cloned().collect();
        for key in keys {
            let (id, answered) = self.taken[&key].clone();
            if !answered {
                host.until(&id, asked("choose")).await;
                assert!(self.answer(host, &key).await, "{key}: the disk is good");
            }
            host.until(&id, completed()).await;
        }
        let all = host.get("/api/v1/executions?limit=1000").await.is(200);
        let there = all["items"].as_array().unwrap().len();
        assert_eq!(there, self.taken.len(), "refused were {:?}", self.refused);
        // What was refused may be asked for again, under its key.
        for key in std::mem::take(&mut self.refused) {
            assert!(self.start(host, &key).await, "{key}");
        }
    }
}

async fn is_ready(host: &TestHost) -> Result<(), Value> {
    let reply = host.get("/ready").await;
    if reply.status == 200 { Ok(()) } else { Err(reply.refused(503, "STORE_UNAVAILABLE")) }
}

/// A good disk; a bad one, with work on the way and new work; a good one again.
async fn goes_bad(make_bad: impl Fn(&FaultyDisk)) {
    let disk = Arc::new(FaultyDisk::new());
    let host = host(&disk).await;
    let mut ledger = Ledger::default();
    for number in 0..6 {
        assert!(ledger.start(&host, &format!("good-{number}")).await);
    }
    for (id, _) in ledger.taken.values() {
        host.until(id, asked("choose")).await;
    }

    make_bad(&disk);
    let mut refused = 0;
    for number in 0..40 {
        refused += usize::from(!ledger.start(&host, &format!("bad-{number}")).await);
    }
    assert!(refused > 0, "new work needs room");
    for number in 0..3 {
        ledger.answer(&host, &format!("good-{number}")).await;
    }
    let unready =
        until(async || is_ready(&host).await.err()).await.expect("a host that cannot write is not ready");
    assert!(unready["message"].as_str().unwrap().len() > 10, "{unready}");
    // What is there can be read, and the host is alive.
    host.get("/health").await.is(200);
    assert!(host.get("/api/v1/executions?limit=3").await.is(200)["items"].as_array().unwrap().len() == 3);

    disk.mend();
    until(async || is_ready(&host).await.ok()).await.expect("the host comes back by itself");
    ledger.is_kept(&host).await;

    // And once more, with a crash in the middle of it.
    make_bad(&disk);
    for number in 0..10 {
        ledger.start(&host, &format!("again-{number}")).await;
    }
    let stopped = host.kill();
    disk.mend();
    let host = stopped.start().await;
    ledger.is_kept(&host).await;
    host.stop().await;
}

#[tokio::test]
async fn a_full_disk_refuses_what_cannot_be_kept_and_loses_nothing() {
    goes_bad(FaultyDisk::fill).await;
}

#[tokio::test]
async fn a_disk_that_turns_read_only_refuses_what_cannot_be_kept_and_loses_nothing() {
    goes_bad(FaultyDisk::protect).await;
}

#[tokio::test]
async fn a_host_whose_data_cannot_be_written_says_which_folder_and_why() {
    let disk = Arc::new(FaultyDisk::new());
    let stopped = host(&disk).await.stop().await;
    disk.protect();
    let (status, said) = stopped.start_in_vain();
    assert!(!status.success(), "{said}");
    assert!(said.contains("data") && said.contains("ead-only"), "which folder, and why: {said}");
    assert!(!said.contains("panicked"), "{said}");
    disk.mend();
    stopped.start().await.stop().await;
}

#[tokio::test]
async fn a_slow_disk_makes_work_slow_and_not_many_times_slower_for_many() {
    let disk = Arc::new(FaultyDisk::new());
    let host = host(&disk).await;
    disk.slow_down();
    let began = Instant::now();
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(host.begin("ask", json!({ "text": "x" })).await);
    }
    let one_by_one = began.elapsed();
    assert!(
        one_by_one >= Duration::from_millis(200),
        "four yeses, each with a flush of its own: {one_by_one:?}"
    );
    let began = Instant::now();
    let many =
        futures_util::future::join_all((0..60).map(|_| host.begin("ask", json!({ "text": "x" })))).await;
    let together = began.elapsed();
    assert!(
        together < Duration::from_secs(60 / 20),
        "sixty share flushes, which alone take 3 s: {together:?}"
    );
    for id in ids.iter().chain(&many) {
        host.until(id, asked("choose")).await;
    }
    assert!(is_ready(&host).await.is_ok(), "slow is not broken");
    host.stop().await;
}
