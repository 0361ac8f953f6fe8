//! Histories, taken out of one host and into another.

use orgata_engine::{Control, EngineError, ImportRequest};
use orgata_model::ExecutionId;
use orgata_model::execution::{Event, Fact, Status, Summary};
use serde_json::json;

use crate::durability::steps;
use crate::support::host::ada;
use crate::support::{TestHost, within};

const ASKS: &str = "name: story\nsteps:\n  - { name: ask, intervention: { prompt: Well? } }\n";

/// What one host gives.
async fn export(host: &TestHost, id: ExecutionId) -> (ImportRequest, Vec<Event>) {
    let mut export = within(host.engine.export(&ada(), id)).await.unwrap();
    let mut events = Vec::new();
    while let Some(event) = within(export.next()).await.unwrap() {
        events.push(event);
    }
    let summary = &export.execution.summary;
    let request = ImportRequest {
        execution: id,
        runtime: summary.runtime.clone(),
        playbook: (summary.playbook.digest, export.source.to_string()),
        idempotency_key: export.execution.idempotency_key.clone(),
        events: summary.version,
    };
    (request, events)
}

/// What another makes of it.
async fn import(host: &TestHost, request: ImportRequest, events: Vec<Event>) -> Result<Summary, EngineError> {
    let mut import = within(host.engine.import(&ada(), request)).await?;
    for event in events {
        import.take(event)?;
    }
    within(import.finish()).await
}

#[tokio::test]
async fn an_execution_that_has_ended_is_the_same_elsewhere() {
    let (here, there) = (TestHost::new().await, TestHost::new().await);
    here.publish(&steps(&["calc/echo", "mail/send"])).await;
    let id = here.run(json!({ "v": 1 })).await.id;
    let (request, events) = export(&here, id).await;
    assert_eq!(events, here.history(id));
    let summary = import(&there, request, events).await.unwrap();
    assert_eq!(summary, here.summary(id));
    assert_eq!(there.history(id), here.history(id));
    // There is nobody who publishes its playbook, and its state can be had all the same.
    assert_eq!(within(there.engine.state(&ada(), id)).await.unwrap().status(), Status::Succeeded);
    there.settle().await;
    assert_eq!(there.world.effects(), [], "nothing runs again");
}

#[tokio::test]
async fn one_that_has_not_ended_comes_in_paused_and_goes_on_when_it_is_resumed() {
    let here = TestHost::new().await;
    let mut there = TestHost::new().await;
    here.publish(ASKS).await;
    let id = here.start(json!({})).await;
    here.question(id).await;
    let (request, events) = export(&here, id).await;
    assert_eq!(import(&there, request, events).await.unwrap().status, Status::Paused);
    let last = there.history(id).pop().unwrap();
    assert_eq!(&*last.actor, "ada");
    assert!(
        matches!(last.fact, Fact::ExecutionPaused { reason: Some(reason) } if reason.contains("imported"))
    );
    there.crash().await;
    there.settle().await;
    assert_eq!(there.status(id), Some(Status::Paused));
    there.answer(id, json!("yes")).await.unwrap();
    there.control(id, Control::Resume).await.unwrap();
    there.until_status(id, Status::Succeeded).await;
}

#[tokio::test]
async fn one_that_was_paused_stays_as_it_is() {
    let (here, there) = (TestHost::new().await, TestHost::new().await);
    here.publish(ASKS).await;
    let id = here.start(json!({})).await;
    here.question(id).await;
    here.control(id, Control::Pause).await.unwrap();
    let (request, events) = export(&here, id).await;
    import(&there, request, events).await.unwrap();
    assert_eq!(there.history(id), here.history(id));
}

#[tokio::test]
async fn without_its_plugins_one_that_has_not_ended_is_refused() {
    let (here, there) = (TestHost::new().await, TestHost::new().await);
    here.world.load_all(2);
    here.publish(&steps(&["mail/send"])).await;
    here.world.hold("mail/send");
    let id = here.start(json!({ "v": 1 })).await;
    here.until(|| here.world.called("mail/send") == 1).await;
    let (request, events) = export(&here, id).await;
    let refused = import(&there, request, events).await.unwrap_err();
    assert_eq!(refused.code(), "OPERATION_MISSING");
    assert!(refused.to_string().contains("load its version sha256:"), "{refused}");
    assert_eq!(there.store.ids(), []);
}

#[tokio::test]
async fn a_history_that_cannot_be_is_refused_with_the_event_at_fault() {
    let (here, there) = (TestHost::new().await, TestHost::new().await);
    here.publish(&steps(&["calc/echo", "calc/echo"])).await;
    let id = here.run(json!({ "v": 1 })).await.id;
    let (request, events) = export(&here, id).await;
    let count = events.len();

    let mut gap = events.clone();
    gap.remove(2);
    let mut swapped = events.clone();
    swapped[3].fact = swapped[2].fact.clone();
    let mut after_the_end = events.clone();
    after_the_end.push(Event { seq: count as u64 + 1, ..events[1].clone() });
    let mut headless = events.clone();
    headless.remove(0);
    for (history, seq) in
        [(gap, Some(4)), (swapped, Some(4)), (after_the_end, Some(count as u64 + 1)), (headless, Some(2))]
    {
        let Err(EngineError::BadHistory(fault)) = import(&there, request.clone(), history).await else {
            panic!("taken");
        };
        assert_eq!(fault.seq, seq, "{fault}");
    }
    let cut = events[..count - 1].to_vec();
    let Err(EngineError::BadHistory(fault)) = import(&there, request.clone(), cut).await else {
        panic!("taken");
    };
    assert!(fault.seq.is_none() && fault.to_string().contains("a part is missing"), "{fault}");

    let mut forged = request.clone();
    forged.playbook.1.push_str("\n# and more");
    let refused = import(&there, forged, events.clone()).await.unwrap_err();
    assert!(refused.to_string().contains("digest"), "{refused}");
    assert_eq!(there.store.ids(), [], "nothing of it is kept");
    import(&there, request, events).await.unwrap();
}

#[tokio::test]
async fn one_that_exists_is_a_conflict_and_another_runtime_is_told() {
    let here = TestHost::new().await;
    here.publish(&steps(&["calc/echo"])).await;
    let id = here.run(json!({ "v": 1 })).await.id;
    let (request, events) = export(&here, id).await;
    let refused = import(&here, request.clone(), events.clone()).await.unwrap_err();
    assert_eq!(refused.code(), "ALREADY_EXISTS");

    let there = TestHost::new().await;
    let elsewhere = ImportRequest { runtime: "elsewhere".parse().unwrap(), ..request.clone() };
    assert_eq!(import(&there, elsewhere, events.clone()).await.unwrap_err().code(), "RUNTIME_NOT_FOUND");
    let mut moved = events;
    if let Fact::ExecutionStarted { runtime, .. } = &mut moved[0].fact {
        *runtime = "elsewhere".parse().unwrap();
    }
    let refused = import(&there, request, moved).await.unwrap_err();
    assert!(refused.to_string().contains("import it into that one"), "{refused}");
}
