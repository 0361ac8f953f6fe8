//! Attempts after failed ones: how often, how far apart, and across restarts.

use std::time::Duration;

use orgata_tests::matchers::{completed, event, failed, step_event};
use orgata_tests::{Event, HostSetup, TestHost, Witness};
use serde_json::{Value, json};

use crate::{between, desk_with, time, with_hostile};

/// A step that fails as its input says.
fn fails(retries: &str) -> String {
    format!(
        "name: fails\nsteps:\n  - name: fail\n    operation: hostile/fail\n    \
         params: {{ until: $input.until, kind: $input.kind }}\n    retries: {retries}\n"
    )
}

async fn host(retries: &str) -> TestHost {
    let setup = HostSetup::new().plugin("hostile").playbook("fails", &fails(retries));
    setup.runtime("desk", json!({})).start().await
}

fn of_kind<'h>(history: &'h [Event], kind: &str) -> Vec<&'h Event> {
    history.iter().filter(|event| event.kind == kind).collect()
}

#[tokio::test]
async fn waits_between_attempts_grow_as_the_policy_says() {
    let host = host("{ max: 5, initial: 300ms, multiplier: 2, max_interval: 800ms, jitter: none }").await;
    let id = host.begin("fails", json!({ "until": 5, "kind": "transient" })).await;
    assert_eq!(host.until(&id, completed()).await, json!({ "attempt": 5 }));
    let history = host.history(&id).await;
    let scheduled = of_kind(&history, "step_retry_scheduled");
    let started = of_kind(&history, "step_started");
    let attempts: Vec<_> = scheduled.iter().map(|event| event.body["attempt"].as_u64().unwrap()).collect();
    assert_eq!(attempts, [2, 3, 4, 5], "the attempt to come is told");
    for (at, wanted) in [300, 600, 800, 800].into_iter().enumerate() {
        let wait = between(&scheduled[at].body["at"], &scheduled[at].body["retryAt"]).unwrap();
        let wanted = Duration::from_millis(wanted);
        // It is computed a moment before it is recorded: nearer to its own length than to another one.
        assert!(wait <= wanted && wanted - wait < wanted / 4, "wait {at} is {wait:?}");
        let begun = &started[at + 1].body;
        assert_eq!(begun["attempt"], attempts[at]);
        assert!(between(&scheduled[at].body["retryAt"], &begun["at"]).is_some(), "not before its time");
        let failure = &scheduled[at].body["failure"];
        assert_eq!(failure["message"], format!("attempt {} fails on purpose", at + 1));
        assert_eq!((&failure["kind"], &failure["code"]), (&json!("transient"), &json!("on-purpose")));
    }
}

#[tokio::test]
async fn after_the_last_attempt_the_execution_fails_with_the_last_failure() {
    let host = host("2").await;
    let id = host.begin("fails", json!({ "until": 100, "kind": "transient" })).await;
    let failure = host.until(&id, failed()).await;
    assert_eq!(failure["message"], "attempt 3 fails on purpose");
    let history = host.history(&id).await;
    assert_eq!(of_kind(&history, "step_started").len(), 3);
    assert_eq!(of_kind(&history, "step_failed").len(), 1);
    let view = host.status(&id).await;
    assert_eq!((&view["status"], &view["failure"]), (&json!("failed"), &failure));
}

