//! How long executions are kept, and how they go.

use std::collections::BTreeMap;
use std::time::Duration;

use orgata_engine::{Control, EngineError, Retention, Settings, StartRequest};
use orgata_model::ExecutionId;
use orgata_model::execution::{Fact, Status};
use serde_json::json;

use crate::durability::steps;
use crate::support::host::{ada, request, runtime};
use crate::support::life::Life;
use crate::support::store::Written;
use crate::support::{TestHost, within};

const DAY: Duration = Duration::from_hours(24);
const ASKS: &str = "name: story\nsteps:\n  - { name: ask, intervention: { prompt: Well? } }\n";

async fn keeping(retention: Retention) -> TestHost {
    TestHost::with(Settings { retention, ..Settings::default() }).await
}

#[tokio::test]
async fn what_has_ended_goes_when_its_time_is_over_and_what_has_not_stays() {
    let host = keeping(Retention::For(DAY)).await;
    host.publish(ASKS).await;
    let (cancelled, waiting) = (host.start(json!({})).await, host.start(json!({})).await);
    host.advance(DAY * 3).await;
    host.control(cancelled, Control::Cancel { compensate: true }).await.unwrap();
    host.advance(DAY - Duration::from_mins(10)).await;
    assert_eq!(host.status(cancelled), Some(Status::Cancelled), "the time begins at the end");
    host.advance(Duration::from_mins(20)).await;
    assert_eq!(host.status(cancelled), None);
    assert_eq!(host.status(waiting), Some(Status::Waiting));
    let gone = host.control(cancelled, Control::Cancel { compensate: true }).await.unwrap_err();
    assert_eq!(gone.code(), "EXECUTION_NOT_FOUND");
}

#[tokio::test]
async fn everything_is_kept_unless_somebody_says_otherwise() {
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo"])).await;
    let id = host.run(json!({ "v": 1 })).await.id;
    host.advance(DAY * 4_000).await;
    assert_eq!(host.status(id), Some(Status::Succeeded));
}

#[tokio::test]
async fn a_runtime_can_have_a_rule_of_its_own() {
    for (usual, own, kept) in [
        (Retention::For(DAY), Retention::Forever, true),
        (Retention::Forever, Retention::For(DAY), false),
        (Retention::For(DAY * 9), Retention::For(DAY), false),
    ] {
        let retention_by_runtime = BTreeMap::from([(runtime(), own)]);
        let settings = Settings { retention: usual, retention_by_runtime, ..Settings::default() };
        let host = TestHost::with(settings).await;
        host.publish(&steps(&["calc/echo"])).await;
        let id = host.run(json!({ "v": 1 })).await.id;
        host.advance(DAY * 2).await;
        assert_eq!(host.status(id).is_some(), kept, "usually {usual}, here {own}");
    }
}

#[tokio::test]
async fn what_was_over_while_the_host_was_down_goes_when_it_is_back() {
    let mut host = keeping(Retention::For(DAY)).await;
    host.publish(&steps(&["calc/echo"])).await;
    let id = host.run(json!({ "v": 1 })).await.id;
    host.life.kill();
    host.clock.advance(DAY * 2);
    host.crash().await;
    host.settle().await;
    assert_eq!(host.status(id), None);
}

#[tokio::test]
async fn one_execution_can_be_deleted_once_it_has_ended_and_its_key_is_free_again() {
    let host = TestHost::new().await;
    host.publish(ASKS).await;
    let with_key = || StartRequest { idempotency_key: Some("k".to_owned()), ..request(json!({})) };
    let id = within(host.try_start(with_key())).await.unwrap().summary.id;
    let refused = within(host.engine.purge(&ada(), id)).await.unwrap_err();
    assert_eq!((refused.code(), refused.to_string().contains("cancel it first")), ("STATE_CONFLICT", true));
    host.control(id, Control::Cancel { compensate: true }).await.unwrap();
    host.settle().await;
    within(host.engine.purge(&ada(), id)).await.unwrap();
    assert_eq!(host.store.ids(), []);
    let gone = within(host.engine.purge(&ada(), id)).await.unwrap_err();
    assert!(matches!(gone, EngineError::NotFound { .. }), "{gone}");
    let again = within(host.try_start(with_key())).await.unwrap();
    assert!(!again.existing && again.summary.id != id);
}

