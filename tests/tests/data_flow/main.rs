//! The data flow, word for word: what a frontend sends, what it hears, in which order.
//!
//! The first story is the one that the interface was designed after; its bodies and event names must not
//! change. `joining` is about subscribers that come late, `examples` about the other playbooks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod examples;
mod joining;

use orgata_tests::matchers::{asked, completed, step_completed};
use orgata_tests::{Event, ExecutionId, TestHost};
use serde_json::{Value, json};

#[tokio::test]
async fn the_first_data_flow_holds_word_for_word() {
    let host = TestHost::kitchen().await;
    // A frontend that listens before it asks for anything.
    let mut socket = host.socket().await;
    socket.follow_runtime("kitchen-v1").await;

    let request = json!({ "playbookName": "pbj-sandwich", "input": { "sandwichType": "classic" } });
    let handle = host.post("/api/v1/runtimes/kitchen-v1/executions", request).await.is(202);
    assert_eq!(handle["runtimeId"], "kitchen-v1");
    assert_eq!(handle["playbookName"], "pbj-sandwich");
    let id = ExecutionId(handle["executionId"].as_str().unwrap().to_owned());
    assert!(id.0.starts_with("exec_"), "{id}");

    socket.follow(&id, Some(0)).await;
    socket.until(&id, step_completed("gather-ingredients")).await;
    let gathered = told(&socket.frames(), &id, "step_completed");
    assert_eq!(gathered["step"], "gather-ingredients");
    assert_eq!(gathered["data"]["ingredients"], json!(["bread", "peanut-butter", "jelly"]));

    let question = socket.until(&id, asked("choose-jelly")).await;
    let asked = told(&socket.frames(), &id, "intervention_required");
    let shown = json!({
        "id": question.id,
        "type": asked["intervention"]["type"],
        "prompt": asked["intervention"]["prompt"],
        "options": asked["intervention"]["options"],
    });
    let wanted = json!({
        "id": question.id,
        "type": "human_decision",
        "prompt": "Which jelly flavor?",
        "options": ["grape", "strawberry", "apricot"],
    });
    assert_eq!(shown, wanted);
    assert_eq!(pending(&host, &id).await, [question.id.as_str()]);

    let answer = json!({ "response": { "jelly_flavor": "grape" }, "notes": "Customer preference" });
    let path = format!("/api/v1/executions/{id}/interventions/{}", question.id);
    host.post(&path, answer).await.is(200);
    assert_eq!(pending(&host, &id).await, [] as [&str; 0]);

    let output = socket.until(&id, completed()).await;
    assert_eq!(output["sandwich"]["filling"], json!(["peanut-butter", "grape jelly"]));
    let resolved = told(&socket.frames(), &id, "intervention_resolved");
    assert_eq!(resolved["response"], json!({ "jelly_flavor": "grape" }));
    assert_eq!(resolved["notes"], "Customer preference");

    // One history, whoever tells it: the subscription of the execution, that of its runtime, the store.
    socket
        .find("the end of the subscription", |frame| {
            (frame["type"] == "unsubscribed" && frame["reason"] == "ended").then_some(())
        })
        .await;
    let history = host.history(&id).await;
    assert_eq!(socket.events(&id), history);
    assert_eq!(heard_in_runtime(&socket.frames(), &id), history);
    assert!(history.iter().map(|event| event.seq).eq(1..=history.len() as u64));
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

#[tokio::test]
async fn an_operation_asks_a_person_by_itself_and_goes_on_with_the_answer() {
    let host = TestHost::kitchen().await;
    let id = host.begin("pbj-sandwich", json!({ "sandwichType": "deluxe" })).await;
    let jelly = host.until(&id, asked("choose-jelly")).await;
    host.answer(&id, &jelly, json!({ "jelly_flavor": "apricot" })).await.accepted();
    let cut = host.until(&id, asked("assemble")).await;
    assert_eq!(cut.prompt, "Cut it diagonally or straight?");
    assert_eq!(cut.options, ["diagonally", "straight"]);

    // The operation said what an answer looks like, and another leaves the question open.
    let refusal = host.answer(&id, &cut, json!({ "cut": "in stars" })).await;
    let error = refusal.refused(422, "RESPONSE_INVALID");
    assert_eq!(error["details"]["violations"][0]["pointer"], "/cut", "{error}");
    assert_eq!(pending(&host, &id).await, [cut.id.as_str()]);

    // What the operation needs to go on is in the store, and nowhere else.
    let host = host.kill_and_restart().await;
    host.answer(&id, &cut, json!({ "cut": "diagonally" })).await.accepted();
    let output = host.until(&id, completed()).await;
    assert_eq!(
        output,
        json!({
            "sandwich": { "bread": "brioche", "filling": ["peanut-butter", "apricot jelly"], "cut": "diagonally" },
            "pieces": 2,
        })
    );

    let late = host.answer(&id, &cut, json!({ "cut": "straight" })).await;
    let error = late.refused(409, "INTERVENTION_ANSWERED");
    assert_eq!(error["details"]["response"], json!({ "cut": "diagonally" }));
    let journal = host.journal(&id).await;
    let asking = journal.find("step_started assemble").map(|at| &journal[at..]).unwrap();
    insta::assert_snapshot!(asking, @r"
    step_started assemble
    intervention_required assemble
    intervention_resolved assemble
    step_resumed assemble
    step_completed assemble
    execution_completed
    ");
}

#[tokio::test]
async fn a_runtime_is_heard_alone() {
    let setup = orgata_tests::HostSetup::kitchen().runtime("kitchen-v2", json!({}));
    let host = setup.start().await;
    let mut first = host.socket().await;
    first.follow_runtime("kitchen-v1").await;
    let mut second = host.socket().await;
    second.follow_runtime("kitchen-v2").await;

    let own = host.begin("pbj-sandwich", json!({ "sandwichType": "classic" })).await;
    let request = json!({ "playbookName": "pbj-sandwich", "input": { "sandwichType": "deluxe" } });
    let other = host.post("/api/v1/runtimes/kitchen-v2/executions", request).await.is(202);
    let other = ExecutionId(other["executionId"].as_str().unwrap().to_owned());

    for (socket, heard, unheard) in [(&mut first, &own, &other), (&mut second, &other, &own)] {
        let asks =
            |frame: &Value| (frame["event"]["type"] == "intervention_required").then(|| frame["seq"].clone());
        socket.find("the question", asks).await;
        assert_eq!(heard_in_runtime(&socket.frames(), heard), host.history(heard).await);
        assert_eq!(heard_in_runtime(&socket.frames(), unheard), []);
    }
}

/// The last event of this type that the frames tell of an execution.
fn told(frames: &[Value], id: &ExecutionId, kind: &str) -> Value {
    let own = |frame: &&Value| {
        frame["type"] == "execution_event"
            && frame["executionId"] == id.0.as_str()
            && frame["event"]["type"] == kind
    };
    let frame = frames.iter().rfind(own).unwrap_or_else(|| panic!("no {kind} in {frames:#?}"));
    frame["event"].clone()
}

/// What the subscription of a runtime told of one of its executions.
fn heard_in_runtime(frames: &[Value], id: &ExecutionId) -> Vec<Event> {
    let own = frames
        .iter()
        .filter(|frame| frame["type"] == "runtime_event" && frame["executionId"] == id.0.as_str());
    own.filter_map(Event::read).collect()
}

/// The ids of an execution's open questions.
async fn pending(host: &TestHost, id: &ExecutionId) -> Vec<String> {
    let list = host.get(&format!("/api/v1/executions/{id}/interventions")).await.is(200);
    let items = list["items"].as_array().expect("a list has items");
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}
