//! Helping executions on from the command line: `exec retry`, `skip`, `hold`, `fork`, `cancel`; `event send`.

use orgata_tests::matchers::{asked, completed, ended, failed, step_event, waiting};
use orgata_tests::{ExecutionId, HostSetup, TestHost};
use serde_json::json;

/// Its second step fails until it is given something else.
const SHAKY: &str = r"
name: shaky
steps:
  - { name: think, operation: bench/noop, params: { n: $input.n } }
  - { name: shake, operation: hostile/fail, params: { kind: permanent } }
  - { name: after, operation: bench/noop, params: { n: $steps.think.result.n } }
output: { n: $steps.after.result.n, shaken: $steps.shake.result }
";

/// Asks, and then waits for a payment of its own order.
const ORDER: &str = r"
name: order
steps:
  - { name: send, intervention: { prompt: Send?, options: [send] } }
  - { name: paid, wait: { event: payment.received, match: event.order == input.n } }
  - { name: thank, operation: bench/noop, params: { n: $input.n } }
output: { paid: $steps.paid.result.amount }
";

/// What is done first can be undone.
const UNDO: &str = r"
name: undo
steps:
  - { name: book, operation: bench/noop, params: {}, compensation: { operation: bench/noop, params: { undo: 1 } } }
  - { name: ask, intervention: { prompt: Go on?, options: [go] } }
";

async fn host() -> TestHost {
    let setup = HostSetup::new().plugin("bench").plugin("hostile");
    let setup = setup.playbook("shaky", SHAKY).playbook("order", ORDER).playbook("undo", UNDO);
    setup.runtime("desk", json!({})).start().await
}

async fn shaken(host: &TestHost) -> ExecutionId {
    let id = host.begin("shaky", json!({ "n": 7 })).await;
    host.until(&id, failed()).await;
    id
}

