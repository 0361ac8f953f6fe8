//! Starting executions: keys, limits, and what cannot be started.

use std::collections::BTreeMap;

use orgata_engine::{EngineError, Settings, StartRequest};
use orgata_model::execution::Status;
use orgata_model::operation::EffectClass;
use serde_json::json;

use crate::durability::steps;
use crate::support::TestHost;
use crate::support::host::{ada, request, runtime, within};

fn keyed(key: &str, input: serde_json::Value) -> StartRequest {
    StartRequest { idempotency_key: Some(key.to_owned()), ..request(input) }
}

#[tokio::test]
async fn the_same_request_with_the_same_key_is_the_same_execution() {
    let mut host = TestHost::new().await;
    host.publish(&steps(&["mail/send"])).await;
    let first = within(host.try_start(keyed("k", json!({ "v": 1 })))).await.unwrap();
    assert!(!first.existing);
    host.until_status(first.summary.id, Status::Succeeded).await;
    for _ in 0..2 {
        let again = within(host.try_start(keyed("k", json!({ "v": 1 })))).await.unwrap();
        assert_eq!((again.existing, again.summary.id), (true, first.summary.id));
        host.crash().await;
    }
    assert_eq!(host.world.effects().len(), 1);
}

#[tokio::test]
async fn a_key_of_another_request_is_refused() {
    let host = TestHost::new().await;
    host.publish(&steps(&["mail/send"])).await;
    host.publish(&steps(&["mail/send"]).replace("name: story", "name: other")).await;
    within(host.try_start(keyed("k", json!({ "v": 1 })))).await.unwrap();
    let refused = within(host.try_start(keyed("k", json!({ "v": 2 })))).await.unwrap_err();
    assert!(matches!(refused, EngineError::KeyReused), "{refused}");
    let other = StartRequest { playbook: "other".parse().unwrap(), ..keyed("k", json!({ "v": 1 })) };
    assert!(matches!(within(host.try_start(other)).await.unwrap_err(), EngineError::KeyReused));
    for key in ["", &"k".repeat(300)] {
        assert_eq!(within(host.try_start(keyed(key, json!({})))).await.unwrap_err().code(), "BAD_REQUEST");
    }
}

#[tokio::test]
async fn many_at_once_with_one_key_start_one_execution() {
    for wait in [None, Some(std::time::Duration::from_secs(5))] {
        let host = TestHost::new().await;
        host.publish(&steps(&["calc/echo", "mail/send"])).await;
        let starts: Vec<_> = (0..20)
            .map(|_| {
                let engine = host.engine.clone();
                let request = StartRequest { wait, ..keyed("k", json!({ "v": 1 })) };
                tokio::spawn(async move { engine.start(&ada(), &runtime(), request).await })
            })
            .collect();
        let mut fresh = 0;
        let mut ids = std::collections::BTreeSet::new();
        for start in starts {
            let started = start.await.unwrap().unwrap();
            fresh += usize::from(!started.existing);
            ids.insert(started.summary.id);
        }
        host.settle().await;
        assert_eq!((fresh, ids.len(), host.store.ids().len(), host.world.effects().len()), (1, 1, 1, 1));
        assert_eq!(host.engine.active(), 0);
    }
}

#[tokio::test]
async fn more_than_there_is_room_for_is_refused_and_waiting_ones_take_no_room() {
    let host = TestHost::with(Settings { active_executions: 2, ..Settings::default() }).await;
    host.publish(&steps(&["mail/send"])).await;
    host.world.hold("mail/send");
    let first = host.start(json!({ "v": 1 })).await;
    let second = host.start(json!({ "v": 2 })).await;
    let refused = within(host.try_start(request(json!({ "v": 3 })))).await.unwrap_err();
    assert!(matches!(refused, EngineError::Overloaded { limit: 2, .. }), "{refused}");
    host.world.release("mail/send");
    host.until_status(first, Status::Succeeded).await;
    host.until_status(second, Status::Succeeded).await;
    host.publish("name: story\nsteps:\n  - { name: ask, intervention: { prompt: Well? } }\n").await;
    for _ in 0..20 {
        host.settle().await;
        host.start(json!({})).await;
    }
    host.settle().await;
    assert_eq!((host.store.open().len(), host.engine.active()), (20, 0));
}

#[tokio::test]
async fn a_caller_steers_what_waits_while_every_place_is_taken() {
    let host = TestHost::with(Settings { active_executions: 1, ..Settings::default() }).await;
    host.publish("name: story\nsteps:\n  - { name: ask, intervention: { prompt: Well? } }\n  - { name: a, operation: calc/echo }\n").await;
    let waiting = host.start(json!({})).await;
    let open = host.question(waiting).await;
    host.settle().await;
    host.publish(&steps(&["mail/send"])).await;
    host.world.hold("mail/send");
    let busy = host.start(json!({ "v": 1 })).await;
    host.settle().await;
    // The answer is taken; what follows waits for its turn.
    host.answer_to(&open, json!("yes")).await.unwrap();
    host.settle().await;
    assert_eq!((host.count(waiting, "intervention_resolved"), host.world.called("calc/echo")), (1, 0));
    host.world.release("mail/send");
    host.until_status(busy, Status::Succeeded).await;
    host.until_status(waiting, Status::Succeeded).await;
}

