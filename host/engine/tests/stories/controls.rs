//! Pausing, resuming and cancelling, wherever an execution stands.

use std::time::Duration;

use orgata_engine::{Control, EngineError};
use orgata_model::Failure;
use orgata_model::execution::Status;
use serde_json::json;

use crate::durability::steps;
use crate::support::{Scripted, TestHost};

const ASKS: &str = "name: story\nsteps:\n  - { name: ask, intervention: { prompt: Well? } }\n  - { name: after, operation: calc/echo }\n";

fn transient() -> Scripted {
    Scripted::Fail(Failure::transient("BUSY", "try later"))
}

/// A host with one execution in each place that it can stand in for long.
async fn standing(place: &str) -> (TestHost, orgata_model::ExecutionId) {
    let host = TestHost::new().await;
    let source = match place {
        "waiting" | "paused" => ASKS.to_owned(),
        "running" => steps(&["calc/echo", "mail/send", "calc/echo"]),
        "retrying" => "name: story\nsteps:\n  - { name: a, operation: mail/put, retries: { max: 9, initial: 1h, max_interval: 1h, jitter: none } }\n".to_owned(),
        other => panic!("{other}"),
    };
    host.publish(&source).await;
    host.world.hold("mail/send");
    host.world.script("mail/put", [transient()]);
    let id = host.start(json!({ "v": 1 })).await;
    host.settle().await;
    if place == "paused" {
        host.control(id, Control::Pause).await.unwrap();
        host.settle().await;
    }
    (host, id)
}

#[tokio::test]
async fn cancelling_ends_it_wherever_it_stands() {
    for place in ["waiting", "paused", "running", "retrying"] {
        let (host, id) = standing(place).await;
        let summary = host.control(id, Control::Cancel { compensate: true }).await.unwrap();
        assert_eq!(summary.status, Status::Cancelled, "{place}");
        assert_eq!(host.status(id), Some(Status::Cancelled), "{place}: told only when durable");
        host.world.release("mail/send");
        host.advance(Duration::from_secs(7_200)).await;
        assert_eq!(host.journal(id).last(), Some(&"execution_cancelled"), "{place}");
        assert_eq!((host.store.open(), host.engine.active()), (Vec::new(), 0), "{place}");
        assert_eq!(host.world.effects(), [], "{place}");
    }
}

#[tokio::test]
async fn cancelling_stops_the_call_that_runs() {
    let (host, id) = standing("running").await;
    host.control(id, Control::Cancel { compensate: true }).await.unwrap();
    host.settle().await;
    assert_eq!(host.world.dropped(), 1);
}

#[tokio::test]
async fn an_execution_that_was_cancelled_during_a_call_is_ended_for_whoever_asks_later() {
    for operation in ["calc/ask", "mail/send"] {
        let mut host = TestHost::new().await;
        host.publish(&steps(&[operation])).await;
        host.world.hold(operation);
        let id = host.start(json!({ "v": 1 })).await;
        host.until(|| host.world.called(operation) == 1).await;
        host.control(id, Control::Cancel { compensate: true }).await.unwrap();
        host.crash().await;
        let refused = host.control(id, Control::Cancel { compensate: true }).await.unwrap_err();
        assert!(matches!(refused, EngineError::Ended(Status::Cancelled)), "{operation}: {refused}");
        host.settle().await;
        assert_eq!(host.world.called(operation), 1, "nothing runs again");
        assert_eq!(host.journal(id), ["execution_started", "step_started", "execution_cancelled"]);
    }
}

#[tokio::test]
async fn a_cancellation_that_comes_while_the_start_of_an_effect_is_committed_comes_before_the_effect() {
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo", "mail/send"])).await;
    host.world.hold("calc/echo");
    let id = host.start(json!({ "v": 1 })).await;
    host.settle().await;
    host.store.hold();
    host.world.release("calc/echo");
    host.settle().await;
    let engine = host.engine.clone();
    let cancel = tokio::spawn(async move {
        engine.control(&crate::support::host::ada(), id, Control::Cancel { compensate: true }, None).await
    });
    host.settle().await;
    host.store.release();
    cancel.await.unwrap().unwrap();
    assert_eq!(host.world.called("mail/send"), 0);
}

#[tokio::test]
async fn what_is_paused_starts_nothing_until_it_is_resumed() {
    let (host, id) = standing("waiting").await;
    host.control(id, Control::Pause).await.unwrap();
    host.answer(id, json!("yes")).await.unwrap();
    host.settle().await;
    assert_eq!(host.status(id), Some(Status::Paused));
    assert_eq!((host.world.calls().len(), host.engine.active()), (0, 0));
    host.control(id, Control::Resume).await.unwrap();
    host.until_status(id, Status::Succeeded).await;
}

