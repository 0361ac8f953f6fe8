//! Asking a server: what it gets, what is written down, and what stays with it.

use std::fs;
use std::path::Path;

use orgata_tests::Witness;
use orgata_tests::matchers::{asked, failed};
use serde_json::{Value, json};

use crate::{KEY, PROMPT, ask, completion, library, openai, requests, set_secret};

const CHAT: &str = "/v1/chat/completions";

#[tokio::test]
async fn an_operation_asks_and_everybody_sees_what_it_cost_and_nobody_what_it_said() {
    let server = Witness::start().await;
    server.answer(CHAT, completion("African or European?"));
    let host = library(openai(&server.url("/v1"))).log("debug").start().await;
    set_secret(&host, "MODEL_KEY", KEY).await;
    let done = ask(&host, "library", json!({ "prompt": PROMPT })).await;
    assert_eq!(done["output"]["content"], "African or European?", "{done}");
    assert_eq!(done["output"]["model"], "small-2026");

    let seen = server.seen(CHAT).remove(0);
    assert_eq!(seen.headers["authorization"], format!("Bearer {KEY}"));
    let body: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(body["messages"], json!([{ "role": "user", "content": PROMPT }]));
    assert_eq!((&body["model"], &body["max_tokens"]), (&json!("small"), &json!(100)));

    let event = requests(&host, &done).await.remove(0);
    let told = ["step", "provider", "model", "inputTokens", "outputTokens"].map(|field| event[field].clone());
    assert_eq!(told, [json!("ask"), json!("openai"), json!("small-2026"), json!(1_000), json!(200)]);
    assert!((event["cost"].as_f64().unwrap() - 0.004).abs() < 1e-9, "{event}");
    assert!(event["tookMs"].is_u64() && event.get("failure").is_none(), "{event}");
    let id = done["executionId"].as_str().unwrap();
    let state = host.get(&format!("/api/v1/executions/{id}/state")).await.is(200);
    assert_eq!(state["model"]["requests"], 1, "{state}");
    assert_eq!(state["model"]["inputTokens"], 1_000);
    let metrics = host.get("/metrics").await.is(200).to_string();
    for line in [
        "orgata_model_requests_total{provider=\\\"openai\\\",outcome=\\\"answered\\\"} 1",
        "orgata_model_tokens_total{provider=\\\"openai\\\",kind=\\\"input\\\"} 1000",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
    let shown = host.cli(&["exec", "watch", id]).await;
    assert!(shown.stderr.contains("asked small-2026: 1000 tokens in, 200 out"), "{}", shown.stderr);

    // The question is in the execution's own input, and nowhere besides; the key is nowhere.
    let log = host.log().join("\n");
    assert!(!log.contains(KEY) && !log.contains(PROMPT) && !log.contains("African"), "{log}");
    let history = host.get(&format!("/api/v1/executions/{id}/history")).await.is(200).to_string();
    assert_eq!(history.matches(PROMPT).count(), 2, "as input of execution and step: {history}");
    assert!(!history.contains(KEY));
    let stopped = host.stop().await;
    assert!(!any_file_has(stopped.folder(), KEY));
}

#[tokio::test]
async fn without_a_grant_nobody_is_asked_and_without_a_model_nobody_can_be() {
    let server = Witness::start().await;
    let setup = library(openai(&server.url("/v1")))
        .runtime("closed", json!({ "model": openai(&server.url("/v1")) }))
        .runtime("bare", json!({ "grants": { "sampler": { "model": true } } }));
    let host = setup.start().await;
    let denied = ask(&host, "closed", json!({ "prompt": "Hello" })).await;
    assert!(denied.to_string().contains("grant model: true to plugin sampler in runtime closed"), "{denied}");
    assert_eq!(requests(&host, &denied).await, [Value::Null; 0]);
    let nobody = ask(&host, "bare", json!({ "prompt": "Hello" })).await;
    assert!(nobody.to_string().contains("runtime bare needs a `model`"), "{nobody}");
    // The key is not set yet.
    let early = ask(&host, "library", json!({ "prompt": "Hello" })).await;
    assert!(early.to_string().contains("orgata secret set MODEL_KEY"), "{early}");
    assert_eq!(server.total(), 0);
}

#[tokio::test]
async fn a_server_that_tells_the_key_and_a_guest_that_asks_with_its_secret_tell_nobody() {
    let server = Witness::start().await;
    server.answer(CHAT, completion(&format!("Your key is {KEY}")));
    let host = library(openai(&server.url("/v1"))).start().await;
    set_secret(&host, "MODEL_KEY", KEY).await;
    set_secret(&host, "PIN", "7391-0046-2285").await;
    let done = ask(&host, "library", json!({ "prompt": "My pin is ", "secret": "PIN" })).await;
    assert_eq!(done["output"]["content"], "Your key is [secret MODEL_KEY]", "{done}");
    let seen = server.seen(CHAT).remove(0).body;
    assert!(seen.contains("My pin is [secret PIN]") && !seen.contains("7391"), "{seen}");
}

#[tokio::test]
async fn ollama_answers_what_a_schema_asks_for_and_nothing_else_is_taken() {
    let server = Witness::start().await;
    let chat =
        |content: &str| json!({ "model": "llama", "message": { "content": content }, "eval_count": 3 });
    let model = json!({ "provider": "ollama", "baseUrl": server.url(""), "model": "llama" });
    let host = library(model).start().await;
    let schema =
        json!({ "type": "object", "required": ["kind"], "properties": { "kind": { "enum": ["a", "b"] } } });
    let input = json!({ "prompt": PROMPT, "schema": schema });
    server.answer("/api/chat", chat(r#"{"kind":"a"}"#));
    let done = ask(&host, "library", input.clone()).await;
    assert_eq!(done["output"]["content"], r#"{"kind":"a"}"#, "{done}");
    let body: Value = serde_json::from_str(&server.seen("/api/chat")[0].body).unwrap();
    assert_eq!(body["format"], schema);
    for wrong in [r#"{"kind":"swallow"}"#, "Sure! Here it is."] {
        server.answer("/api/chat", chat(wrong));
        let refused = ask(&host, "library", input.clone()).await;
        assert_eq!(refused["status"], "failed", "{refused}");
        let event = requests(&host, &refused).await.remove(0);
        assert_eq!((&event["failure"], &event["outputTokens"]), (&json!("unfit"), &json!(3)), "{event}");
        let told = refused["failure"].to_string();
        assert!(told.contains("not usable") && !told.contains("Sure") && !told.contains("swallow"), "{told}");
    }
}

#[tokio::test]
async fn each_iteration_of_a_loop_is_told_apart_and_a_child_asks_too() {
    let server = Witness::start().await;
    server.answer(CHAT, completion("Yes."));
    let each = "\
name: each
steps: [{ name: ask, operation: sampler/ask, params: { ask: { prompt: $item } }, forEach: $input.prompts }]
output: 1
";
    let parent = "name: parent\nsteps: [{ name: child, playbook: each, params: { prompts: $input.prompts } }]\noutput: 1\n";
    let setup = library(openai(&server.url("/v1"))).playbook("each", each).playbook("parent", parent);
    let host = setup.start().await;
    set_secret(&host, "MODEL_KEY", KEY).await;
    let path = "/api/v1/runtimes/library/executions?wait=20s";
    let body = json!({ "playbookName": "parent", "input": { "prompts": ["one", "two"] } });
    let done = host.post(path, body).await.is(200);
    assert_eq!(done["status"], "succeeded", "{done}");
    let listed = host.get("/api/v1/executions?playbook=each").await.is(200);
    let steps: Vec<_> =
        requests(&host, &listed["items"][0]).await.iter().map(|event| event["step"].clone()).collect();
    assert_eq!(steps, ["ask[0]", "ask[1]"]);
}

/// Whether any file below a folder has these bytes.
fn any_file_has(folder: &Path, needle: &str) -> bool {
    let holds = |path: &Path| {
        fs::read(path).is_ok_and(|all| all.windows(needle.len()).any(|bytes| bytes == needle.as_bytes()))
    };
    fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() { any_file_has(&path, needle) } else { holds(&path) }
    })
}

#[tokio::test]
async fn requests_outlive_the_host_and_count_on() {
    let server = Witness::start().await;
    server.answer(CHAT, completion("Yes."));
    let twice = "\
name: twice
steps:
  - { name: ask, operation: sampler/ask, params: { ask: { prompt: one, times: 2 } } }
  - { name: sure, intervention: { prompt: Sure? } }
  - { name: again, operation: sampler/ask, params: { ask: { prompt: two, times: 2 } } }
";
    let mut model = openai(&server.url("/v1"));
    model["maxRequests"] = json!(3);
    let host = library(model).playbook("twice", twice).start().await;
    set_secret(&host, "MODEL_KEY", KEY).await;
    let id = host.begin("twice", json!({})).await;
    let question = host.until(&id, asked("sure")).await;
    let host = host.kill_and_restart().await;
    let _ = host.answer(&id, &question, json!("yes")).await;
    let failed = host.until(&id, failed()).await;
    assert!(failed.to_string().contains("asked 3 times, as often as model.maxRequests lets it"), "{failed}");
    assert_eq!(server.seen(CHAT).len(), 3);
}
