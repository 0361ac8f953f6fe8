//! Playbooks run by an assistant: started, watched, answered.

use orgata_tests::matchers::{asked, completed};
use orgata_tests::{ExecutionId, HostSetup, TestHost, patience};
use rmcp::model::*;
use serde_json::{Value, json};

use crate::assistant::{Able, BOTH, Told, request, sandwich};
use crate::{Assistant, Era};

#[tokio::test]
async fn a_sandwich_is_made_and_its_question_answered_by_a_tool() {
    let host = TestHost::kitchen().await;
    for era in BOTH {
        let assistant = Assistant::plain(&host, era).await;
        let id = assistant.begin_sandwich("classic").await;
        let questions = assistant.questions(&id).await;
        assert_eq!(questions[0]["prompt"], "Which jelly flavor?");
        let wrong = json!({ "executionId": id, "interventionId": questions[0]["id"], "response": "mustard" });
        assert_eq!(assistant.refused("intervene_execution", wrong).await["code"], "RESPONSE_INVALID");
        let answer = json!({
            "executionId": id, "interventionId": questions[0]["id"], "response": { "jelly_flavor": "grape" }, "notes": "as ever",
        });
        let answered = assistant.call("intervene_execution", answer.clone()).await;
        assert_eq!((&answered["status"], &answered["answeredBy"]), (&json!("answered"), &json!("local")));
        assert_eq!(assistant.refused("intervene_execution", answer).await["code"], "INTERVENTION_ANSWERED");

        let output = host.until(&ExecutionId(id.clone()), completed()).await;
        let stands = assistant.call("get_execution", json!({ "executionId": id })).await;
        assert_eq!((&stands["status"], &stands["output"]), (&json!("succeeded"), &output));
        let history = assistant.call("get_execution_history", json!({ "executionId": id, "limit": 3 })).await;
        assert_eq!(history["items"][0]["event"]["type"], "execution_started");
        let rest = json!({ "executionId": id, "after": 3 });
        assert_eq!(assistant.call("get_execution_history", rest).await["items"][0]["seq"], 4);
    }
}

#[tokio::test]
async fn what_a_tool_gives_fits_what_it_says_that_it_gives() {
    let host = TestHost::kitchen().await;
    let assistant = Assistant::plain(&host, Era::Sessions).await;
    let id = assistant.begin_sandwich("classic").await;
    let in_runtime = json!({ "runtimeId": "kitchen-v1" });
    let of = json!({ "executionId": id });
    let calls = [
        ("list_runtimes", json!({})),
        ("list_playbooks", in_runtime.clone()),
        ("list_operations", in_runtime),
        ("list_executions", json!({ "runtimeId": "kitchen-v1", "statuses": ["waiting"], "limit": 1 })),
        ("get_pending_interventions", json!({ "runtimeId": "kitchen-v1" })),
        ("get_execution", of.clone()),
        ("get_execution_state", of.clone()),
        ("get_execution_history", of.clone()),
        ("pause_execution", json!({ "executionId": id, "reason": "lunch" })),
        ("resume_execution", of.clone()),
        (
            "skip_step",
            json!({ "executionId": id, "step": "choose-jelly", "result": { "jelly_flavor": "grape" } }),
        ),
        ("fork_execution", of),
        ("list_plugins", json!({})),
        ("send_event", json!({ "runtimeId": "kitchen-v1", "event": "nobody.cares" })),
    ];
    let tools = assistant.client.list_all_tools().await.unwrap();
    for (name, arguments) in calls {
        let given = assistant.call(name, arguments).await;
        let tool = tools.iter().find(|tool| tool.name == name).unwrap();
        let schema = Value::Object((**tool.output_schema.as_ref().unwrap()).clone());
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let wrong: Vec<String> = validator.iter_errors(&given).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:#?}\n{given:#}");
    }
}

