//! What is durable when.

use orgata_engine::Settings;
use orgata_model::duration::DurationText;
use orgata_model::execution::Status;
use serde_json::json;
use std::time::Duration;

use crate::support::TestHost;
use crate::support::operations::begins_durably;

/// A playbook with steps of these operations, each given the input.
pub(crate) fn steps(operations: &[&str]) -> String {
    let steps: String = operations
        .iter()
        .enumerate()
        .map(|(at, operation)| {
            format!("  - {{ name: s{at}, operation: {operation}, params: {{ v: $input.v }} }}\n")
        })
        .collect();
    format!("name: story\nsteps:\n{steps}")
}

#[tokio::test]
async fn ten_pure_steps_that_somebody_waits_for_are_one_commit() {
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo"; 10])).await;
    let summary = host.run(json!({ "v": 1 })).await;
    assert_eq!((summary.status, host.store.commits()), (Status::Succeeded, 1));
    assert_eq!(summary.version, 22);
}

#[tokio::test]
async fn ten_pure_steps_that_were_acknowledged_first_are_two_commits() {
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo"; 10])).await;
    let id = host.start(json!({ "v": 1 })).await;
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(host.store.commits(), 2);
}

#[tokio::test]
async fn a_start_is_acknowledged_only_after_its_commit() {
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo"])).await;
    host.store.hold();
    let engine = host.engine.clone();
    let start = tokio::spawn(async move {
        engine
            .start(
                &crate::support::host::ada(),
                &crate::support::host::runtime(),
                crate::support::host::request(json!({ "v": 1 })),
            )
            .await
    });
    host.settle().await;
    assert!(!start.is_finished() && host.store.ids().is_empty());
    host.store.release();
    let started = start.await.unwrap().unwrap();
    assert!(host.store.ids().contains(&started.summary.id));
}

#[tokio::test]
async fn an_effect_begins_after_everything_before_it_is_durable() {
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo", "mail/send", "calc/echo", "mail/send", "mail/put"])).await;
    let summary = host.run(json!({ "v": 1 })).await;
    assert_eq!(summary.status, Status::Succeeded);
    let calls = host.world.calls();
    let effectful: Vec<_> = calls.iter().filter(|call| call.operation.starts_with("mail/")).collect();
    assert_eq!(effectful.len(), 3);
    assert!(effectful.iter().all(|call| begins_durably(call)), "{effectful:#?}");
    // The start of a step and the result of the one before it share a commit.
    assert_eq!(
        host.store.commits(),
        5,
        "one before each effect, one after the effect that a pure step follows, one at the end"
    );
}

#[tokio::test]
async fn a_long_pure_step_does_not_keep_watchers_in_the_dark() {
    let settings = Settings { flush_after: DurationText(Duration::from_millis(20)), ..Settings::default() };
    let host = TestHost::with(settings).await;
    host.publish(&steps(&["calc/echo", "calc/ask"])).await;
    host.world.hold("calc/ask");
    let id = host.start(json!({ "v": 1 })).await;
    host.advance(Duration::from_millis(19)).await;
    assert_eq!(host.journal(id), ["execution_started"]);
    host.advance(Duration::from_millis(1)).await;
    assert_eq!(host.journal(id), ["execution_started", "step_started", "step_completed", "step_started"]);
    host.world.release("calc/ask");
    host.until_status(id, Status::Succeeded).await;
}
