//! Starting: with `?wait=`, an answer that is held until there is something to tell; with a key, once; with
//! steps that are skipped.

use std::time::{Duration, Instant};

use orgata_tests::matchers::completed;
use orgata_tests::{HostSetup, Witness};
use serde_json::json;

use crate::{desk, desk_with};

const EXECUTIONS: &str = "/api/v1/runtimes/desk/executions";

#[tokio::test]
async fn a_start_that_is_waited_for_tells_how_it_ended() {
    let quick = "name: quick\nsteps:\n  - { name: a, operation: bench/noop, params: { n: $input.n } }\n";
    let breaks = "name: breaks\nsteps:\n  - { name: a, operation: bench/noop, params: { n: \"{{ 1 / input.n }}\" } }\n";
    let setup = HostSetup::new().plugin("bench").playbook("quick", quick).playbook("breaks", breaks);
    let host = setup.runtime("desk", json!({})).start().await;
    let body = json!({ "playbookName": "quick", "input": { "n": 7 } });
    let reply = host.post(&format!("{EXECUTIONS}?wait=20s"), body.clone()).await;
    assert!(reply.header("location").starts_with("/api/v1/executions/exec_"));
    let handle = reply.is(200);
    assert_eq!((&handle["status"], &handle["output"]), (&json!("succeeded"), &json!({ "n": 7 })));
    assert!(handle["endedAt"].is_string());

    let body = json!({ "playbookName": "breaks", "input": { "n": "x" } });
    let handle = host.post(&format!("{EXECUTIONS}?wait=20s"), body).await.is(200);
    assert_eq!(
        (&handle["status"], &handle["failure"]["code"]),
        (&json!("failed"), &json!("EXPRESSION_FAILED"))
    );
}

#[tokio::test]
async fn a_start_that_is_waited_for_comes_back_when_a_person_is_needed() {
    let host = desk().await;
    let body = json!({ "playbookName": "ask" });
    let handle = host.post(&format!("{EXECUTIONS}?wait=20s"), body.clone()).await.is(202);
    assert_eq!((&handle["status"], &handle["currentStep"]), (&json!("waiting"), &json!("choose")));
    let asked = host.get(handle["links"]["interventions"].as_str().unwrap()).await.is(200);
    assert_eq!(asked["items"][0]["prompt"], "Now?");
    // Without it, the answer comes at once: accepted, and not yet at its end.
    let handle = host.post(EXECUTIONS, body.clone()).await.is(202);
    assert!(["pending", "running"].contains(&handle["status"].as_str().unwrap()), "{handle}");
    host.post(&format!("{EXECUTIONS}?wait=0"), body).await.is(202);
}

#[tokio::test]
async fn a_wait_that_runs_out_says_where_it_stands_and_the_execution_goes_on() {
    let witness = Witness::start().await;
    let host = desk_with(&witness).await;
    witness.hold("/pay");
    let body = json!({ "playbookName": "call", "input": { "url": witness.url("/pay") } });
    let began = Instant::now();
    let handle = host.post(&format!("{EXECUTIONS}?wait=300ms"), body).await.is(202);
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(5), "it took {took:?}");
    assert_eq!((&handle["status"], &handle["currentStep"]), (&json!("running"), &json!("call")));
    witness.release("/pay");
    let id = orgata_tests::ExecutionId(handle["executionId"].as_str().unwrap().to_owned());
    host.until(&id, completed()).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_while_it_waits_does_not_stop_the_execution() {
    let witness = Witness::start().await;
    let host = desk_with(&witness).await;
    witness.hold("/pay");
    let body = json!({
        "playbookName": "call", "input": { "url": witness.url("/pay") }, "idempotencyKey": "the one",
    });
    let impatient = host.client().post(host.url(&format!("{EXECUTIONS}?wait=1m"))).json(&body);
    let hung_up = impatient.timeout(Duration::from_millis(700)).send().await;
    assert!(hung_up.is_err_and(|error| error.is_timeout()));
    witness.until("/pay", 1).await;
    witness.release("/pay");
    let handle = host.post(EXECUTIONS, body).await.is(200);
    let id = orgata_tests::ExecutionId(handle["executionId"].as_str().unwrap().to_owned());
    host.until(&id, completed()).await;
    assert_eq!(witness.seen("/pay").len(), 1);
}

#[tokio::test]
async fn of_many_starts_with_one_key_at_once_one_execution_comes() {
    let host = desk().await;
    let body = |n: usize| json!({ "playbookName": "ask", "idempotencyKey": "once", "input": { "n": n } });
    for wait in ["", "?wait=20s"] {
        let path = format!("{EXECUTIONS}{wait}");
        let starts = (0..20).map(|_| host.post(&path, body(1)));
        let replies = futures_util::future::join_all(starts).await;
        let new = replies.iter().filter(|reply| reply.status == 202).count();
        assert_eq!(new, usize::from(wait.is_empty()), "one of them began it: {replies:#?}");
        let ids: std::collections::BTreeSet<_> =
            replies.into_iter().map(|reply| reply.accepted()["executionId"].to_string()).collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
    }
    host.post(EXECUTIONS, body(2)).await.refused(409, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(host.get("/api/v1/executions").await.is(200)["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_step_whose_condition_does_not_hold_is_skipped_and_reads_as_null() {
    let playbook = r#"
name: maybe
steps:
  - { name: always, operation: bench/noop, params: { n: $input.n } }
  - { name: large, when: input.n > 10, operation: bench/noop, params: { n: 1 } }
  - name: ask
    when: steps.always.result.n > 100
    intervention: { prompt: Really? }
  - { name: small, condition: $steps.large.status == "skipped", operation: bench/noop, params: { n: 2 } }
output: { large: $steps.large.result.n, small: $steps.small.result.n, why: $steps.large.status }
"#;
    let setup = HostSetup::new().plugin("bench").playbook("maybe", playbook);
    let host = setup.runtime("desk", json!({})).start().await;
    let id = host.begin("maybe", json!({ "n": 5 })).await;
    assert_eq!(host.until(&id, completed()).await, json!({ "large": null, "small": 2, "why": "skipped" }));
    assert_eq!(
        host.journal(&id).await,
        "execution_started\nstep_started always\nstep_completed always\nstep_skipped large\nstep_skipped ask\n\
         step_started small\nstep_completed small\nexecution_completed"
    );
    let id = host.begin("maybe", json!({ "n": 50 })).await;
    let output = host.until(&id, completed()).await;
    assert_eq!(output, json!({ "large": 1, "small": null, "why": "succeeded" }));
    // A condition that cannot be computed is not taken for false.
    let id = host.begin("maybe", json!({})).await;
    let failure = host.until(&id, orgata_tests::matchers::failed()).await;
    assert_eq!(failure["code"], "EXPRESSION_FAILED");
}
