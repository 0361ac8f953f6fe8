//! Conditions, outputs, and expressions that cannot be computed.

use orgata_model::execution::Status;
use serde_json::{Value, json};

use crate::support::TestHost;

async fn run(source: &str, input: Value) -> (TestHost, orgata_model::execution::Summary) {
    let host = TestHost::new().await;
    host.publish(source).await;
    let summary = host.run(input).await;
    (host, summary)
}

#[tokio::test]
async fn a_step_whose_condition_does_not_hold_is_skipped_and_reads_as_null() {
    let source = r#"
name: story
steps:
  - { name: first, operation: calc/echo, params: { v: $input.v } }
  - { name: never, when: steps.first.result.v > 5, operation: mail/send }
  - { name: last, operation: calc/echo, params: { never: $steps.never.result, how: $steps.never.status } }
output: { last: $steps.last.result }
"#;
    let (host, summary) = run(source, json!({ "v": 1 })).await;
    assert_eq!(*summary.output.unwrap(), json!({ "last": { "never": null, "how": "skipped" } }));
    assert_eq!(host.world.called("mail/send"), 0);
    assert_eq!(host.count(summary.id, "step_skipped"), 1);
}

#[tokio::test]
async fn a_condition_that_cannot_be_computed_fails_the_step_before_anything_runs() {
    let source = "name: story\nsteps:\n  - { name: a, when: input.none > 1, operation: mail/send }\n";
    let (host, summary) = run(source, json!({})).await;
    assert_eq!(summary.status, Status::Failed);
    let failure = summary.failure.unwrap();
    assert_eq!(failure.code, "EXPRESSION_FAILED");
    assert!(failure.message.contains("`when` cannot be computed"), "{failure}");
    assert_eq!(host.world.effects(), []);
    assert_eq!(host.journal(summary.id), ["execution_started", "step_failed", "execution_failed"]);
}

#[tokio::test]
async fn params_that_cannot_be_computed_fail_the_step() {
    let source = "name: story\nsteps:\n  - { name: a, operation: calc/echo, params: { v: $input.none } }\n";
    let (_, summary) = run(source, json!({})).await;
    assert!(summary.failure.unwrap().message.contains("`params` cannot be computed: `$input.none`"));
}

#[tokio::test]
async fn an_output_that_cannot_be_computed_fails_the_execution_and_keeps_the_results() {
    let source = "name: story\nsteps:\n  - { name: a, operation: calc/echo, params: { v: 1 } }\noutput: { v: $steps.a.result.none }\n";
    let (host, summary) = run(source, json!({})).await;
    assert_eq!(summary.status, Status::Failed);
    assert!(summary.failure.unwrap().message.contains("`output` cannot be computed"));
    assert_eq!(host.completed(summary.id, "a"), 1);
}

#[tokio::test]
async fn without_an_output_the_last_result_is_the_output() {
    let source = "name: story\nsteps:\n  - { name: a, operation: calc/echo, params: { v: 1 } }\n  - { name: b, when: false, operation: calc/echo }\n";
    let (_, summary) = run(source, json!({})).await;
    assert_eq!(*summary.output.unwrap(), json!({ "v": 1 }));
}

#[tokio::test]
async fn expressions_see_the_execution_itself() {
    let source = "name: story\nsteps:\n  - { name: a, operation: calc/echo, params: { id: $execution.id, where: \"${execution.runtime}\" } }\n";
    let (_, summary) = run(source, json!({})).await;
    assert_eq!(*summary.output.unwrap(), json!({ "id": summary.id, "where": "test" }));
}