#[tokio::test]
async fn a_step_that_failed_is_retried_with_another_input() {
    let host = host().await;
    let id = shaken(&host).await;
    let wrong = host.cli(&["exec", "retry", &id.0, "--input", "{"]).await.failed(2);
    assert!(wrong.contains("--input is not JSON"), "{wrong}");
    let nothing = host.cli(&["exec", "retry", &id.0, "--step", "dance"]).await.failed(5);
    assert!(nothing.contains("dance"), "{nothing}");

    let input = ["exec", "retry", &id.0, "--step", "shake", "-i", r#"{"until":0}"#, "--reason", "by hand"];
    let said = host.cli(&input).await.succeeded();
    assert!(said.starts_with(&format!("{id} is ")), "{said}");
    assert_eq!(host.until(&id, completed()).await["n"], 7);
    let retried = host.until(&id, step_event("execution_retried", "shake")).await;
    assert_eq!((&retried.body["reason"], &retried.body["actor"]), (&json!("by hand"), &json!("local")));
    assert_eq!(host.history(&id).await.iter().filter(|event| event.is("step_started", "think")).count(), 1);
    let ended = host.cli(&["exec", "retry", &id.0]).await.failed(5);
    assert!(ended.contains("succeeded"), "{ended}");
}

#[tokio::test]
async fn a_step_is_skipped_or_counts_as_done() {
    let host = host().await;
    let id = shaken(&host).await;
    let said = host.cli(&["exec", "skip", &id.0]).await.failed(2);
    assert!(said.contains("--step"), "{said}");
    let result = ["exec", "skip", &id.0, "--step", "shake", "--result", r#"{"by":"hand"}"#, "--json"];
    assert_eq!(host.cli(&result).await.json()["executionId"], id.0.as_str());
    assert_eq!(host.until(&id, completed()).await, json!({ "n": 7, "shaken": { "by": "hand" } }));

    let id = shaken(&host).await;
    host.cli(&["exec", "skip", &id.0, "--step", "shake", "--reason", "no need"]).await.succeeded();
    assert_eq!(host.until(&id, completed()).await, json!({ "n": 7, "shaken": null }));
    assert_eq!(host.until(&id, step_event("step_skipped", "shake")).await.body["reason"], "no need");
}

#[tokio::test]
async fn a_step_is_held_until_somebody_answers() {
    let host = host().await;
    let id = host.begin("order", json!({ "n": 1 })).await;
    let send = host.until(&id, asked("send")).await;
    host.cli(&["exec", "hold", &id.0, "--step", "thank", "--reason", "Is Ada in?"]).await.succeeded();
    host.answer(&id, &send, json!("send")).await.accepted();
    host.until(&id, waiting("paid")).await;
    host.cli(&["event", "send", "payment.received", "-p", r#"{"order":1,"amount":9}"#]).await.succeeded();
    let held = host.until(&id, asked("thank")).await;
    assert_eq!(
        (held.prompt.as_str(), held.options.as_slice()),
        ("Is Ada in?", &["proceed".into(), "fail".into()][..])
    );
    host.answer(&id, &held, json!({ "decision": "proceed" })).await.accepted();
    assert_eq!(host.until(&id, completed()).await, json!({ "paid": 9 }));
    let late = host.cli(&["exec", "hold", &id.0, "--step", "thank"]).await.failed(5);
    assert!(late.contains("EXECUTION_ENDED"), "{late}");
}

#[tokio::test]
async fn an_execution_is_forked_with_another_input_and_labels() {
    let host = host().await;
    let id = shaken(&host).await;
    let wrong = host.cli(&["exec", "fork", &id.0, "--label", "why"]).await.failed(2);
    assert!(wrong.contains("KEY:VALUE"), "{wrong}");
    let said = host.cli(&["exec", "fork", &id.0, "--step", "dance"]).await.failed(5);
    assert!(said.contains("shake"), "what there is instead is told: {said}");

    let fork = ["exec", "fork", &id.0, "-i", r#"{"n":8}"#, "--latest", "--label", "why:test", "--json"];
    let handle = host.cli(&fork).await.json();
    let fork = ExecutionId(handle["executionId"].as_str().unwrap().to_owned());
    host.until(&fork, failed()).await;
    assert_eq!(host.history(&fork).await[0].body["input"], json!({ "n": 8 }));
    let list = host.cli(&["exec", "list", "--label", "why:test", "--json"]).await.json();
    assert_eq!(list["items"][0]["executionId"], fork.0.as_str());

    let said = host.cli(&["exec", "fork", &id.0, "--step", "shake"]).await.succeeded();
    assert!(
        said.contains(&format!("is forked from {id}")) && said.contains("orgata exec watch exec_"),
        "{said}"
    );
}

#[tokio::test]
async fn cancelling_undoes_what_was_done_unless_told_otherwise() {
    let host = host().await;
    for (more, last) in [(None, "execution_compensated"), (Some("--no-compensation"), "execution_cancelled")]
    {
        let id = host.begin("undo", json!({})).await;
        host.until(&id, asked("ask")).await;
        let mut command = vec!["exec", "cancel", id.0.as_str()];
        command.extend(more);
        let said = host.cli(&command).await.succeeded();
        assert!(said.starts_with(&format!("{id} is c")), "{said}");
        assert_eq!(host.until(&id, ended()).await.kind, last);
        let undone = host.history(&id).await.iter().any(|event| event.is("step_compensated", "book"));
        assert_eq!(undone, more.is_none(), "{more:?}: {}", host.journal(&id).await);
    }
}

#[tokio::test]
async fn events_go_to_all_who_wait_or_to_one_who_keeps_them() {
    let host = host().await;
    let nobody = host.cli(&["event", "send", "payment.received"]).await.succeeded();
    assert!(nobody.contains("nobody waits for payment.received"), "{nobody}");
    let wrong = host.cli(&["event", "send", "x", "--runtime", "nowhere"]).await.failed(5);
    assert!(wrong.contains("RUNTIME_NOT_FOUND"), "{wrong}");
    let wrong = host.cli(&["event", "send", "x", "--payload", "{"]).await.failed(2);
    assert!(wrong.contains("--payload is not JSON"), "{wrong}");

    let mut ids = Vec::new();
    for n in 1..=3 {
        let id = host.begin("order", json!({ "n": n })).await;
        let send = host.until(&id, asked("send")).await;
        ids.push((id, send));
    }
    // The first is told before it waits; it keeps the event until then.
    let (first, question) = &ids[0];
    let payload = r#"{"order":1,"amount":10}"#;
    let send = ["event", "send", "payment.received", "--execution", &first.0, "-p", payload];
    assert!(host.cli(&send).await.succeeded().contains("keeps it"));
    let elsewhere = ["event", "send", "x", "--execution", &first.0, "--runtime", "other"];
    assert!(host.cli(&elsewhere).await.failed(2).contains("is of runtime desk"));
    host.answer(first, question, json!("send")).await.accepted();
    assert_eq!(host.until(first, completed()).await["paid"], 10);

    for (id, question) in &ids[1..] {
        host.answer(id, question, json!("send")).await.accepted();
        host.until(id, waiting("paid")).await;
    }
    let send = ["event", "send", "payment.received", "--runtime", "desk", "-p", r#"{"order":3,"amount":30}"#];
    let said = host.cli(&send).await.succeeded();
    assert_eq!(said.trim(), format!("{} took payment.received", ids[2].0));
    assert_eq!(host.until(&ids[2].0, completed()).await["paid"], 30);
    assert_eq!(host.status(&ids[1].0).await["status"], "waiting");
    let send = ["event", "send", "payment.received", "-p", r#"{"order":2,"amount":20}"#, "--json"];
    assert_eq!(host.cli(&send).await.json()["executions"], json!([ids[1].0.0]));
    assert_eq!(host.until(&ids[1].0, completed()).await["paid"], 20);
}
