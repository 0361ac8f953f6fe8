//! A store that is unavailable, slow, or answers that somebody else wrote.

use std::time::Duration;

use orgata_engine::{Control, EngineError, StartRequest, Way};
use orgata_model::execution::Status;
use serde_json::json;

use crate::durability::steps;
use crate::support::TestHost;
use crate::support::host::{ada, request};
use crate::support::within;

const ASKS: &str = "name: story\nsteps:\n  - { name: ask, intervention: { prompt: Well? } }\n  - { name: a, operation: mail/send }\n";

#[tokio::test]
async fn a_start_that_cannot_be_kept_is_refused_and_leaves_nothing() {
    for wait in [None, Some(Duration::from_secs(5))] {
        let host = TestHost::new().await;
        host.publish(&steps(&["calc/echo", "mail/send"])).await;
        host.store.unavailable(true);
        let refused =
            within(host.try_start(StartRequest { wait, ..request(json!({ "v": 1 })) })).await.unwrap_err();
        assert_eq!(refused.code(), "STORE_UNAVAILABLE");
        assert!(refused.to_string().contains("unplugged"), "{refused}");
        host.settle().await;
        host.store.unavailable(false);
        assert_eq!(
            (host.store.ids(), host.engine.active(), host.world.effects()),
            (Vec::new(), 0, Vec::new())
        );
    }
}

#[tokio::test]
async fn the_result_of_an_effect_outlives_an_outage() {
    let host = TestHost::new().await;
    host.publish(&steps(&["mail/send", "mail/put"])).await;
    host.world.hold("mail/send");
    let id = host.start(json!({ "v": 1 })).await;
    host.until(|| host.world.called("mail/send") == 1).await;
    host.store.unavailable(true);
    host.world.release("mail/send");
    for _ in 0..20 {
        host.advance(Duration::from_secs(5)).await;
    }
    assert_eq!((host.world.effects().len(), host.completed(id, "s0")), (1, 0));
    assert_eq!(host.world.called("mail/put"), 0, "the next effect waits for the store");
    host.store.unavailable(false);
    host.advance(Duration::from_secs(5)).await;
    assert_eq!(host.status(id), Some(Status::Succeeded));
    assert_eq!((host.world.called("mail/send"), host.world.effects().len()), (1, 2));
}

#[tokio::test]
async fn during_an_outage_callers_are_told_and_do_not_hang() {
    let host = TestHost::new().await;
    host.publish(&steps(&["mail/send", "mail/put"])).await;
    host.world.hold("mail/send");
    let id = host.start(json!({ "v": 1 })).await;
    host.until(|| host.world.called("mail/send") == 1).await;
    host.store.unavailable(true);
    host.world.release("mail/send");
    host.settle().await;
    let engine = host.engine.clone();
    let pause = tokio::spawn(async move { engine.control(&ada(), id, Control::Pause, None).await });
    host.advance(Duration::from_secs(5)).await;
    let refused = pause.await.unwrap().unwrap_err();
    assert_eq!(refused.code(), "STORE_UNAVAILABLE");
    host.store.unavailable(false);
    host.advance(Duration::from_secs(5)).await;
    assert_eq!(host.status(id), Some(Status::Succeeded));
}

#[tokio::test]
async fn an_answer_during_an_outage_is_refused_and_can_be_given_later() {
    let host = TestHost::new().await;
    host.publish(ASKS).await;
    let id = host.start(json!({})).await;
    let open = host.question(id).await;
    host.settle().await;
    host.store.unavailable(true);
    let refused = host.answer_to(&open, json!("yes")).await.unwrap_err();
    assert_eq!(refused.code(), "STORE_UNAVAILABLE");
    host.store.unavailable(false);
    host.answer_to(&open, json!("yes")).await.unwrap();
    host.until_status(id, Status::Succeeded).await;
}

#[tokio::test]
async fn a_host_that_cannot_read_its_store_does_not_open() {
    let mut host = TestHost::new().await;
    host.publish(ASKS).await;
    host.life.kill();
    host.store.unavailable(true);
    let refused = host.begin(crate::support::life::Life::new(0)).await.unwrap_err();
    assert!(matches!(refused, EngineError::Store(_)), "{refused}");
}

