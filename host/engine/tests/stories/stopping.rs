//! Stopping in good order, and what the next start finds.

use std::time::Duration;

use orgata_engine::{Control, EngineError, StartRequest};
use orgata_model::execution::Status;
use serde_json::json;

use crate::durability::steps;
use crate::support::host::{ada, request, runtime, within};
use crate::support::life::Life;
use crate::support::{Scripted, TestHost};

#[tokio::test]
async fn what_runs_may_end_and_what_follows_waits_for_the_next_start() {
    let mut host = TestHost::new().await;
    host.publish(&steps(&["mail/send", "mail/put"])).await;
    host.world.hold("mail/send");
    let id = host.start(json!({ "v": 1 })).await;
    host.until(|| host.world.called("mail/send") == 1).await;
    let engine = host.engine.clone();
    let stop = tokio::spawn(async move { engine.stop().await });
    host.settle().await;
    let refused = within(host.try_start(request(json!({ "v": 2 })))).await.unwrap_err();
    assert!(matches!(refused, EngineError::Draining));
    assert!(matches!(
        host.control(id, Control::Cancel { compensate: true }).await.unwrap_err(),
        EngineError::Draining
    ));
    host.world.release("mail/send");
    assert!(stop.await.unwrap(), "everything finished in time");
    assert_eq!((host.completed(id, "s0"), host.world.called("mail/put")), (1, 0));
    host.begin(Life::new(0)).await.unwrap();
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(host.world.effects().len(), 2);
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut_off_and_asked_about() {
    let mut host = TestHost::new().await;
    host.publish(&steps(&["mail/send"])).await;
    host.world.script("mail/send", [Scripted::Hang]);
    let id = host.start(json!({ "v": 1 })).await;
    host.until(|| host.world.called("mail/send") == 1).await;
    let engine = host.engine.clone();
    let stop = tokio::spawn(async move { engine.stop().await });
    host.advance(Duration::from_secs(10)).await;
    assert!(!stop.await.unwrap());
    assert_eq!((host.world.dropped(), host.engine.active()), (1, 0));
    host.begin(Life::new(0)).await.unwrap();
    assert!(crate::support::host::is_interrupted(&host.question(id).await));
}

#[tokio::test]
async fn a_caller_that_waits_when_the_host_stops_is_told_what_is_durable() {
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo", "calc/ask", "calc/echo"])).await;
    host.world.hold("calc/ask");
    let engine = host.engine.clone();
    let wait = Some(Duration::from_secs(60));
    let start = tokio::spawn(async move {
        engine.start(&ada(), &runtime(), StartRequest { wait, ..request(json!({ "v": 1 })) }).await
    });
    host.until(|| host.world.called("calc/ask") == 1).await;
    let engine = host.engine.clone();
    let stop = tokio::spawn(async move { engine.stop().await });
    host.settle().await;
    host.world.release("calc/ask");
    let summary = start.await.unwrap().unwrap().summary;
    assert!(stop.await.unwrap());
    assert_eq!((summary.status, host.summary(summary.id).version), (Status::Running, summary.version));
}

#[tokio::test]
async fn an_engine_that_was_stopped_leaves_no_task_behind() {
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo"])).await;
    host.run(json!({ "v": 1 })).await;
    assert!(within(host.engine.stop()).await);
    host.settle().await;
    assert_eq!(host.clock.sleepers(), 0, "nobody waits for a time any more");
}

#[tokio::test]
async fn a_store_that_is_busy_while_the_host_stops_is_tried_again() {
    let mut host = TestHost::new().await;
    host.publish(&steps(&["mail/send"])).await;
    host.world.hold("mail/send");
    let id = host.start(json!({ "v": 1 })).await;
    host.until(|| host.world.called("mail/send") == 1).await;
    host.store.refuse_next(3);
    let engine = host.engine.clone();
    let stop = tokio::spawn(async move { engine.stop().await });
    host.settle().await;
    host.world.release("mail/send");
    for _ in 0..10 {
        host.advance(Duration::from_millis(200)).await;
    }
    assert!(stop.await.unwrap());
    assert_eq!(host.completed(id, "s0"), 1, "the result of the effect is kept");
    host.begin(Life::new(0)).await.unwrap();
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(host.world.called("mail/send"), 1);
}
