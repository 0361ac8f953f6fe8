//! Attempts that fail, and those that follow.

use std::time::Duration;

use orgata_model::execution::{Fact, Status};
use orgata_model::{ExecutionId, Failure};
use serde_json::json;

use crate::support::host::{request, within};
use crate::support::operations::question;
use crate::support::{Scripted, TestHost};
use orgata_engine::StartRequest;

fn retrying(policy: &str) -> String {
    format!(
        "name: story\nsteps:\n  - {{ name: a, operation: mail/put, params: {{ v: $input.v }}, retries: {policy} }}\n"
    )
}

fn busy() -> Scripted {
    Scripted::Fail(Failure::transient("BUSY", "try later"))
}

/// The recorded waits before each further attempt.
fn waits(host: &TestHost, id: ExecutionId) -> Vec<Duration> {
    let scheduled = host.history(id).into_iter().filter_map(|event| match event.fact {
        Fact::StepRetryScheduled { at, .. } => Some(at.duration_since(event.at).unsigned_abs()),
        _ => None,
    });
    scheduled.collect()
}

#[tokio::test]
async fn waits_grow_and_are_kept_across_restarts() {
    let mut host = TestHost::new().await;
    host.publish(&retrying("{ max: 5, initial: 1m, multiplier: 2, max_interval: 5m, jitter: none }")).await;
    host.world.script("mail/put", [busy(), busy(), busy(), busy(), busy()]);
    let id = host.start(json!({ "v": 1 })).await;
    for (n, seconds) in [60, 120, 240, 300, 300].into_iter().enumerate() {
        host.settle().await;
        assert_eq!(
            (host.world.called("mail/put"), host.engine.active()),
            (n + 1, 0),
            "it waits without a driver"
        );
        // A restart neither resets the count nor the clock.
        match n % 3 {
            0 => host.crash().await,
            1 => host.restart().await,
            _ => {}
        }
        host.advance(Duration::from_secs(seconds - 1)).await;
        assert_eq!(host.world.called("mail/put"), n + 1, "not before its time");
        host.advance(Duration::from_secs(1)).await;
        assert_eq!(host.world.called("mail/put"), n + 2);
    }
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(waits(&host, id).iter().map(Duration::as_secs).collect::<Vec<_>>(), [60, 120, 240, 300, 300]);
    let calls = host.world.calls();
    assert_eq!(calls.iter().map(|call| call.attempt).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert!(calls.iter().all(|call| call.key == calls[0].key && call.input == json!({ "v": 1 })));
}

#[tokio::test]
async fn when_the_attempts_are_used_up_the_step_fails_with_the_last_failure() {
    let mut host = TestHost::new().await;
    host.publish(&retrying("{ max: 2, initial: 1s, jitter: none }")).await;
    host.world
        .script("mail/put", [busy(), busy(), Scripted::Fail(Failure::transient("WORSE", "still busy"))]);
    let id = host.start(json!({ "v": 1 })).await;
    for _ in 0..4 {
        host.crash().await;
        host.advance(Duration::from_secs(60)).await;
    }
    assert_eq!((host.status(id), host.world.called("mail/put")), (Some(Status::Failed), 3));
    assert_eq!(host.summary(id).failure.unwrap().code, "WORSE");
}

#[tokio::test]
async fn only_what_may_pass_is_tried_again() {
    for failure in [Failure::permanent("NO", "never"), Failure::invalid_input("BAD", "not so")] {
        let host = TestHost::new().await;
        host.publish(&retrying("5")).await;
        host.world.script("mail/put", [Scripted::Fail(failure.clone())]);
        let summary = host.run(json!({ "v": 1 })).await;
        assert_eq!((summary.status, host.world.called("mail/put")), (Status::Failed, 1));
        assert_eq!(summary.failure, Some(failure));
    }
}

#[tokio::test]
async fn jitter_spreads_executions_and_repeats_for_each() {
    let host = TestHost::new().await;
    host.publish(&retrying("{ max: 1, initial: 1h, max_interval: 1h, jitter: full }")).await;
    host.world.script("mail/put", vec![busy(); 50]);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let id = host.start(json!({ "v": 1 })).await;
        host.until(|| !waits(&host, id).is_empty()).await;
        let wait = waits(&host, id)[0];
        assert!(wait <= Duration::from_secs(3_600));
        seen.insert(wait);
    }
    assert!(seen.len() > 45, "{}", seen.len());
    let (early, late) = (seen.first().unwrap(), seen.last().unwrap());
    assert!(early.as_secs() < 900 && late.as_secs() > 2_700, "{early:?} {late:?}");
    host.advance(Duration::from_secs(3_600)).await;
    assert_eq!(host.world.called("mail/put"), 100);
}

