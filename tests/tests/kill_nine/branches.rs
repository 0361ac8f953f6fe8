//! The same in the middle of steps beside each other, loops, children, waits and undoing.

use std::collections::BTreeMap;
use std::time::Duration;

use orgata_tests::matchers::ended;
use orgata_tests::{ExecutionId, HostSetup, TestHost, Witness};
use serde_json::{Value, json};

use crate::moments::Moments;

/// Executions, and kills among them.
const TOURS: u64 = 12;
const KILLS: u64 = 15;

/// What each tour does outside: the path at the witness, and how often.
const DEEDS: [(&str, usize); 4] = [("/left", 1), ("/right", 1), ("/each", 4), ("/leg", 2)];

/// A host that makes tours for this witness. All effects are idempotent by their own word: they need nobody.
async fn host(witness: &Witness) -> TestHost {
    let grants = json!({ "http-fetch": { "network": [witness.authority()], "privateAddresses": true } });
    HostSetup::new()
        .plugin("http-fetch")
        .playbook("tour", include_str!("../../playbooks/tour.yaml"))
        .playbook("leg", include_str!("../../playbooks/leg.yaml"))
        .runtime("kitchen-v1", json!({ "grants": grants }))
        .start()
        .await
}

/// For each path and key: how often it was called. A key is an execution's step.
fn calls(witness: &Witness, path: &str) -> BTreeMap<String, usize> {
    witness.keys(path)
}

/// The keys of steps, and of undoing, whose result is in the history: none of these may be called again.
async fn settled(host: &TestHost, id: &ExecutionId) -> Vec<String> {
    let done = |event: &orgata_tests::Event| {
        let step = event.step()?;
        match event.kind.as_str() {
            "step_completed" => Some(format!("{id}/{step}")),
            "step_compensated" => Some(format!("{id}/{step}/compensation")),
            _ => None,
        }
    };
    host.history(id).await.iter().filter_map(done).collect()
}

async fn everything_settled(host: &TestHost, witness: &Witness) -> BTreeMap<String, usize> {
    let mut keys = BTreeMap::new();
    for id in crate::ledger::all_executions(host).await {
        for key in settled(host, &id).await {
            let times = DEEDS.iter().map(|(path, _)| *path).chain(["/undo"]);
            keys.insert(key.clone(), times.map(|path| witness.times(path, &key)).sum());
        }
    }
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_among_branches_loops_children_waits_and_undoing_repeat_nothing_that_was_done() {
    let mut moments = Moments::new();
    let witness = Witness::start().await;
    let mut host = host(&witness).await;
    for path in ["/left", "/right", "/each", "/leg", "/undo"] {
        witness.delay(path, Duration::from_millis(12));
    }
    // Every third is to fail at the end, and so is undone.
    let mut tours = BTreeMap::new();
    for number in 0..TOURS {
        let input = json!({ "number": number, "fails": number % 3 == 0, "shop": witness.url("") });
        tours.insert(host.begin("tour", input).await, number % 3 == 0);
    }
    let mut known = BTreeMap::new();
    for _ in 0..KILLS {
        let hit = witness.total_of(witness.total() + moments.within(1..10) as usize);
        let longest = Duration::from_millis(moments.within(5..250));
        // Which of the two came first is the chance that the test is about.
        let _ = tokio::time::timeout(longest, hit).await;
        host = host.kill_and_restart().await;
        known.append(
            &mut everything_settled(&host, &witness)
                .await
                .into_iter()
                .filter(|(key, _)| !known.contains_key(key))
                .collect(),
        );
    }
    for (id, fails) in &tours {
        let end = host.until(id, ended()).await;
        let wanted = if *fails { "execution_compensated" } else { "execution_completed" };
        assert_eq!(end.kind, wanted, "{id}: {}", host.journal(id).await);
    }
    for (key, times_then) in &known {
        let times: usize =
            DEEDS.iter().map(|(path, _)| *path).chain(["/undo"]).map(|path| witness.times(path, key)).sum();
        assert_eq!(times, *times_then, "{key}: what was done was done again");
    }
    every_deed_was_done(&host, &witness, &tours).await;
    host.stop().await;
}

/// Each step of each tour came to the witness under its one key; what was undone, likewise.
async fn every_deed_was_done(host: &TestHost, witness: &Witness, tours: &BTreeMap<ExecutionId, bool>) {
    for (path, times) in DEEDS {
        let keys = calls(witness, path);
        assert_eq!(keys.len(), times * tours.len(), "{path} has one key for each step: {keys:?}");
    }
    let undone = calls(witness, "/undo");
    let failing = tours.values().filter(|fails| **fails).count();
    // The left branch and the four iterations say how; the others have nothing to undo.
    assert_eq!(undone.len(), 5 * failing, "{undone:?}");
    for (id, fails) in tours {
        let history = host.history(id).await;
        let order: Vec<&Value> = history
            .iter()
            .filter(|event| event.kind == "step_compensated")
            .map(|event| &event.body["step"])
            .collect();
        assert_eq!(order.len(), if *fails { 5 } else { 0 }, "{id}: {order:?}");
        let of_child = history.iter().filter(|event| event.kind == "child_started").count();
        assert_eq!(of_child, 2, "{id}: each child is started once");
    }
    let children = host.get("/api/v1/executions?playbook=leg&limit=150").await.is(200);
    assert_eq!(children["items"].as_array().unwrap().len(), 2 * tours.len());
}
