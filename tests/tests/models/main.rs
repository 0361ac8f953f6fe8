//! Operations that ask AI models: whom they reach, what is known of it, and what nobody ever sees.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod asking;
mod bounds;
mod configuring;
mod rehearsing;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use orgata_tests::cli::orgata;
use orgata_tests::{HostSetup, TestHost};
use serde_json::{Value, json};

/// The server's key.
const KEY: &str = "sk-hunter2-correct-horse-battery";
/// What is asked, so that one can look for it.
const PROMPT: &str = "What is the airspeed velocity of an unladen swallow?";
const PLAYBOOK: &str = "\
name: ask
steps: [{ name: ask, operation: sampler/ask, params: { ask: $input } }]
output: $steps.ask.result
";

/// A host whose operations may ask this model.
fn library(model: Value) -> HostSetup {
    let setup = HostSetup::new()
        .plugin("odd-sampler")
        .playbook("ask", PLAYBOOK)
        .runtime(
            "library",
            json!({ "grants": { "sampler": { "model": true, "secrets": ["PIN"] } }, "model": model }),
        )
        .config(json!({ "secrets": { "key": { "file": "key" } } }))
        .file("key", &format!("{}\n", "0123456789abcdef".repeat(4)));
    let key = setup.folder().join("key");
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    setup
}

/// A model of a server that speaks as OpenAI's does, at this address.
fn openai(base: &str) -> Value {
    json!({
        "provider": "openai", "baseUrl": base, "model": "small", "apiKey": "MODEL_KEY",
        "prices": { "input": 2.0, "output": 10.0 },
    })
}

/// What such a server says.
fn completion(content: &str) -> Value {
    json!({
        "model": "small-2026",
        "choices": [{ "message": { "role": "assistant", "content": content } }],
        "usage": { "prompt_tokens": 1_000, "completion_tokens": 200 },
    })
}

async fn set_secret(host: &TestHost, name: &str, value: &str) {
    let arguments = ["--server", host.address(), "secret", "set", name];
    orgata(host.folder(), &arguments, value).await.succeeded();
}

/// Asks in a runtime and waits for the end: the execution as it is told then.
async fn ask(host: &TestHost, runtime: &str, input: Value) -> Value {
    let path = format!("/api/v1/runtimes/{runtime}/executions?wait=20s");
    host.post(&path, json!({ "playbookName": "ask", "input": input })).await.is(200)
}

/// What history, over REST, says of the requests that an execution made.
async fn requests(host: &TestHost, execution: &Value) -> Vec<Value> {
    let id = execution["executionId"].as_str().unwrap();
    let page = host.get(&format!("/api/v1/executions/{id}/history?limit=200")).await.is(200);
    let events = page["items"].as_array().unwrap().iter().map(|item| item["event"].clone());
    events.filter(|event| event["type"] == "model_asked").collect()
}
