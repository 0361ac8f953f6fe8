//! Whatever comes in: malformed, mistaken, oversized, slow or made up. Every refusal has the one shape of
//! errors and the right status, costs little, and the host goes on as if nothing had been.
//!
//! Not here: plugins that misbehave (`hostile_guests`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    reason = "a story that cannot go on ends right there, and a table of cases says its own type"
)]

mod answers;
mod bodies;
mod connections;
mod frames;
mod logs;
mod mistakes;
mod requests;
mod swelling;

use orgata_tests::{HostSetup, TestHost};
use serde_json::{Value, json};

/// A playbook that checks its input, asks, and needs no compiler: `bench/noop` is tiny.
const ASK: &str = r#"
name: ask
input:
  type: object
  properties: { n: { type: integer, minimum: 1 } }
  required: [n]
  additionalProperties: false
steps:
  - name: think
    operation: bench/noop
    params: { n: $input.n }
  - name: choose
    role: boss
    intervention:
      prompt: Yes or no?
      response:
        type: object
        properties: { sure: { type: boolean } }
        required: [sure]
        additionalProperties: false
output: $steps.choose.result
"#;

async fn host() -> TestHost {
    host_with(json!({})).await
}

async fn host_with(config: Value) -> TestHost {
    let setup = HostSetup::new().plugin("bench").playbook("ask", ASK);
    setup.runtime("desk", json!({})).config(config).start().await
}

/// The host does its work as on the first day.
async fn is_well(host: &TestHost) {
    let body = json!({ "playbookName": "ask", "input": { "n": 1 } });
    let handle = host.post("/api/v1/runtimes/desk/executions?wait=20s", body).await.is(202);
    assert_eq!(handle["status"], "waiting", "it takes work");
}
