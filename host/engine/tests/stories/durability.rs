//! What is durable when.

use orgata_engine::Settings;
use orgata_model::duration::DurationText;
use orgata_model::execution::Status;
use serde_json::json;
use std::time::Duration;

use crate::support::TestHost;
use crate::support::host::FORGETFUL;
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
    if FORGETFUL {
        return;
    }
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo"; 10])).await;
    let summary = host.run(json!({ "v": 1 })).await;
    assert_eq!((summary.status, host.store.commits()), (Status::Succeeded, 1));
    assert_eq!(summary.version, 22);
}

#[tokio::test]
async fn ten_pure_steps_that_were_acknowledged_first_are_two_commits() {
    if FORGETFUL {
        return;
    }
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
    if FORGETFUL {
        return;
    }
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
    if FORGETFUL {
        return;
    }
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

#[tokio::test]
async fn ten_effects_beside_each_other_share_the_flush_of_their_start() {
    if FORGETFUL {
        return;
    }
    let host = TestHost::new().await;
    let beside = |at: usize| format!("  - {{ name: s{at}, operation: mail/send, parallel: true }}\n");
    let steps: String = (0..10).map(beside).collect();
    host.publish(&format!("name: story\nsteps:\n{steps}  - {{ name: last, operation: mail/send }}\n")).await;
    host.world.hold("mail/send");
    let id = host.start(json!({})).await;
    host.until(|| host.world.called("mail/send") == 10).await;
    assert_eq!(host.store.commits(), 2, "one for the start, one for all ten");
    let count = |durable: &[orgata_model::execution::Event], name: &str| {
        durable.iter().filter(|event| event.fact.name() == name).count()
    };
    assert!(host.world.calls().iter().all(|call| count(&call.durable, "step_started") == 10));
    host.world.release("mail/send");
    host.until_status(id, Status::Succeeded).await;
    let last = host.world.calls().pop().unwrap();
    assert_eq!((last.step.as_str(), count(&last.durable, "step_completed")), ("last", 10));
}

#[tokio::test]
async fn a_cancellation_that_comes_while_a_start_is_flushed_comes_before_the_effect() {
    for compensate in [true, false] {
        let host = TestHost::new().await;
        let undone = "compensation: { operation: mail/undo }";
        host.publish(&format!(
            "name: story\nsteps:\n  - {{ name: a, operation: mail/put, {undone} }}\n  - {{ name: b, operation: mail/send }}\n"
        ))
        .await;
        host.world.hold("mail/put");
        let id = host.start(json!({})).await;
        host.until(|| host.world.called("mail/put") == 1).await;
        host.store.hold();
        host.world.release("mail/put");
        host.settle().await;
        let engine = host.engine.clone();
        let control = orgata_engine::Control::Cancel { compensate };
        let cancelling =
            tokio::spawn(
                async move { engine.control(&crate::support::host::ada(), id, control, None).await },
            );
        host.settle().await;
        host.store.release();
        crate::support::within(cancelling).await.unwrap().unwrap();
        host.settle().await;
        assert_eq!(host.world.called("mail/send"), 0, "{:?}", host.journal(id));
        assert_eq!(host.world.called("mail/undo"), usize::from(compensate), "{:?}", host.history(id));
    }
}