#[test]
fn no_time_at_all_is_no_retention() {
    let settings = Settings { retention: Retention::For(Duration::ZERO), ..Settings::default() };
    assert!(settings.validate().unwrap_err().contains("engine.retention"));
}

#[tokio::test]
async fn a_playbook_can_have_a_rule_of_its_own_and_its_current_version_tells() {
    let host = keeping(Retention::For(DAY * 9)).await;
    let steps = steps(&["calc/echo"]);
    let with = |rule: &str| steps.replacen("name: story\n", &format!("name: story\nretention: {rule}\n"), 1);
    host.publish(&with("1d")).await;
    let id = host.run(json!({ "v": 1 })).await.id;
    host.advance(DAY * 2).await;
    assert_eq!(host.status(id), None);
    host.publish(&with("forever")).await;
    let id = host.run(json!({ "v": 1 })).await.id;
    host.advance(DAY * 30).await;
    assert_eq!(host.status(id), Some(Status::Succeeded));
    host.publish(&with("10d")).await;
    host.settle().await;
    assert_eq!(host.status(id), None, "the new rule is heard at once");
}

#[tokio::test]
async fn the_first_rule_is_heard_by_a_host_that_kept_everything() {
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo"])).await;
    let id = host.run(json!({ "v": 1 })).await.id;
    host.advance(DAY).await;
    host.publish(&steps(&["calc/echo"]).replacen("name: story\n", "name: story\nretention: 1h\n", 1)).await;
    host.settle().await;
    assert_eq!(host.status(id), None);
}

/// How often each execution was made.
fn made(host: &TestHost) -> BTreeMap<ExecutionId, usize> {
    let mut made = BTreeMap::new();
    for written in host.store.written_after(0) {
        if let Written::Appended { id, events, .. } = written
            && matches!(events[0].fact, Fact::ExecutionStarted { .. })
        {
            *made.entry(id).or_default() += 1;
        }
    }
    made
}

#[tokio::test]
async fn a_child_stays_as_long_as_its_parent_may_ask_for_it_wherever_the_host_dies() {
    for last in 1.. {
        let mut host = keeping(Retention::For(Duration::from_mins(1))).await;
        host.publish("name: child\nsteps:\n  - { name: work, operation: mail/put }\n").await;
        host.publish("name: story\nsteps:\n  - { name: call, playbook: child }\n").await;
        host.crash_into(Life::new(last)).await;
        let engine = host.engine.clone();
        tokio::spawn(async move { engine.start(&ada(), &runtime(), request(json!({}))).await });
        host.settle().await;
        let died = host.life.is_over();
        host.life.kill();
        host.clock.advance(DAY);
        host.crash().await;
        // What is purged first is what nobody came back for yet.
        host.settle().await;
        let again: Vec<_> = made(&host).into_iter().filter(|(_, times)| *times > 1).collect();
        assert_eq!(again, [], "died at {last}");
        if !died {
            return assert!(last > 6, "there are places to die at, not {last}");
        }
    }
}

#[tokio::test]
async fn a_child_of_a_parent_that_is_paused_cannot_be_deleted() {
    let host = TestHost::new().await;
    host.publish("name: child\nsteps:\n  - { name: work, operation: mail/put }\n").await;
    host.publish("name: story\nsteps:\n  - { name: call, playbook: child }\n  - { name: ask, intervention: { prompt: Well? } }\n").await;
    let parent = host.start(json!({})).await;
    host.question(parent).await;
    let child = host.store.ids().into_iter().find(|id| *id != parent).unwrap();
    let refused = within(host.engine.purge(&ada(), child)).await.unwrap_err();
    assert!(refused.to_string().contains("parent"), "{refused}");
    host.answer(parent, json!("yes")).await.unwrap();
    host.until_status(parent, Status::Succeeded).await;
    within(host.engine.purge(&ada(), child)).await.unwrap();
}