#[tokio::test]
async fn a_start_that_somebody_waits_for_holds_over_a_wait_between_attempts() {
    let host = TestHost::new().await;
    host.publish(&retrying("{ max: 1, initial: 30s, jitter: none }")).await;
    host.world.script("mail/put", [busy()]);
    let engine = host.engine.clone();
    let wait = Some(Duration::from_secs(60));
    let started = tokio::spawn(async move {
        let start = StartRequest { wait, ..request(json!({ "v": 1 })) };
        engine.start(&crate::support::host::ada(), &crate::support::host::runtime(), start).await
    });
    host.advance(Duration::from_secs(29)).await;
    assert!(!started.is_finished());
    host.advance(Duration::from_secs(1)).await;
    assert_eq!(started.await.unwrap().unwrap().summary.status, Status::Succeeded);
}

#[tokio::test]
async fn a_caller_that_waited_long_enough_is_told_where_it_stands_and_keeps_nothing_in_memory() {
    let host = TestHost::new().await;
    host.publish(&retrying("{ max: 1, initial: 1h, max_interval: 1h, jitter: none }")).await;
    host.world.script("mail/put", [busy()]);
    let engine = host.engine.clone();
    let wait = Some(Duration::from_secs(60));
    let started = tokio::spawn(async move {
        let start = StartRequest { wait, ..request(json!({ "v": 1 })) };
        engine.start(&crate::support::host::ada(), &crate::support::host::runtime(), start).await
    });
    host.advance(Duration::from_secs(60)).await;
    let summary = started.await.unwrap().unwrap().summary;
    assert_eq!(summary.status, Status::Running);
    host.settle().await;
    assert_eq!(host.engine.active(), 0);
    host.advance(Duration::from_secs(3_600)).await;
    assert_eq!(host.status(summary.id), Some(Status::Succeeded));
}

#[tokio::test]
async fn a_retry_after_an_answer_does_not_ask_again() {
    for crash in [false, true] {
        let mut host = TestHost::new().await;
        host.world.script("mail/put", [Scripted::Ask(question("sure?", json!("state"))), busy()]);
        host.world.answers("mail/put", |resume| Scripted::Done((*resume.unwrap().answer).clone()));
        host.publish(&retrying("{ max: 3, initial: 1h, max_interval: 1h, jitter: none }")).await;
        let id = host.start(json!({ "v": 1 })).await;
        host.answer(id, json!("yes")).await.unwrap();
        host.settle().await;
        if crash {
            host.crash().await;
        }
        host.advance(Duration::from_secs(3_600)).await;
        assert_eq!(host.status(id), Some(Status::Succeeded), "{:?}", host.journal(id));
        assert_eq!(*host.summary(id).output.unwrap(), json!("yes"));
        assert_eq!(host.count(id, "intervention_required"), 1);
    }
}

#[tokio::test]
async fn the_timeout_of_a_step_goes_to_whoever_runs_it() {
    let host = TestHost::new().await;
    host.publish("name: story\nsteps:\n  - { name: a, operation: calc/echo, timeout: 5s }\n  - { name: b, operation: calc/echo }\n").await;
    within(host.run(json!({}))).await;
    let timeouts: Vec<_> = host.world.calls().iter().map(|call| call.timeout).collect();
    assert_eq!(timeouts, [Some(Duration::from_secs(5)), None]);
}

#[tokio::test]
async fn an_operation_that_takes_its_driver_with_it_does_not_take_the_host() {
    let mut host = TestHost::new().await;
    host.publish("name: story\nsteps:\n  - { name: a, operation: mail/put }\n").await;
    host.world.script("mail/put", [Scripted::Panic]);
    let wait = Some(Duration::from_secs(60));
    let told = within(host.try_start(StartRequest { wait, ..request(json!({})) })).await.unwrap_err();
    assert_eq!(told.code(), "INTERNAL", "{told}");
    host.settle().await;
    assert_eq!(host.engine.active(), 0);
    let other = host.run(json!({})).await;
    assert_eq!(other.status, Status::Succeeded);
    // What was durable is still there, and goes on at the next start.
    host.restart().await;
    host.settle().await;
    assert!(host.store.ids().into_iter().all(|id| host.status(id) == Some(Status::Succeeded)));
}
