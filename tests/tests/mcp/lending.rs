//! An assistant whose own model answers what operations ask, while it waits for them.

use orgata_tests::{ExecutionId, HostSetup, TestHost};
use serde_json::{Value, json};

use crate::assistant::{Able, BOTH};
use crate::{Assistant, Era};

const PLAYBOOK: &str = "\
name: ask
steps: [{ name: ask, operation: sampler/ask, params: { ask: $input } }]
output: $steps.ask.result
";

async fn library() -> TestHost {
    let parent = "name: parent\nsteps: [{ name: child, playbook: ask, params: { prompt: $input.prompt, schema: $input.schema } }]\noutput: $steps.child.result\n";
    let model = json!({ "provider": "client", "model": "a-good-one" });
    let runtime = json!({ "grants": { "sampler": { "model": true } }, "model": model });
    let setup = HostSetup::new().plugin("odd-sampler").playbook("ask", PLAYBOOK).playbook("parent", parent);
    setup.runtime("library", runtime).start().await
}

fn ask(playbook: &str, wait: &str) -> Value {
    let input = json!({ "prompt": "Which sandwich?", "schema": { "type": "string" } });
    json!({ "runtimeId": "library", "playbookName": playbook, "input": input, "wait": wait })
}

fn lends(answers: impl Into<Vec<Value>>) -> Able {
    Able { lends: true, answers: answers.into(), ..Able::default() }
}

/// What a failed execution says, and the word that history has for the request.
async fn refused(host: &TestHost, handle: &Value) -> (String, Value) {
    let id = ExecutionId(handle["executionId"].as_str().unwrap().to_owned());
    let history = host.history(&id).await;
    let asked = history.iter().find(|event| event.kind == "model_asked").expect("it asked");
    (host.status(&id).await["failure"].to_string(), asked.body["failure"].clone())
}

#[tokio::test]
async fn an_assistant_that_waits_answers_with_its_own_model_children_included() {
    let host = library().await;
    for playbook in ["ask", "parent"] {
        let assistant = Assistant::connect(&host, Era::Sessions, lends([json!("\"A classic.\"")])).await;
        let done = assistant.call("execute_playbook", ask(playbook, "20s")).await;
        assert_eq!(done["status"], "succeeded", "{done}");
        assert_eq!(done["output"]["content"], "\"A classic.\"");
        assert_eq!(done["output"]["model"], "the-assistants-own");
        let shown = assistant.forms.lock().unwrap().remove(0);
        assert_eq!(shown["messages"][0]["content"]["text"], "Which sandwich?", "{shown}");
        assert_eq!(shown["maxTokens"], 100);
        assert_eq!(shown["modelPreferences"]["hints"][0]["name"], "a-good-one");
        assert!(shown["systemPrompt"].as_str().unwrap().contains(r#"{"type":"string"}"#), "{shown}");
    }
    let listed = host.get("/api/v1/executions?playbook=ask").await.is(200);
    let id = ExecutionId(listed["items"][0]["executionId"].as_str().unwrap().to_owned());
    let asked = host.history(&id).await.into_iter().find(|event| event.kind == "model_asked").unwrap();
    assert_eq!(
        (&asked.body["provider"], &asked.body["model"]),
        (&json!("client"), &json!("the-assistants-own"))
    );
}

#[tokio::test]
async fn an_assistant_that_declines_or_talks_beside_the_point_is_told_apart() {
    let host = library().await;
    let declines = Assistant::connect(&host, Era::Sessions, lends([])).await;
    let handle = declines.call("execute_playbook", ask("ask", "20s")).await;
    let (failure, word) = refused(&host, &handle).await;
    assert_eq!(word, "declined", "{failure}");
    let talks = Assistant::connect(&host, Era::Sessions, lends([json!("Well, let me think.")])).await;
    let handle = talks.call("execute_playbook", ask("ask", "20s")).await;
    let (failure, word) = refused(&host, &handle).await;
    assert_eq!(word, "unfit", "{failure}");
    assert!(!failure.contains("Well"), "{failure}");
}

#[tokio::test]
async fn where_nobody_lends_the_operation_hears_who_could() {
    let host = library().await;
    for era in BOTH {
        let plain = Assistant::plain(&host, era).await;
        let handle = plain.call("execute_playbook", ask("ask", "20s")).await;
        let (failure, word) = refused(&host, &handle).await;
        assert_eq!(word, "no_client");
        assert!(failure.contains("declares sampling"), "{failure}");
    }
    // The later revision has no requests of servers, and whoever starts by REST has no stream.
    let stateless = Assistant::connect(&host, Era::Stateless, lends([json!("\"Yes.\"")])).await;
    let handle = stateless.call("execute_playbook", ask("ask", "20s")).await;
    assert_eq!(refused(&host, &handle).await.1, "no_client");
    let body = json!({ "playbookName": "ask", "input": { "prompt": "Hello" } });
    let handle = host.post("/api/v1/runtimes/library/executions?wait=20s", body).await.is(200);
    assert_eq!(refused(&host, &handle).await.1, "no_client");
}
