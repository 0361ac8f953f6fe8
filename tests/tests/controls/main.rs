//! Steering: pause, resume and cancel in every state; what time does by itself: retries, timeouts; finding
//! executions again.
//!
//! Not here: questions (`interventions`), stopping the host (`operations_at_night`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod lists;
mod retries;
mod starts;
mod steering;
mod timeouts;

use std::time::Duration;

use jiff::Timestamp;
use orgata_tests::matchers::asked;
use orgata_tests::{Event, ExecutionId, HostSetup, TestHost, Witness};
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

/// An effect and what comes after it.
const CALL: &str = r#"
name: call
input:
  type: object
  properties: { url: { type: string } }
  required: [url]
steps:
  - { name: call, operation: http-fetch/post, params: { url: $input.url } }
  - { name: after, operation: bench/noop, params: { ok: $steps.call.result.json.ok } }
output: $steps.after.result
"#;

/// Would go on for ever.
const LOOP: &str = "name: loop\nsteps:\n  - { name: spin, operation: hostile/loop }\n";

/// One tiny plugin: nothing to compile.
async fn desk() -> TestHost {
    HostSetup::new().plugin("bench").playbook("ask", ASK).runtime("desk", json!({})).start().await
}

/// A desk that may call this witness.
async fn desk_with(witness: &Witness) -> TestHost {
    let grants = json!({ "http-fetch": { "network": [witness.authority()], "privateAddresses": true } });
    let setup = HostSetup::new().plugin("bench").plugin("http-fetch").playbook("call", CALL);
    setup.runtime("desk", json!({ "grants": grants })).start().await
}

/// A desk with guests that misbehave, under this configuration.
fn with_hostile(config: Value) -> HostSetup {
    let setup =
        HostSetup::new().plugin("bench").plugin("hostile").playbook("ask", ASK).playbook("loop", LOOP);
    setup.runtime("desk", json!({})).config(config)
}

/// An execution of `ask` that waits for its answer.
async fn waiting(host: &TestHost) -> ExecutionId {
    let id = host.begin("ask", json!({})).await;
    host.until(&id, asked("choose")).await;
    id
}

fn kinds(history: &[Event]) -> Vec<&str> {
    history.iter().map(|event| event.kind.as_str()).collect()
}

/// A time in an event or a view.
fn time(value: &Value) -> Timestamp {
    let text = value.as_str().unwrap_or_else(|| panic!("not a time: {value}"));
    text.parse().unwrap_or_else(|error| panic!("not a time: {text}: {error}"))
}

/// From one time to another; nothing when the other was before.
fn between(from: &Value, to: &Value) -> Option<Duration> {
    Duration::try_from(time(to).duration_since(time(from))).ok()
}