#[tokio::test]
async fn pausing_during_a_call_lets_the_call_end_and_keeps_its_result() {
    let (host, id) = standing("running").await;
    let summary = host.control(id, Control::Pause).await.unwrap();
    assert_eq!(summary.status, Status::Paused);
    host.world.release("mail/send");
    host.settle().await;
    assert_eq!(host.completed(id, "s1"), 1);
    assert_eq!((host.world.called("calc/echo"), host.status(id)), (1, Some(Status::Paused)));
    host.control(id, Control::Resume).await.unwrap();
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(host.world.effects().len(), 1);
}

#[tokio::test]
async fn a_paused_step_that_was_cut_off_goes_on_only_when_it_is_resumed() {
    for operation in ["calc/ask", "mail/put"] {
        let mut host = TestHost::new().await;
        host.publish(&steps(&[operation])).await;
        host.world.hold(operation);
        let id = host.start(json!({ "v": 1 })).await;
        host.until(|| host.world.called(operation) == 1).await;
        host.control(id, Control::Pause).await.unwrap();
        host.crash().await;
        host.world.release(operation);
        // Somebody looks for it, and still it rests.
        let refused = host.control(id, Control::Pause).await.unwrap_err();
        assert!(matches!(refused, EngineError::Unchanged(_)), "{refused}");
        host.settle().await;
        assert_eq!((host.world.called(operation), host.status(id)), (1, Some(Status::Paused)), "{operation}");
        host.control(id, Control::Resume).await.unwrap();
        host.until_status(id, Status::Succeeded).await;
        assert_eq!(host.world.called(operation), 2, "{operation}");
    }
}

#[tokio::test]
async fn a_paused_retry_waits_past_its_time() {
    let (host, id) = standing("retrying").await;
    host.control(id, Control::Pause).await.unwrap();
    host.advance(Duration::from_secs(7_200)).await;
    assert_eq!(host.world.called("mail/put"), 1);
    host.control(id, Control::Resume).await.unwrap();
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(host.world.called("mail/put"), 2);
}

#[tokio::test]
async fn controls_that_change_nothing_are_refused_and_say_why() {
    let (host, id) = standing("waiting").await;
    let told = |result: Result<_, EngineError>| {
        result.map(|_: orgata_model::execution::Summary| ()).unwrap_err().to_string()
    };
    assert_eq!(told(host.control(id, Control::Resume).await), "the execution is not paused");
    host.control(id, Control::Pause).await.unwrap();
    assert_eq!(told(host.control(id, Control::Pause).await), "the execution is paused already");
    host.control(id, Control::Cancel { compensate: true }).await.unwrap();
    for control in [Control::Pause, Control::Resume, Control::Cancel { compensate: true }] {
        assert_eq!(told(host.control(id, control).await), "the execution has ended: cancelled");
    }
    host.settle().await;
    assert_eq!(host.engine.active(), 0);
}

#[tokio::test]
async fn controls_of_nothing_are_not_found() {
    let host = TestHost::new().await;
    let id = "exec_00000000000070008000000000000009".parse().unwrap();
    let refused = host.control(id, Control::Cancel { compensate: true }).await.unwrap_err();
    assert_eq!(refused.code(), "EXECUTION_NOT_FOUND");
    host.settle().await;
    assert_eq!(host.engine.active(), 0);
}

#[tokio::test]
async fn an_execution_that_takes_too_long_times_out_wherever_it_stands() {
    for (source, held) in [
        ("name: story\ntimeout: 1h\nsteps:\n  - { name: ask, intervention: { prompt: Well? } }\n", ""),
        ("name: story\ntimeout: 1h\nsteps:\n  - { name: a, operation: mail/send }\n", "mail/send"),
        ("name: story\ntimeout: 1h\nsteps:\n  - { name: a, operation: calc/ask }\n", "calc/ask"),
    ] {
        let host = TestHost::new().await;
        host.publish(source).await;
        host.world.hold(held);
        let id = host.start(json!({})).await;
        host.advance(Duration::from_secs(3_599)).await;
        assert!(!host.status(id).unwrap().is_end(), "{source}");
        host.advance(Duration::from_secs(1)).await;
        assert_eq!(host.status(id), Some(Status::TimedOut), "{source}");
        assert_eq!((host.engine.active(), host.store.open()), (0, Vec::new()));
    }
}

#[tokio::test]
async fn a_paused_execution_times_out_too() {
    let host = TestHost::new().await;
    host.publish("name: story\ntimeout: 1h\nsteps:\n  - { name: ask, intervention: { prompt: Well? } }\n")
        .await;
    let id = host.start(json!({})).await;
    host.control(id, Control::Pause).await.unwrap();
    host.advance(Duration::from_secs(3_600)).await;
    assert_eq!(host.status(id), Some(Status::TimedOut));
}