#[tokio::test]
async fn recovery_outlives_an_outage() {
    let mut host = TestHost::new().await;
    host.publish(&steps(&["calc/echo", "mail/put"])).await;
    host.world.hold("mail/put");
    let ids = [host.start(json!({ "v": 1 })).await, host.start(json!({ "v": 2 })).await];
    host.until(|| host.world.called("mail/put") == 2).await;
    host.crash().await;
    host.world.release("mail/put");
    // The store went away just after the host had opened, and stays away for long.
    host.store.unavailable(true);
    for _ in 0..30 {
        host.advance(Duration::from_secs(5)).await;
    }
    host.store.unavailable(false);
    host.advance(Duration::from_secs(5)).await;
    host.advance(Duration::from_secs(5)).await;
    for id in ids {
        assert_eq!(host.status(id), Some(Status::Succeeded), "{:?}", host.journal(id));
    }
}

#[tokio::test]
async fn a_timer_that_comes_due_during_an_outage_is_kept() {
    let host = TestHost::new().await;
    host.publish("name: story\nsteps:\n  - { name: ask, intervention: { prompt: Well?, timeout: { after: 1h, answer: no } } }\n").await;
    let id = host.start(json!({})).await;
    host.settle().await;
    host.store.unavailable(true);
    host.advance(Duration::from_secs(3_600)).await;
    for _ in 0..30 {
        host.advance(Duration::from_secs(5)).await;
    }
    host.store.unavailable(false);
    for _ in 0..20 {
        host.advance(Duration::from_secs(5)).await;
    }
    assert_eq!(host.status(id), Some(Status::Succeeded));
}

#[tokio::test]
async fn a_writer_that_was_overtaken_leaves_and_tells_its_callers() {
    let mut host = TestHost::new().await;
    host.publish(ASKS).await;
    let id = host.start(json!({})).await;
    let open = host.question(id).await;
    host.settle().await;
    // Another host on the same store goes on with it: what this one remembers is old.
    let overtaken = host.engine.clone();
    host.store.hold();
    let late = {
        let (engine, open) = (overtaken.clone(), open.clone());
        tokio::spawn(async move {
            let answer =
                orgata_engine::AnswerRequest { response: json!("late"), notes: None, way: Way::Direct };
            engine.answer(&ada(), open.execution, open.intervention.id, answer).await
        })
    };
    host.settle().await;
    host.begin(crate::support::life::Life::new(0)).await.unwrap();
    let early = {
        let (engine, open) = (host.engine.clone(), open.clone());
        tokio::spawn(async move {
            let answer =
                orgata_engine::AnswerRequest { response: json!("early"), notes: None, way: Way::Direct };
            engine.answer(&ada(), open.execution, open.intervention.id, answer).await
        })
    };
    host.settle().await;
    host.store.release();
    host.settle().await;
    let told = [late.await.unwrap(), early.await.unwrap()];
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 1, "{told:?}");
    assert!(
        told.iter().any(|told| matches!(told, Err(error) if error.code() == "STATE_CONFLICT")),
        "{told:?}"
    );
    assert_eq!(host.count(id, "intervention_resolved"), 1);
    assert_eq!(host.world.effects().len(), 1);
}

#[tokio::test]
async fn a_slow_store_slows_and_breaks_nothing() {
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo", "mail/send", "calc/echo", "mail/send"])).await;
    let id = host.start(json!({ "v": 1 })).await;
    for _ in 0..6 {
        host.store.hold();
        host.settle().await;
        host.store.release();
        host.settle().await;
    }
    assert_eq!((host.status(id), host.world.effects().len()), (Some(Status::Succeeded), 2));
}

const PARENT: &str = "
name: story
steps:
  - { name: first, operation: look/see }
  - { name: it, playbook: child, params: {} }
  - { name: after, operation: calc/echo, params: { v: 1 } }
";
const CHILD: &str = "name: child\nsteps:\n  - { name: work, operation: calc/echo, params: { v: 1 } }\n";

#[tokio::test]
async fn a_child_that_the_store_cannot_keep_now_is_made_later() {
    let host = TestHost::new().await;
    host.publish(CHILD).await;
    host.publish(PARENT).await;
    host.world.hold("look/see");
    let id = host.start(json!({})).await;
    host.until(|| host.world.called("look/see") == 1).await;
    host.store.refuse_starts(2);
    host.world.release("look/see");
    host.advance(Duration::from_millis(50)).await;
    host.advance(Duration::from_millis(100)).await;
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(host.count(id, "step_failed"), 0);
}
