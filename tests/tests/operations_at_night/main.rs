//! What an operator lives with: stopping in the middle of everything, more work than there is room for, probes
//! and metrics.
//!
//! Not here: stopping without warning (`kill_nine`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod drain;
mod overload;
mod probes;

use orgata_tests::matchers::step_started;
use orgata_tests::{ExecutionId, HostSetup, TestHost, Witness};
use serde_json::{Value, json};

/// Two effects in a row, and a computation between them.
const CALLS: &str = r#"
name: calls
input:
  type: object
  properties: { shop: { type: string } }
  required: [shop]
steps:
  - name: first
    operation: http-fetch/post
    params: { url: "{{ input.shop }}/first" }
  - { name: think, operation: bench/noop, params: { ok: $steps.first.result.json.ok } }
  - name: second
    operation: http-fetch/post
    params: { url: "{{ input.shop }}/second" }
output: $steps.second.result.json
"#;

const ASK: &str =
    "name: ask\nsteps:\n  - name: choose\n    intervention: { prompt: Now?, options: [yea, nay] }\n";

/// Asks, and has something to do with the answer.
const DECIDE: &str = r#"
name: decide
steps:
  - name: choose
    intervention: { prompt: Now?, options: [yea, nay] }
  - { name: act, operation: bench/noop, params: { it: $steps.choose.result } }
"#;

const EXECUTIONS: &str = "/api/v1/runtimes/desk/executions";

/// A host that may call this witness.
fn shop(witness: &Witness, config: Value) -> HostSetup {
    let grants = json!({ "http-fetch": { "network": [witness.authority()], "privateAddresses": true } });
    let setup =
        HostSetup::new().plugin("bench").plugin("http-fetch").playbook("calls", CALLS).playbook("ask", ASK);
    let setup = setup.playbook("decide", DECIDE);
    setup.runtime("desk", json!({ "grants": grants })).config(config)
}

/// An execution whose first effect is on its way to the witness, and held there.
async fn calling(host: &TestHost, witness: &Witness) -> ExecutionId {
    witness.hold("/first");
    let before = witness.seen("/first").len();
    let id = host.begin("calls", json!({ "shop": witness.url("") })).await;
    host.until(&id, step_started("first")).await;
    witness.until("/first", before + 1).await;
    id
}

fn id_of(handle: &Value) -> ExecutionId {
    ExecutionId(handle["executionId"].as_str().expect("a handle has an id").to_owned())
}