#[tokio::test]
async fn a_key_starts_one_execution_only() {
    let host = TestHost::kitchen().await;
    let assistant = Assistant::plain(&host, Era::Stateless).await;
    let mut start = sandwich("classic", "0s");
    start["idempotencyKey"] = json!("lunch-17");
    let first = assistant.call("execute_playbook", start.clone()).await;
    let again = assistant.call("execute_playbook", start.clone()).await;
    assert_eq!(first["executionId"], again["executionId"]);
    start["input"] = json!({ "sandwichType": "deluxe" });
    assert_eq!(assistant.refused("execute_playbook", start).await["code"], "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn what_is_wrong_is_told_so_that_an_assistant_can_do_better() {
    let host = TestHost::kitchen().await;
    for era in BOTH {
        let assistant = Assistant::plain(&host, era).await;
        let mut start = sandwich("soup", "1s");
        let error = assistant.refused("execute_playbook", start.clone()).await;
        assert_eq!(error["code"], "INPUT_INVALID");
        assert_eq!(error["details"]["violations"][0]["pointer"], "/sandwichType");
        start["playbookName"] = json!("pjb");
        let error = assistant.refused("execute_playbook", start).await;
        assert_eq!(error["code"], "PLAYBOOK_NOT_FOUND");
        assert!(error["message"].as_str().unwrap().contains("pbj-sandwich"), "{error}");
        let error = assistant.refused("list_playbooks", json!({ "runtime": "kitchen-v1" })).await;
        assert_eq!(error["code"], "BAD_REQUEST");
        assert!(error["message"].as_str().unwrap().contains("runtimeId"), "{error}");
        // No such tool: no tool can say so.
        let refused = assistant.call_once("make_coffee", json!({})).await.unwrap_err();
        assert!(refused.to_string().contains("make_coffee"), "{refused}");
    }
}

#[tokio::test]
async fn a_person_answers_the_forms_of_a_session_while_the_tool_waits() {
    let host = TestHost::kitchen().await;
    let answers = [json!({ "jelly_flavor": "apricot" }), json!({ "cut": "diagonally" })];
    let assistant = Assistant::with_person(&host, Era::Sessions, answers).await;
    let handle = assistant.call("execute_playbook", sandwich("deluxe", "30s")).await;
    assert_eq!(handle["status"], "succeeded", "{handle}");
    assert_eq!(handle["output"]["sandwich"]["cut"], "diagonally");
    let forms = assistant.forms.lock().unwrap().clone();
    assert!(forms[0]["message"].as_str().unwrap().contains("Which jelly flavor?"), "{forms:#?}");
    let flavors = &forms[0]["requestedSchema"]["properties"]["jelly_flavor"]["enum"];
    assert_eq!(*flavors, json!(["grape", "strawberry", "apricot"]));
}

#[tokio::test]
async fn a_wrong_answer_to_a_form_is_asked_for_again_and_a_declined_one_leaves_the_question() {
    let host = TestHost::kitchen().await;
    let answers = [json!({ "jelly_flavor": "mustard" })];
    let assistant = Assistant::with_person(&host, Era::Sessions, answers).await;
    let handle = assistant.call("execute_playbook", sandwich("classic", "30s")).await;
    assert_eq!(handle["status"], "waiting", "{handle}");
    let forms = assistant.forms.lock().unwrap().clone();
    assert_eq!(forms.len(), 2, "{forms:#?}");
    assert!(forms[1]["message"].as_str().unwrap().contains("was not taken"), "{forms:#?}");
    host.until(&ExecutionId(handle["executionId"].as_str().unwrap().to_owned()), asked("choose-jelly")).await;
}

#[tokio::test]
async fn a_person_answers_the_forms_of_a_call_without_a_session() {
    let host = TestHost::kitchen().await;
    let answers = [json!({ "jelly_flavor": "grape" }), json!({ "cut": "straight" })];
    let mut assistant = Assistant::with_person(&host, Era::Stateless, answers).await;
    // The library brings the answers back by itself.
    let result =
        assistant.client.call_tool(request("execute_playbook", sandwich("deluxe", "30s"))).await.unwrap();
    let handle = result.structured_content.unwrap();
    assert_eq!(
        (&handle["status"], &handle["output"]["sandwich"]["cut"]),
        (&json!("succeeded"), &json!("straight"))
    );
    let all = assistant.call("list_executions", json!({})).await;
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "asking starts nothing anew: {all}");
    let steps: Vec<Told> = assistant
        .told()
        .into_iter()
        .filter(|told| matches!(told, Told::Progress(_, step) if step.contains("is done")))
        .collect();
    assert!(steps.len() <= 4, "nothing is told twice: {steps:#?}");
}

