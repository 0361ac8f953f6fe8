//! Executions as tasks, for clients that know what that is.

use orgata_tests::matchers::{asked, completed};
use orgata_tests::{ExecutionId, HostSetup, TestHost, patience};
use rmcp::model::*;
use serde_json::{Value, json};

use crate::assistant::{Able, sandwich};
use crate::{Assistant, Era};

fn without_wait(kind: &str) -> Value {
    let mut start = sandwich(kind, "1s");
    start.as_object_mut().unwrap().remove("wait");
    start
}

async fn knowing_tasks(host: &TestHost) -> Assistant {
    Assistant::connect(host, Era::Stateless, Able { forms: true, tasks: true, ..Able::default() }).await
}

async fn begin(assistant: &Assistant, kind: &str) -> String {
    match assistant.call_once("execute_playbook", without_wait(kind)).await {
        Ok(CallToolResponse::Task(task)) => task.task.task_id,
        other => panic!("no task: {other:#?}"),
    }
}

async fn until(assistant: &Assistant, id: &str, status: TaskStatus) -> DetailedTask {
    let mut seen = None;
    let found = patience::until(async || {
        let task = assistant.client.get_task(GetTaskParams::new(id)).await.unwrap().task;
        seen = Some(task.clone());
        (task.status() == status).then_some(task)
    });
    found.await.unwrap_or_else(|| panic!("the task never was {status:?}: {seen:#?}"))
}

fn answer(task: &DetailedTask, content: Value) -> (String, InputResponses) {
    let TaskPayload::InputRequired { input_requests } = &task.payload else { panic!("{task:#?}") };
    let key = input_requests.keys().next().unwrap().clone();
    (key.clone(), [(key, json!({ "action": "accept", "content": content }))].into_iter().collect())
}

#[tokio::test]
async fn a_task_asks_is_answered_outlives_the_host_and_ends_with_the_result() {
    let host = TestHost::kitchen().await;
    let assistant = knowing_tasks(&host).await;
    let id = begin(&assistant, "deluxe").await;
    assert!(id.starts_with("exec_"), "a task is an execution: {id}");
    let task = until(&assistant, &id, TaskStatus::InputRequired).await;
    assert!(task.task.status_message.as_ref().unwrap().contains("Which jelly flavor?"), "{task:#?}");
    let (key, grape) = answer(&task, json!({ "jelly_flavor": "grape" }));
    assert_eq!(host.until(&ExecutionId(id.clone()), asked("choose-jelly")).await.id, key);
    assistant.client.update_task(UpdateTaskParams::new(&id, grape.clone())).await.unwrap();
    let task = until(&assistant, &id, TaskStatus::InputRequired).await;
    let (_, cut) = answer(&task, json!({ "cut": "diagonally" }));
    // What is closed by now is passed over.
    assistant.client.update_task(UpdateTaskParams::new(&id, grape)).await.unwrap();

    let host = host.kill_and_restart().await;
    let assistant = knowing_tasks(&host).await;
    until(&assistant, &id, TaskStatus::InputRequired).await;
    assistant.client.update_task(UpdateTaskParams::new(&id, cut)).await.unwrap();
    let task = until(&assistant, &id, TaskStatus::Completed).await;
    let TaskPayload::Completed { result } = task.payload else { panic!("{task:#?}") };
    assert_eq!(result["structuredContent"]["output"]["sandwich"]["cut"], "diagonally", "{result:#?}");
    assert_eq!(result["isError"], false);
}

#[tokio::test]
async fn a_wrong_answer_to_a_task_is_refused_and_the_question_stays() {
    let host = TestHost::kitchen().await;
    let assistant = knowing_tasks(&host).await;
    let id = begin(&assistant, "classic").await;
    let task = until(&assistant, &id, TaskStatus::InputRequired).await;
    let (_, mustard) = answer(&task, json!({ "jelly_flavor": "mustard" }));
    let refused = assistant.client.update_task(UpdateTaskParams::new(&id, mustard)).await.unwrap_err();
    assert!(refused.to_string().contains("mustard"), "{refused}");
    until(&assistant, &id, TaskStatus::InputRequired).await;
}

