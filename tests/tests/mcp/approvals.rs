//! Questions that several must approve, as an assistant meets them: its person is one of several.

use orgata_tests::patience::until;
use orgata_tests::{HostSetup, Reply, TestHost};
use rmcp::model::*;
use serde_json::{Value, json};

use crate::assistant::{Able, request};
use crate::{Assistant, Era};

const PAY: &str = "
name: pay
roles: [finance]
steps:
  - name: sign
    intervention: { type: approval, prompt: Pay?, approvals: 2 of finance }
output: { decision: $steps.sign.result.decision }
";

/// A desk, and the key of ben, who works by REST.
async fn desk() -> (TestHost, String) {
    let setup = HostSetup::new().asking_for_keys().playbook("pay", PAY);
    let host = setup.runtime("desk", json!({})).start().await;
    let make =
        ["key", "create", "ben", "--kind", "user", "--environment", "development", "--role", "finance"];
    let ben = host.cli(&make).await.succeeded().trim().to_owned();
    (host, ben)
}

fn pay(wait: &str) -> Value {
    json!({ "runtimeId": "desk", "playbookName": "pay", "wait": wait })
}

fn yes() -> Value {
    json!({ "decision": "approve" })
}

/// Ben approves too, once somebody has.
async fn then_ben(host: &TestHost, ben: &str) {
    let approved = until(async || {
        let page = host.get("/api/v1/interventions").await.is(200);
        page["items"].as_array().unwrap().iter().find(|item| item["approved"] == 1).cloned()
    });
    let question = approved.await.expect("somebody approves");
    let (execution, id) = (question["executionId"].as_str().unwrap(), question["id"].as_str().unwrap());
    let path = format!("/api/v1/executions/{execution}/interventions/{id}");
    let request = host.client().post(host.url(&path)).bearer_auth(ben).json(&json!({ "response": yes() }));
    Reply::read("ben", request).await.accepted();
}

#[tokio::test]
async fn a_form_says_how_many_have_approved_and_is_shown_once() {
    let (host, ben) = desk().await;
    let assistant = Assistant::with_person(&host, Era::Sessions, [yes(), yes()]).await;
    let (handle, ()) = tokio::join!(assistant.call("execute_playbook", pay("30s")), then_ben(&host, &ben));
    assert_eq!((&handle["status"], &handle["output"]), (&json!("succeeded"), &yes()), "{handle}");
    let forms = assistant.forms.lock().unwrap().clone();
    assert_eq!(forms.len(), 1, "whoever has approved is not asked again: {forms:#?}");
    assert!(forms[0]["message"].as_str().unwrap().contains("0 of 2 have approved"), "{forms:#?}");
}

#[tokio::test]
async fn a_client_without_a_session_is_asked_once_too() {
    let (host, ben) = desk().await;
    let assistant = Assistant::with_person(&host, Era::Stateless, []).await;
    let asked = assistant.call_once("execute_playbook", pay("30s")).await;
    let Ok(CallToolResponse::InputRequired(asked)) = asked else { panic!("it asks: {asked:#?}") };
    let key = asked.input_requests.unwrap().into_keys().next().unwrap();
    let answers: InputResponses =
        [(key, json!({ "action": "accept", "content": yes() }))].into_iter().collect();
    let state = asked.request_state.unwrap();
    let again = async || {
        let call = request("execute_playbook", pay("30s")).with_request_state(&*state);
        assistant.client.call_tool_once(call.with_input_responses(answers.clone())).await.unwrap()
    };
    let (given, ()) = tokio::join!(again(), then_ben(&host, &ben));
    let CallToolResponse::Complete(result) = given else { panic!("it is not asked again: {given:#?}") };
    assert_eq!(result.structured_content.unwrap()["status"], "succeeded");
}

#[tokio::test]
async fn tools_and_tasks_say_that_others_must_approve_too() {
    let (host, _) = desk().await;
    let able = Able { forms: true, tasks: true, ..Able::default() };
    let assistant = Assistant::connect(&host, Era::Stateless, able).await;
    let begun = assistant.call_once("execute_playbook", pay("20s")).await;
    let Ok(CallToolResponse::Task(task)) = begun else { panic!("no task: {begun:#?}") };
    let id = task.task.task_id;
    let question = assistant.questions(&id).await.remove(0);
    assert_eq!((&question["approved"], &question["approvals"]), (&json!(0), &json!(2)), "{question:#}");
    let answer = json!({ "executionId": id, "interventionId": question["id"], "response": yes() });
    let taken = assistant.call("intervene_execution", answer.clone()).await;
    assert_eq!(
        (&taken["status"], &taken["approved"], &taken["approvals"]),
        (&json!("approved"), &json!(1), &json!(2))
    );
    assert_eq!(taken["executionStatus"], "waiting", "{taken:#}");
    assert_eq!(assistant.refused("intervene_execution", answer).await["code"], "INTERVENTION_ANSWERED");
    let question = assistant.questions(&id).await.remove(0);
    assert_eq!(
        (&question["approved"], &question["approvedBy"]),
        (&json!(1), &json!(["tester"])),
        "{question:#}"
    );
    // The task waits for somebody else: there is no input that this client could give.
    let task = assistant.client.get_task(GetTaskParams::new(&id)).await.unwrap().task;
    assert_eq!(task.status(), TaskStatus::Working, "{task:#?}");
}
