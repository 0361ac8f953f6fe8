//! What keeps a host in order for years: deleting what is old, steering many at once, taking executions elsewhere.
//!
//! Not here: stopping and starting (`operations_at_night`), one execution at a time (`controls`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod many;
mod purging;
mod transfer;

use orgata_tests::matchers::asked;
use orgata_tests::{ExecutionId, HostSetup, TestHost};
use serde_json::{Value, json};

/// Computes, asks, computes.
const ASK: &str = r#"
name: ask
steps:
  - { name: think, operation: bench/noop, params: { n: 1 } }
  - name: choose
    intervention: { prompt: Now?, options: [yea, nay] }
  - { name: act, operation: bench/noop, params: { it: $steps.choose.result } }
output: $steps.act.result.it
"#;

const QUICK: &str = "name: quick\nsteps:\n  - { name: a, operation: bench/noop }\n";

fn setup() -> HostSetup {
    HostSetup::new().plugin("bench").playbook("ask", ASK).playbook("quick", QUICK).runtime("desk", json!({}))
}

/// One that has ended, with a label.
async fn ended(host: &TestHost, runtime: &str, label: &str) -> ExecutionId {
    let body = json!({ "playbookName": "quick", "executionOptions": { "labels": { "team": label } } });
    let handle = host.post(&format!("/api/v1/runtimes/{runtime}/executions?wait=20s"), body).await.is(200);
    ExecutionId(handle["executionId"].as_str().unwrap().to_owned())
}

/// One that waits for its answer.
async fn waiting(host: &TestHost) -> ExecutionId {
    let id = host.begin("ask", json!({})).await;
    host.until(&id, asked("choose")).await;
    id
}

/// The ids of a list.
async fn ids(host: &TestHost, query: &str) -> Vec<String> {
    let page = host.get(&format!("/api/v1/executions?limit=1000&{query}")).await.is(200);
    page["items"].as_array().unwrap().iter().map(id_of).collect()
}

fn id_of(item: &Value) -> String {
    item["executionId"].as_str().unwrap().to_owned()
}