#[tokio::test]
async fn a_cancelled_task_is_a_cancelled_execution() {
    let host = TestHost::kitchen().await;
    let assistant = knowing_tasks(&host).await;
    let id = begin(&assistant, "classic").await;
    until(&assistant, &id, TaskStatus::InputRequired).await;
    assistant.client.cancel_task(CancelTaskParams::new(&id)).await.unwrap();
    until(&assistant, &id, TaskStatus::Cancelled).await;
    assistant.client.cancel_task(CancelTaskParams::new(&id)).await.expect("once more changes nothing");
    assert_eq!(host.status(&ExecutionId(id)).await["status"], "cancelled");
}

#[tokio::test]
async fn an_execution_is_a_task_whoever_started_it() {
    let host = TestHost::kitchen().await;
    let assistant = knowing_tasks(&host).await;
    let id = host.begin("pbj-sandwich", json!({ "sandwichType": "classic" })).await;
    let question = host.until(&id, asked("choose-jelly")).await;
    until(&assistant, &id.0, TaskStatus::InputRequired).await;
    host.answer(&id, &question, json!({ "jelly_flavor": "grape" })).await.accepted();
    host.until(&id, completed()).await;
    until(&assistant, &id.0, TaskStatus::Completed).await;
}

#[tokio::test]
async fn a_run_that_fails_has_a_result_and_a_mistake_of_the_host_is_an_error() {
    let failing = |name: &str, code: &str| {
        format!("name: {name}\nsteps: [{{ name: job, fail: {{ code: {code}, message: No. }} }}]\n")
    };
    let setup = HostSetup::new()
        .playbook("fails", &failing("fails", "NO_BREAD"))
        .playbook("breaks", &failing("breaks", "INTERNAL"));
    let host = setup.runtime("desk", json!({})).start().await;
    let assistant = knowing_tasks(&host).await;
    let ended = async |playbook: &str, status: TaskStatus| {
        let start = json!({ "runtimeId": "desk", "playbookName": playbook });
        let begun = assistant.call_once("execute_playbook", start).await;
        let Ok(CallToolResponse::Task(task)) = begun else { panic!("no task: {begun:#?}") };
        until(&assistant, &task.task.task_id, status).await.payload
    };
    let TaskPayload::Completed { result } = ended("fails", TaskStatus::Completed).await else { panic!() };
    assert_eq!(
        (&result["isError"], &result["structuredContent"]["status"]),
        (&json!(true), &json!("failed"))
    );
    let TaskPayload::Failed { error } = ended("breaks", TaskStatus::Failed).await else { panic!() };
    assert_eq!((&error["code"], &error["message"]), (&json!(-32603), &json!("No.")), "{error:#?}");
    assert_eq!(error["data"]["failure"]["code"], "INTERNAL", "{error:#?}");
}

#[tokio::test]
async fn nobody_who_does_not_know_tasks_is_given_one() {
    let host = TestHost::kitchen().await;
    let id = host.begin("pbj-sandwich", json!({ "sandwichType": "classic" })).await;
    // Knows none; and knows them in a revision that has none.
    for (era, tasks) in [(Era::Stateless, false), (Era::Sessions, true)] {
        let assistant = Assistant::connect(&host, era, Able { tasks, ..Able::default() }).await;
        let handle = assistant.call("execute_playbook", without_wait("classic")).await;
        assert!(handle["executionId"].is_string(), "{handle}");
        let refused = assistant.client.get_task(GetTaskParams::new(&id.0)).await.unwrap_err().to_string();
        let why = if tasks { "-32601" } else { "-32021" };
        assert!(refused.contains(why), "{era:?}: {refused}");
    }
}

#[tokio::test]
async fn nobody_who_cannot_show_forms_is_asked_for_input() {
    let host = TestHost::kitchen().await;
    let able = Able { tasks: true, ..Able::default() };
    let assistant = Assistant::connect(&host, Era::Stateless, able).await;
    let id = begin(&assistant, "classic").await;
    host.until(&ExecutionId(id.clone()), asked("choose-jelly")).await;
    let task = until(&assistant, &id, TaskStatus::Working).await;
    assert!(task.task.status_message.as_ref().unwrap().contains("waits for an answer"), "{task:#?}");
}

#[tokio::test]
async fn a_task_that_is_not_there_is_a_wrong_parameter() {
    let host = TestHost::kitchen().await;
    let assistant = knowing_tasks(&host).await;
    for id in ["exec_00000000000000000000000000000000", "task-1", ""] {
        let refused = assistant.client.get_task(GetTaskParams::new(id)).await.unwrap_err().to_string();
        assert!(refused.contains("-32602"), "{id:?}: {refused}");
    }
}
