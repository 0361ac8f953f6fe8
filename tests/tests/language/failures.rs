//! When a step fails: what follows, what operators can do, and what is undone.

use orgata_tests::matchers::{asked, completed, ended, failed, step_event};
use orgata_tests::{ExecutionId, HostSetup, TestHost, Witness};
use serde_json::{Value, json};

use crate::{host, times};

const WAYS: &str = r"
name: ways
defaults: { onFailure: continue }
steps:
  - { name: shrug, operation: hostile/fail, params: { kind: permanent } }
  - { name: jump, operation: hostile/fail, params: { kind: permanent }, onFailure: { goto: end } }
  - { name: between, operation: bench/noop, params: {} }
  - { name: end, operation: bench/noop, params: { code: $steps.jump.failure.code } }
  - { name: help, operation: hostile/fail, params: { kind: permanent }, onFailure: intervene }
output: { shrug: $steps.shrug.status, between: $steps.between.status, code: $steps.end.result.code, help: $steps.help.result }
";

#[tokio::test]
async fn a_failure_is_passed_by_jumped_over_or_shown_to_an_operator() {
    let host = host(&[("ways", WAYS)]).await;
    let id = host.begin("ways", json!({})).await;
    let question = host.until(&id, asked("help")).await;
    assert_eq!(question.options, ["retry", "skip", "abort"]);
    let retry = json!({ "decision": "retry", "input": { "kind": "permanent" } });
    host.answer(&id, &question, retry).await.accepted();
    let again = host
        .until(
            &id,
            orgata_tests::matchers::Matcher::new("a second question", {
                let first = question.id.clone();
                move |history| asked("help").find(history).filter(|question| question.id != first)
            }),
        )
        .await;
    let skip = json!({ "decision": "skip", "result": { "by": "hand" } });
    host.answer(&id, &again, skip).await.accepted();
    let output = host.until(&id, completed()).await;
    assert_eq!((&output["shrug"], &output["between"]), (&json!("failed"), &json!("skipped")), "{output}");
    assert_eq!(output["help"], json!({ "by": "hand" }));
    assert!(output["code"].is_string(), "a failure can be read: {output}");
}

/// What its steps do outside, they undo outside.
const TRIP: &str = r#"
name: trip
steps:
  - name: book
    forEach: [flight, hotel]
    operation: http-fetch/post
    params: { url: "{{ input.shop }}/book", body: $item }
    compensation:
      operation: http-fetch/post
      params: { url: "{{ input.shop }}/unbook", body: { booked: $item, status: $steps.book.result.status } }
      retries: { max: 2, initial: 1ms }
  - { name: sure, intervention: { prompt: Sure?, options: [yes] } }
  - { name: pay, operation: http-fetch/post, params: { url: "{{ input.shop }}/pay" } }
"#;

async fn agency(witness: &Witness) -> TestHost {
    let grants = json!({ "http-fetch": { "network": [witness.authority()], "privateAddresses": true } });
    let setup = HostSetup::new().plugin("http-fetch").playbook("trip", TRIP);
    setup.runtime("desk", json!({ "grants": grants })).start().await
}

async fn booked(host: &TestHost, witness: &Witness) -> ExecutionId {
    let id = host.begin("trip", json!({ "shop": witness.url("") })).await;
    host.until(&id, asked("sure")).await;
    id
}

fn bodies(witness: &Witness, path: &str) -> Vec<Value> {
    witness.seen(path).iter().map(|seen| serde_json::from_str(&seen.body).unwrap()).collect()
}

#[tokio::test]
async fn cancelling_undoes_newest_first_and_each_effect_once() {
    let witness = Witness::start().await;
    let host = agency(&witness).await;
    let id = booked(&host, &witness).await;
    witness.fail("/unbook", 1, 503);
    host.control(&id, "cancel", "it rains").await.accepted();
    let end = host.until(&id, ended()).await;
    let unbooked = bodies(&witness, "/unbook");
    let [hotel, flight] = ["hotel", "flight"].map(|booked| json!({ "booked": booked, "status": 200 }));
    assert_eq!(unbooked, [hotel.clone(), hotel, flight], "the hotel twice: the first attempt was refused");
    assert_eq!(
        witness.keys("/unbook").len(),
        2,
        "an attempt has its step's key: {:?}",
        witness.keys("/unbook")
    );
    assert_eq!(end.kind, "execution_compensated");
    let inbox = host.get("/api/v1/interventions").await.is(200);
    assert_eq!(inbox["items"], json!([]), "nobody is asked any more");
}

#[tokio::test]
async fn cancelling_without_undoing_leaves_what_was_done() {
    let witness = Witness::start().await;
    let host = agency(&witness).await;
    let id = booked(&host, &witness).await;
    host.steer(&id, "cancel", json!({ "compensate": false })).await.accepted();
    assert_eq!(host.until(&id, ended()).await.kind, "execution_cancelled");
    assert!(witness.seen("/unbook").is_empty());
}

#[tokio::test]
async fn what_cannot_be_undone_is_an_operators_to_decide() {
    let witness = Witness::start().await;
    let host = agency(&witness).await;
    let id = booked(&host, &witness).await;
    witness.fail("/unbook", 3, 400);
    host.control(&id, "cancel", "it rains").await.accepted();
    let question = host.until(&id, asked("book[1]")).await;
    assert_eq!(host.status(&id).await["status"], "waiting");
    host.answer(&id, &question, json!({ "decision": "retry" })).await.accepted();
    let again = host
        .until(
            &id,
            orgata_tests::matchers::Matcher::new("a second question", move |history| {
                asked("book[1]").find(history).filter(|again| again.id != question.id)
            }),
        )
        .await;
    host.answer(&id, &again, json!({ "decision": "abort" })).await.accepted();
    let end = host.until(&id, ended()).await;
    assert_eq!((end.kind.as_str(), end.step()), ("compensation_failed", Some("book[1]")));
    assert_eq!(times(&host, &id, "step_compensated", "book[0]").await, 0);
}

const GROUP: &str = r"
name: group
steps:
  - name: both
    steps:
      - { name: quick, operation: hostile/fail, params: { kind: permanent } }
      - { name: slow, parallel: true, operation: hostile/sleep, params: { ms: 300 } }
      - { name: never, operation: bench/noop, params: {} }
  - { name: after, operation: bench/noop, params: {} }
";

#[tokio::test]
async fn what_is_at_work_comes_to_rest_before_a_group_fails_and_a_retry_repeats_only_what_failed() {
    let host = host(&[("group", GROUP)]).await;
    let id = host.begin("group", json!({})).await;
    host.until(&id, failed()).await;
    let journal = host.journal(&id).await;
    let place = |line: &str| {
        journal.lines().position(|found| found == line).unwrap_or_else(|| panic!("{line}:\n{journal}"))
    };
    assert!(place("step_completed slow") < place("execution_failed both"), "{journal}");
    let input = json!({ "step": "quick", "input": { "until": 0 } });
    host.steer(&id, "retry", input).await.accepted();
    host.until(&id, completed()).await;
    assert_eq!(times(&host, &id, "step_started", "slow").await, 1);
    host.until(&id, step_event("step_completed", "never")).await;
}