#[tokio::test]
async fn what_no_retry_mends_is_not_retried() {
    let host = host("{ max: 5, initial: 1ms }").await;
    for kind in ["permanent", "invalid-input"] {
        let id = host.begin("fails", json!({ "until": 100, "kind": kind })).await;
        let failure = host.until(&id, failed()).await;
        assert_eq!(failure["kind"], kind.replace('-', "_"));
        assert_eq!(of_kind(&host.history(&id).await, "step_started").len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn a_wait_and_the_count_of_attempts_survive_a_restart() {
    let host = host("{ max: 2, initial: 3s, multiplier: 1, jitter: none }").await;
    let id = host.begin("fails", json!({ "until": 100, "kind": "transient" })).await;
    let scheduled = host.until(&id, event("step_retry_scheduled")).await;
    let view = host.status(&id).await;
    assert_eq!((&view["status"], &view["wakesAt"]), (&json!("running"), &scheduled.body["retryAt"]));

    let host = host.kill_and_restart().await;
    let state = host.get(&format!("/api/v1/executions/{id}/state")).await.is(200);
    let step = &state["steps"][0];
    assert_eq!((&step["status"], &step["attempt"]), (&json!("retrying"), &json!(2)), "{step}");
    assert_eq!(step["retryAt"], scheduled.body["retryAt"]);
    let failure = host.until(&id, failed()).await;
    assert_eq!(failure["message"], "attempt 3 fails on purpose", "the count is not begun anew");
    let history = host.history(&id).await;
    let second = of_kind(&history, "step_started")[1];
    assert_eq!(second.body["attempt"], 2);
    let late = between(&scheduled.body["retryAt"], &second.body["at"]).expect("not before its time");
    assert!(late < Duration::from_secs(5), "it came {late:?} late");
}

#[tokio::test]
async fn many_executions_that_fail_together_do_not_come_back_together() {
    let host = host("{ max: 1, initial: 400ms, jitter: full }").await;
    let mut waits = Vec::new();
    for _ in 0..20 {
        let id = host.begin("fails", json!({ "until": 2, "kind": "transient" })).await;
        let scheduled = host.until(&id, event("step_retry_scheduled")).await;
        waits.push(between(&scheduled.body["at"], &scheduled.body["retryAt"]).unwrap());
    }
    waits.sort();
    assert!(waits[19] <= Duration::from_millis(400), "{waits:?}");
    assert!(waits[19] - waits[0] > Duration::from_millis(100), "they are spread: {waits:?}");
}

#[tokio::test]
async fn every_attempt_of_an_effect_carries_the_same_key() {
    let witness = Witness::start().await;
    let playbook = "name: pay\nsteps:\n  - name: pay\n    operation: http-fetch/post\n    \
                    params: { url: $input.url }\n    retries: { max: 3, initial: 1ms }\n";
    let host = desk_with(&witness).await;
    let publish = host.client().put(host.url("/api/v1/runtimes/desk/playbooks/pay"));
    let publish = publish.header("content-type", "application/yaml").body(playbook);
    orgata_tests::Reply::read("publish", publish).await.is(201);
    witness.fail("/pay", 2, 503);
    let id = host.begin("pay", json!({ "url": witness.url("/pay") })).await;
    host.until(&id, completed()).await;
    assert_eq!(witness.keys("/pay"), [(format!("{id}/pay"), 3)].into());
    // A server that refuses for good is not asked again.
    witness.fail("/pay", 1, 422);
    let id = host.begin("pay", json!({ "url": witness.url("/pay") })).await;
    let failure = host.until(&id, failed()).await;
    assert_eq!((&failure["code"], &failure["details"]["status"]), (&json!("http-status"), &json!(422)));
    assert_eq!(witness.keys("/pay")[&format!("{id}/pay")], 1);
}

#[tokio::test]
async fn a_pause_outlasts_a_retry_and_a_resume_does_not_wait_again() {
    let retries = "{ max: 1, initial: 300ms, jitter: none }";
    let host = with_hostile(json!({})).playbook("fails", &fails(retries)).start().await;
    let id = host.begin("fails", json!({ "until": 2, "kind": "transient" })).await;
    let scheduled = host.until(&id, event("step_retry_scheduled")).await;
    host.control(&id, "pause", "").await.is(200);
    // Somebody else's retry comes and goes meanwhile.
    let other = host.begin("fails", json!({ "until": 2, "kind": "transient" })).await;
    host.until(&other, completed()).await;
    assert_eq!(host.status(&id).await["status"], "paused");
    let resumed = host.control(&id, "resume", "").await.is(200);
    host.until(&id, completed()).await;
    let second = host.until(&id, step_event("step_started", "fail")).await;
    assert!(time(&second.body["at"]) >= time(&resumed["updatedAt"]), "it waited for the resume");
    assert!(time(&second.body["at"]) >= time(&scheduled.body["retryAt"]));
    assert_eq!(second.body["attempt"], Value::from(2));
}
