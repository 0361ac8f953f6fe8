//! Where a person must decide: questions of playbooks and of operations, the inbox, answers, deadlines.
//!
//! Not here: answers that are wrong (`bad_input`), controls (`controls`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod deadlines;
mod inbox;
mod several;

use orgata_tests::matchers::{asked, completed, event, step_completed, step_event};
use orgata_tests::{HostSetup, TestHost};
use serde_json::json;

/// Three kinds of questions, each to another role. `bench/noop` gives back what it is given.
const REVIEW: &str = r#"
name: review
input:
  type: object
  properties: { title: { type: string } }
  required: [title]
roles: [editor, boss, customer]
steps:
  - name: draft
    operation: bench/noop
    params: { title: $input.title, words: 120 }
  - name: flavor
    role: customer
    intervention:
      prompt: "Which flavor for {{ input.title }}?"
      options: [sweet, salty]
  - name: edit
    role: editor
    intervention:
      type: data_entry
      prompt: Write it.
      context: { draft: $steps.draft.result }
      response:
        type: object
        properties: { text: { type: string, minLength: 3 } }
        required: [text]
  - name: approve
    role: boss
    intervention: { type: approval, prompt: "Print {{ steps.edit.result.text }}?" }
output:
  flavor: $steps.flavor.result.taste
  decision: $steps.approve.result.decision
  why: $steps.approve.result.reason
"#;

async fn desk() -> TestHost {
    let setup = HostSetup::new().plugin("bench").playbook("review", REVIEW);
    setup.runtime("desk", json!({ "roles": { "boss": { "description": "Decides." } } })).start().await
}

#[tokio::test]
async fn a_question_says_all_that_a_person_and_a_form_need() {
    let host = desk().await;
    let id = host.begin("review", json!({ "title": "Jam" })).await;

    let flavor = host.until(&id, asked("flavor")).await;
    assert_eq!(flavor.prompt, "Which flavor for Jam?");
    assert_eq!(flavor.options, ["sweet", "salty"]);
    // Nobody wrote this schema: it follows from the options and from what the output reads.
    let form = json!({
        "type": "object", "properties": { "taste": { "enum": ["sweet", "salty"] } }, "required": ["taste"],
    });
    assert_eq!(flavor.body["responseSchema"], form);
    host.answer(&id, &flavor, json!("sweet")).await.refused(422, "RESPONSE_INVALID");
    host.answer(&id, &flavor, json!({ "taste": "sweet" })).await.accepted();

    let edit = host.until(&id, asked("edit")).await;
    assert_eq!((edit.kind.as_str(), edit.options.len()), ("data_entry", 0));
    assert_eq!(edit.body["context"], json!({ "draft": { "title": "Jam", "words": 120 } }));
    assert_eq!(edit.body["assigneeRole"], "editor");
    host.answer(&id, &edit, json!({ "text": "Jam!" })).await.accepted();

    let approve = host.until(&id, asked("approve")).await;
    assert_eq!(approve.prompt, "Print Jam!?");
    assert_eq!(approve.options, ["approve", "reject"]);
    let body = json!({ "response": { "decision": "approve", "reason": "tasty" }, "notes": "on the phone" });
    let answered = host.answer_with(&id, &approve, body).await.is(200);
    assert_eq!(answered["interventionId"], approve.id.as_str());
    assert_eq!(answered["executionId"], id.0.as_str());
    assert_eq!((&answered["status"], &answered["answeredBy"]), (&json!("answered"), &json!("local")));

    let output = host.until(&id, completed()).await;
    assert_eq!(output, json!({ "flavor": "sweet", "decision": "approve", "why": "tasty" }));
    let resolved = host.until(&id, step_event("intervention_resolved", "approve")).await.body;
    assert_eq!((&resolved["actor"], &resolved["notes"]), (&json!("local"), &json!("on the phone")));
    assert_eq!(resolved["response"]["decision"], "approve");
}

#[tokio::test]
async fn forms_can_be_built_before_anything_is_asked() {
    let host = desk().await;
    let schema = host.get("/api/v1/runtimes/desk/playbooks/review/schema").await.is(200);
    assert_eq!(schema["inputSchema"]["required"], json!(["title"]), "{schema}");
    let asks = schema["interventions"].as_array().unwrap();
    let steps: Vec<&str> = asks.iter().filter_map(|ask| ask["step"].as_str()).collect();
    assert_eq!(steps, ["flavor", "edit", "approve"]);
    let id = host.begin("review", json!({ "title": "Jam" })).await;
    let flavor = host.until(&id, asked("flavor")).await;
    assert_eq!(asks[0]["responseSchema"], flavor.body["responseSchema"]);
}

#[tokio::test]
async fn an_operation_that_asks_goes_on_with_the_answer_after_a_restart() {
    let host = TestHost::kitchen().await;
    let id = host.begin("pbj-sandwich", json!({ "sandwichType": "deluxe" })).await;
    let jelly = host.until(&id, asked("choose-jelly")).await;
    host.answer(&id, &jelly, json!({ "jelly_flavor": "apricot" })).await.accepted();
    let cut = host.until(&id, asked("assemble")).await;
    assert_eq!(cut.prompt, "Cut it diagonally or straight?");
    assert_eq!(cut.body["assigneeRole"], "chef", "the step's role, as the operation names none");
    assert!(cut.body.get("resumeState").is_none(), "what the operation keeps for itself is not shown");

    let host = host.kill_and_restart().await;
    host.answer(&id, &cut, json!({ "cut": "in four" })).await.refused(422, "RESPONSE_INVALID");
    host.answer(&id, &cut, json!({ "cut": "diagonally" })).await.accepted();
    let served = host.until(&id, step_completed("assemble")).await;
    assert_eq!(served["sandwich"]["cut"], "diagonally");
    assert_eq!(served["sandwich"]["filling"][1], "apricot jelly", "what it had before it asked is not lost");
    let resumed = host.until(&id, event("step_resumed")).await;
    assert_eq!((resumed.step(), &resumed.body["attempt"]), (Some("assemble"), &json!(1)));
    host.until(&id, completed()).await;
}

#[tokio::test]
async fn an_operation_may_ask_again_and_again() {
    let steps = "name: nag\nsteps:\n  - { name: nag, operation: hostile/ask-again }\n";
    let host =
        HostSetup::new().plugin("hostile").playbook("nag", steps).runtime("desk", json!({})).start().await;
    let id = host.begin("nag", json!({})).await;
    for number in 1..=3 {
        let question = host.until(&id, asked("nag")).await;
        assert_eq!(question.prompt, format!("Question number {number}: go on?"));
        host.answer(&id, &question, json!("yes")).await.accepted();
    }
    host.until(&id, asked("nag")).await;
    host.control(&id, "cancel", "enough").await.is(200);
}
