//! More work than there is room for: refused clearly, and never at the cost of what was accepted.

use std::fs;

use futures_util::future::join_all;
use orgata_tests::matchers::{asked, completed};
use orgata_tests::{TestHost, Witness, patience};
use serde_json::{Value, json};

use crate::{EXECUTIONS, calling, id_of, shop};

fn places(count: usize) -> Value {
    json!({ "engine": { "activeExecutions": count } })
}

#[tokio::test]
async fn what_is_too_much_is_refused_with_a_time_to_come_back() {
    let witness = Witness::start().await;
    let host = shop(&witness, places(2)).start().await;
    // Those that wait take no place.
    let mut waiting = Vec::new();
    for _ in 0..5 {
        let handle =
            host.post(&format!("{EXECUTIONS}?wait=20s"), json!({ "playbookName": "ask" })).await.is(202);
        waiting.push(id_of(&handle));
    }
    let busy = [calling(&host, &witness).await, calling(&host, &witness).await];
    for _ in 0..3 {
        let reply = host.try_begin("ask", json!({})).await;
        assert_eq!(reply.header("retry-after"), "1");
        let error = reply.refused(429, "OVERLOADED");
        assert_eq!(error["details"]["limit"], 2, "{error}");
        assert!(
            error["message"].as_str().unwrap().contains("try again later"),
            "what to do is told: {error}"
        );
    }
    // What is refused was never there; looking and steering goes on.
    let list = host.get("/api/v1/executions").await.is(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 7);
    host.control(&busy[0], "cancel", "making room").await.is(200);
    // Whoever comes back finds room, as soon as it is free.
    let admitted = patience::until(async || {
        let reply = host.try_begin("ask", json!({})).await;
        (reply.status != 429).then_some(reply)
    });
    admitted.await.expect("a place that was freed is given away").is(202);
    assert_eq!(host.status(&busy[1]).await["status"], "running", "at nobody's cost");
    witness.release("/first");
    host.until(&busy[1], completed()).await;
}

#[tokio::test]
async fn a_key_that_was_accepted_is_not_refused_when_there_is_no_room() {
    let witness = Witness::start().await;
    let host = shop(&witness, places(1)).start().await;
    witness.hold("/first");
    let body =
        json!({ "playbookName": "calls", "input": { "shop": witness.url("") }, "idempotencyKey": "k" });
    let first = host.post(EXECUTIONS, body.clone()).await.is(202);
    witness.until("/first", 1).await;
    host.try_begin("ask", json!({})).await.refused(429, "OVERLOADED");
    assert_eq!(host.post(EXECUTIONS, body).await.is(200)["executionId"], first["executionId"]);
    witness.release("/first");
    host.until(&id_of(&first), completed()).await;
}

#[tokio::test]
async fn answers_and_cancellations_are_taken_even_when_there_is_no_room_to_act_on_them() {
    let witness = Witness::start().await;
    let host = shop(&witness, places(1)).start().await;
    let mut questions = Vec::new();
    for _ in 0..3 {
        let id = host.begin("decide", json!({})).await;
        questions.push((id.clone(), host.until(&id, asked("choose")).await));
    }
    let busy = calling(&host, &witness).await;
    for (id, question) in &questions {
        host.answer(id, question, json!("yea")).await.accepted();
    }
    // What was answered waits for its turn, and can still be steered.
    let (first, _) = &questions[0];
    assert_eq!(host.status(first).await["status"], "running");
    assert_eq!(host.control(first, "cancel", "").await.is(200)["status"], "cancelled");
    assert_eq!(host.status(&busy).await["currentStep"], "first", "nobody was in its way");
    witness.release("/first");
    for (id, _) in &questions[1..] {
        assert_eq!(host.until(id, completed()).await, json!({ "it": "yea" }));
    }
    host.until(&busy, completed()).await;
}

#[tokio::test]
async fn a_host_with_fewer_places_brings_everything_back_in_turn() {
    let witness = Witness::start().await;
    let host = shop(&witness, places(12)).start().await;
    let mut ids = Vec::new();
    for _ in 0..12 {
        ids.push(calling(&host, &witness).await);
    }
    let stopped = host.kill();
    let file = stopped.folder().join("orgata.yaml");
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    config["engine"]["activeExecutions"] = json!(2);
    fs::write(&file, config.to_string()).unwrap();
    witness.release("/first");

    let host = stopped.start().await;
    // Each was cut off in the middle of an effect: each asks, and is answered.
    join_all(ids.iter().map(|id| settle(&host, id))).await;
    assert_eq!(witness.seen("/first").len(), 12, "nobody called again");
    assert_eq!(witness.keys("/second").len(), 12);
}

async fn settle(host: &TestHost, id: &orgata_tests::ExecutionId) {
    let question = host.until(id, asked("first")).await;
    let result = json!({
        "status": 200, "headers": {}, "body": "", "base64": false, "truncated": false, "json": { "ok": true },
    });
    let done = json!({ "decision": "complete", "result": result });
    host.answer(id, &question, done).await.accepted();
    host.until(id, completed()).await;
}