#[tokio::test]
async fn what_is_missing_is_told_all_at_once() {
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo", "nobody/home", "someone/else"])).await;
    let refused = within(host.try_start(request(json!({ "v": 1 })))).await.unwrap_err();
    assert_eq!(refused.code(), "OPERATION_MISSING");
    let told = refused.to_string();
    assert!(told.contains("nobody/home (load plugin `nobody`)"), "{told}");
    assert!(told.contains("someone/else (load plugin `someone`)"), "{told}");
    assert!(host.store.ids().is_empty());
}

#[tokio::test]
async fn what_a_plugin_will_never_have_is_told_when_the_playbook_is_published() {
    let host = TestHost::new().await;
    let refused =
        within(host.try_publish(&steps(&["calc/echo", "calc/nothing", "calc/naught"]))).await.unwrap_err();
    assert_eq!(refused.code(), "PLAYBOOK_INVALID");
    let told = refused.to_string();
    assert!(told.contains("calc/nothing") && told.contains("calc/naught"), "both at once: {told}");
}

#[tokio::test]
async fn what_is_not_there_is_named_beside_what_is() {
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo"])).await;
    let other = StartRequest { playbook: "storey".parse().unwrap(), ..request(json!({})) };
    let told = within(host.try_start(other)).await.unwrap_err();
    assert_eq!(told.to_string(), "there is no playbook `storey`; there are: story");
    let told =
        within(host.engine.start(&ada(), &"tset".parse().unwrap(), request(json!({})))).await.unwrap_err();
    assert_eq!(told.to_string(), "there is no runtime `tset`; there are: test");
}

#[tokio::test]
async fn an_input_that_does_not_fit_is_refused_with_its_places() {
    let host = TestHost::with(Settings { input_bytes: 1_000, ..Settings::default() }).await;
    let schema = "input: { type: object, properties: { v: { type: integer } }, required: [v] }\n";
    host.publish(&(schema.to_owned() + &steps(&["calc/echo"]))).await;
    let refused = within(host.try_start(request(json!({ "v": "x" })))).await.unwrap_err();
    let EngineError::Mismatch { what: "input", violations } = refused else { panic!("{refused}") };
    assert_eq!(violations[0].pointer, "/v");
    let large = json!({ "v": 1, "rest": "x".repeat(1_000) });
    assert_eq!(within(host.try_start(request(large))).await.unwrap_err().code(), "INPUT_INVALID");
    let labels = |text: &str| BTreeMap::from([("k".to_owned(), text.to_owned())]);
    for wrong in [labels(""), labels(&"x".repeat(201))] {
        let request = StartRequest { labels: wrong, ..request(json!({ "v": 1 })) };
        assert_eq!(within(host.try_start(request)).await.unwrap_err().code(), "BAD_REQUEST");
    }
    let request = StartRequest { labels: labels("x"), ..request(json!({ "v": 1 })) };
    assert_eq!(within(host.try_start(request)).await.unwrap().summary.labels, labels("x"));
}

#[tokio::test]
async fn every_plugin_of_a_playbook_is_pinned_at_the_start() {
    let host = TestHost::new().await;
    let calc = host.world.load("calc", 2, EffectClass::Pure, &[("echo", false)]);
    host.publish(&steps(&["calc/echo", "mail/send", "calc/echo"])).await;
    let summary = host.run(json!({ "v": 1 })).await;
    let pins: Vec<_> = summary.plugins.keys().map(|name| name.as_str()).collect();
    assert_eq!(pins, ["calc", "mail"]);
    assert_eq!(summary.plugins[&"calc".parse().unwrap()], calc);
}

#[tokio::test]
async fn publishing_at_once_leaves_memory_and_store_with_the_same_version() {
    let mut host = TestHost::new().await;
    let publish = |n: usize| {
        let engine = host.engine.clone();
        let source = format!("version: v{n}\n{}", steps(&["calc/echo"]));
        tokio::spawn(
            async move { engine.publish_playbook(&ada(), &runtime(), None, "story.yaml", source).await },
        )
    };
    let published: Vec<_> = (0..10).map(publish).collect();
    for one in published {
        one.await.unwrap().unwrap();
    }
    let before = host.engine.playbook(&ada(), &runtime(), &"story".parse().unwrap()).unwrap().digest;
    host.crash().await;
    assert_eq!(host.engine.playbook(&ada(), &runtime(), &"story".parse().unwrap()).unwrap().digest, before);
}
