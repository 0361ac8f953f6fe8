//! The first story: a frontend orders a sandwich, watches it being made, and is asked for the jelly.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

use orgata_tests::TestHost;
use orgata_tests::matchers::{asked, completed, step_completed};
use serde_json::json;

#[tokio::test]
async fn a_frontend_orders_a_sandwich_and_is_asked_for_the_jelly() {
    let host = TestHost::kitchen().await;

    let accepted = host.try_begin("pbj-sandwich", json!({ "sandwichType": "classic" })).await;
    let location = accepted.header("location").to_owned();
    let handle = accepted.is(202);
    let id = orgata_tests::ExecutionId(handle["executionId"].as_str().unwrap().to_owned());
    assert!(location.ends_with(&format!("/executions/{id}")), "{location}");

    let mut socket = host.socket().await;
    socket.subscribe(&id).await;
    let gathered = socket.until(&id, step_completed("gather-ingredients")).await;
    assert_eq!(gathered["ingredients"], json!(["bread", "peanut-butter", "jelly"]));

    let question = socket.until(&id, asked("choose-jelly")).await;
    assert_eq!(question.kind, "human_decision");
    assert_eq!(question.prompt, "Which jelly flavor?");
    assert_eq!(question.options, ["grape", "strawberry", "apricot"]);
    assert_eq!(host.status(&id).await["status"], "waiting");

    let answer = json!({ "response": { "jelly_flavor": "grape" }, "notes": "Customer preference" });
    host.answer_with(&id, &question, answer).await.accepted();

    let output = socket.until(&id, completed()).await;
    assert!(output["sandwich"].to_string().contains("grape"), "{output}");
    assert_eq!(host.status(&id).await["status"], "succeeded");
    assert_eq!(socket.events(&id), host.history(&id).await, "the socket tells what the history keeps");
    host.stop().await;
}

#[tokio::test]
async fn an_open_question_survives_a_power_cut() {
    let host = TestHost::kitchen().await;
    let id = host.begin("pbj-sandwich", json!({ "sandwichType": "classic" })).await;
    let question = host.until(&id, asked("choose-jelly")).await;

    let host = host.kill_and_restart().await;
    host.answer(&id, &question, json!({ "jelly_flavor": "grape" })).await.accepted();
    host.until(&id, completed()).await;

    insta::assert_snapshot!(host.journal(&id).await, @r"
    execution_started
    step_started gather-ingredients
    step_completed gather-ingredients
    intervention_required choose-jelly
    intervention_resolved choose-jelly
    step_completed choose-jelly
    step_started spread
    step_completed spread
    step_started assemble
    step_completed assemble
    execution_completed
    ");
}