#[tokio::test]
async fn what_a_client_brings_back_of_another_execution_is_refused() {
    let host = TestHost::kitchen().await;
    let assistant = Assistant::with_person(&host, Era::Stateless, []).await;
    let asked = |kind| assistant.call_once("execute_playbook", sandwich(kind, "30s"));
    let Ok(CallToolResponse::InputRequired(classic)) = asked("classic").await else { panic!("it asks") };
    let Ok(CallToolResponse::InputRequired(_)) = asked("deluxe").await else { panic!("it asks") };
    let state = classic.request_state.unwrap();
    let key = classic.input_requests.unwrap().into_keys().next().unwrap();
    let answers = |key: &str| {
        let answer = json!({ "action": "accept", "content": { "jelly_flavor": "grape" } });
        [(key.to_owned(), answer)].into_iter().collect::<InputResponses>()
    };
    for (arguments, state) in [
        (sandwich("deluxe", "30s"), state.as_str()),
        (sandwich("classic", "30s"), "exec_00000000000000000000000000000000"),
        (sandwich("classic", "30s"), "x"),
    ] {
        let call = request("execute_playbook", arguments).with_request_state(state);
        let given = assistant.client.call_tool_once(call.with_input_responses(answers(&key))).await.unwrap();
        let CallToolResponse::Complete(result) = given else { panic!("{given:#?}") };
        assert_eq!(result.is_error, Some(true), "{result:#?}");
    }
    let call = request("execute_playbook", sandwich("classic", "30s")).with_request_state(state);
    let given = assistant.client.call_tool_once(call.with_input_responses(answers(&key))).await.unwrap();
    let CallToolResponse::Complete(result) = given else { panic!("{given:#?}") };
    assert_eq!(result.structured_content.unwrap()["status"], "succeeded");
}

#[tokio::test]
async fn somebody_else_may_answer_while_a_form_is_shown() {
    let host = TestHost::kitchen().await;
    let able = Able { forms: true, silent: true, ..Able::default() };
    let assistant = Assistant::connect(&host, Era::Sessions, able).await;
    let elsewhere = async {
        let shown = patience::until(async || {
            let page = host.get("/api/v1/interventions").await.is(200);
            let forms = assistant.forms.lock().unwrap().len();
            page["items"].as_array().unwrap().first().filter(|_| forms > 0).cloned()
        });
        let question = shown.await.expect("a form is shown");
        let (execution, id) = (question["executionId"].as_str().unwrap(), question["id"].as_str().unwrap());
        let path = format!("/api/v1/executions/{execution}/interventions/{id}");
        host.post(&path, json!({ "response": { "jelly_flavor": "grape" } })).await.accepted();
    };
    let (handle, ()) =
        tokio::join!(assistant.call("execute_playbook", sandwich("classic", "30s")), elsewhere);
    assert_eq!(handle["status"], "succeeded", "{handle}");
}

#[tokio::test]
async fn progress_is_told_while_a_tool_waits() {
    let host = TestHost::kitchen().await;
    for era in BOTH {
        let mut assistant = Assistant::plain(&host, era).await;
        let id = assistant.begin_sandwich("classic").await;
        let told = assistant.until(|told| matches!(told, Told::Progress(..))).await;
        assert_eq!(told, Told::Progress(1.0, "step gather-ingredients is done".to_owned()), "{id}");
    }
}

#[tokio::test]
async fn a_tool_may_wait_for_longer_than_other_requests_are_worked_on() {
    let setup = HostSetup::new().playbook("nap", "name: nap\nsteps:\n  - { name: sleep, wait: 1s }\n");
    let short = json!({ "api": { "bodyTimeout": "200ms", "requestTimeout": "200ms", "mcp": { "longestWait": "30s" } } });
    let host = setup.runtime("desk", json!({})).config(short).start().await;
    for era in BOTH {
        let assistant = Assistant::plain(&host, era).await;
        let start = json!({ "runtimeId": "desk", "playbookName": "nap", "wait": "1h" });
        assert_eq!(assistant.call("execute_playbook", start).await["status"], "succeeded");
    }
}

#[tokio::test]
async fn an_operator_helps_an_execution_on_by_tools() {
    let host = TestHost::kitchen().await;
    let assistant = Assistant::plain(&host, Era::Stateless).await;
    let id = assistant.begin_sandwich("classic").await;
    let of = |id: &str| json!({ "executionId": id });
    assert_eq!(assistant.call("pause_execution", of(&id)).await["status"], "paused");
    assert_eq!(assistant.refused("pause_execution", of(&id)).await["code"], "STATE_CONFLICT");
    assert_eq!(assistant.call("resume_execution", of(&id)).await["status"], "waiting");
    let fork = assistant.call("fork_execution", of(&id)).await;
    let cancel = json!({ "executionId": id, "reason": "no bread", "compensate": false });
    assert_eq!(assistant.call("cancel_execution", cancel).await["status"], "cancelled");
    assert_eq!(assistant.refused("cancel_execution", of(&id)).await["code"], "EXECUTION_ENDED");
    assert_eq!(assistant.refused("retry_execution", of(&id)).await["code"], "EXECUTION_ENDED");
    let fork = fork["executionId"].as_str().unwrap();
    host.until(&ExecutionId(fork.to_owned()), asked("choose-jelly")).await;
    let skip = json!({ "executionId": fork, "step": "choose-jelly", "result": { "jelly_flavor": "grape" } });
    assistant.call("skip_step", skip).await;
    host.until(&ExecutionId(fork.to_owned()), completed()).await;
}
