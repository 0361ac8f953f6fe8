//! Results of pure operations that need no second call.

use std::time::Duration;

use orgata_model::ExecutionId;
use orgata_model::execution::{Fact, Status};
use orgata_model::failure::Failure;
use serde_json::json;

use crate::support::TestHost;
use crate::support::operations::Scripted;

fn playbook(cache: &str) -> String {
    format!(
        "name: story\nsteps:\n  - {{ name: a, operation: calc/echo, cache: {cache}, params: {{ v: $input.v }} }}\n"
    )
}

/// Runs it once, and says whether its result was known.
async fn was_known(host: &TestHost, v: u32) -> bool {
    let summary = host.run(json!({ "v": v })).await;
    assert_eq!((summary.status, summary.output.as_deref()), (Status::Succeeded, Some(&json!({ "v": v }))));
    cached(host, summary.id)
}

fn cached(host: &TestHost, id: ExecutionId) -> bool {
    host.store.history(id).iter().any(|event| matches!(event.fact, Fact::StepCompleted { cached: true, .. }))
}

#[tokio::test]
async fn the_same_input_needs_one_call_and_another_input_another() {
    let host = TestHost::new().await;
    host.publish(&playbook("true")).await;
    assert!(!was_known(&host, 1).await);
    assert!(was_known(&host, 1).await);
    assert!(!was_known(&host, 2).await);
    assert_eq!(host.world.called("calc/echo"), 2);
}

#[tokio::test]
async fn nothing_is_known_that_was_not_asked_for() {
    let host = TestHost::new().await;
    for off in ["false", "0s"] {
        host.publish(&playbook(off)).await;
        assert!(!was_known(&host, 1).await && !was_known(&host, 1).await, "cache: {off}");
    }
}

#[tokio::test]
async fn a_result_is_known_for_as_long_as_the_step_says() {
    let host = TestHost::new().await;
    host.publish(&playbook("1h")).await;
    was_known(&host, 1).await;
    host.advance(Duration::from_mins(59)).await;
    assert!(was_known(&host, 1).await);
    host.advance(Duration::from_mins(1)).await;
    assert!(!was_known(&host, 1).await, "the hour begins with the call, not with the last look");
    assert!(was_known(&host, 1).await);
}

#[tokio::test]
async fn a_failure_is_not_kept() {
    let host = TestHost::new().await;
    host.publish(&playbook("true")).await;
    host.world.script("calc/echo", [Scripted::Fail(Failure::permanent("OUT_OF_LUCK", "not today"))]);
    assert_eq!(host.run(json!({ "v": 1 })).await.status, Status::Failed);
    assert!(!was_known(&host, 1).await);
}

#[tokio::test]
async fn a_host_that_comes_back_knows_nothing_and_its_history_still_folds() {
    let mut host = TestHost::new().await;
    host.publish(&playbook("true")).await;
    was_known(&host, 1).await;
    was_known(&host, 1).await;
    host.crash().await;
    assert!(!was_known(&host, 1).await);
}

#[tokio::test]
async fn what_sees_or_changes_the_outside_is_refused() {
    let host = TestHost::new().await;
    for (operation, is) in [("look/see", "observing"), ("mail/put", "effectful")] {
        let source = playbook("true").replace("calc/echo", operation);
        let told = host.try_publish(&source).await.unwrap_err().to_string();
        assert!(told.contains(&format!("`{operation}` is {is}")), "{told}");
    }
}
