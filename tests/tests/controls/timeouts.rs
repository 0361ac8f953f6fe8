//! Times that run out: of a step, of a whole execution, while the host lives and while it does not.

use std::time::Duration;

use orgata_tests::matchers::{asked, event, failed, step_started};
use orgata_tests::{HostSetup, TestHost, patience};
use serde_json::json;

use crate::{between, kinds, time, with_hostile};

async fn timed_out(host: &TestHost, id: &orgata_tests::ExecutionId) {
    host.until(id, event("execution_timed_out")).await;
    let view = host.status(id).await;
    assert_eq!(view["status"], "timed_out");
    assert!(view.get("wakesAt").is_none() && view["endedAt"].is_string(), "{view}");
}

#[tokio::test]
async fn a_step_that_takes_too_long_fails_and_is_retried_as_its_policy_says() {
    let slow = "name: slow\nsteps:\n  - name: spin\n    operation: hostile/loop\n    timeout: 150ms\n    \
                retries: { max: 1, initial: 1ms }\n";
    let host = with_hostile(json!({})).playbook("slow", slow).start().await;
    let id = host.begin("slow", json!({})).await;
    let failure = host.until(&id, failed()).await;
    assert_eq!((&failure["kind"], &failure["code"]), (&json!("transient"), &json!("LIMIT_EXCEEDED")));
    assert_eq!(failure["details"]["limit"], "time", "{failure}");
    assert!(
        failure["message"].as_str().unwrap().contains("150ms"),
        "the step's own limit is told: {failure}"
    );
    let history = host.history(&id).await;
    let starts: Vec<_> = history.iter().filter(|event| event.kind == "step_started").collect();
    assert_eq!(starts.len(), 2);
    let ended = history.iter().find(|event| event.kind == "step_retry_scheduled").unwrap();
    let took = between(&starts[0].body["at"], &ended.body["at"]).unwrap();
    assert!(took >= Duration::from_millis(140) && took < patience::PATIENCE / 3, "it took {took:?}");
}

#[tokio::test]
async fn an_execution_that_takes_too_long_ends_whatever_it_is_at() {
    let limited =
        |name: &str, step: &str| format!("name: {name}\ntimeout: 400ms\nsteps:\n  - name: it\n{step}");
    let host = HostSetup::new()
        .plugin("hostile")
        .playbook("spins", &limited("spins", "    operation: hostile/loop\n"))
        .playbook("asks", &limited("asks", "    intervention: { prompt: Now? }\n"))
        .playbook(
            "fails",
            &limited("fails", "    operation: hostile/fail\n    retries: { initial: 1h, jitter: none }\n"),
        )
        .playbook("paused", &limited("paused", "    intervention: { prompt: Now? }\n"))
        .runtime("desk", json!({}))
        .start()
        .await;
    let mut ids = Vec::new();
    for playbook in ["spins", "asks", "fails", "paused"] {
        ids.push(host.begin(playbook, json!({})).await);
    }
    host.control(&ids[3], "pause", "").await.is(200);
    for id in &ids {
        timed_out(&host, id).await;
        let history = host.history(id).await;
        let (first, last) = (&history[0].body, &history[history.len() - 1].body);
        assert_eq!(last["actor"], "engine");
        let took = between(&first["at"], &last["at"]).unwrap();
        assert!(took >= Duration::from_millis(400) && took < patience::PATIENCE / 3, "it took {took:?}");
    }
    assert_eq!(
        host.get("/api/v1/interventions").await.is(200)["items"],
        json!([]),
        "nothing is asked any more"
    );
}

#[tokio::test]
async fn an_execution_whose_time_runs_out_while_the_host_is_down_ends_at_the_next_start() {
    let limited = "name: limited\ntimeout: 800ms\nsteps:\n  - name: spin\n    operation: hostile/loop\n";
    let asks = "name: asks\ntimeout: 800ms\nsteps:\n  - name: ask\n    intervention: { prompt: Now? }\n";
    let host = with_hostile(json!({})).playbook("limited", limited).playbook("asks", asks).start().await;
    let spins = host.begin("limited", json!({})).await;
    let waits = host.begin("asks", json!({})).await;
    host.until(&spins, step_started("spin")).await;
    host.until(&waits, asked("ask")).await;
    let deadline = time(&host.history(&waits).await[0].body["deadline"]);

    let stopped = host.kill();
    patience::until(async || (clock() > deadline).then_some(())).await.expect("time passes");
    let host = stopped.start().await;
    for id in [&spins, &waits] {
        timed_out(&host, id).await;
    }
    let spun = host.history(&spins).await;
    assert_eq!(
        kinds(&spun).iter().filter(|kind| **kind == "step_started").count(),
        1,
        "it did not begin again"
    );
}

/// The time of this machine, by which the host goes too.
#[expect(clippy::disallowed_methods, reason = "the story is about a time that passes while the host is down")]
fn clock() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
