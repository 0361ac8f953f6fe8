//! Guests that misbehave: each ends in a typed failure that names what stopped it, within its limits, and
//! takes nobody with it.
//!
//! `deeds`: what a guest can do by itself. `network`: where it may not go. `files`: components that do harm
//! before anybody calls them. What light work feels of all that is measured in `fair_share`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod deeds;
mod files;
mod network;

use orgata_tests::guests::built;
use orgata_tests::{ExecutionId, HostSetup, TestHost};
use serde_json::{Value, json};

/// Memory of one guest, in MiB.
const MEMORY: u64 = 32;

/// What a guest may hand over at once, in bytes.
const OUTPUT: u64 = 256 * 1024;

/// Lines of log that are kept of one call.
const LINES: usize = 100;

/// What the host may take, in MiB, whatever its guests do: itself (in a debug build), and what those guests
/// hold that run at the same time.
const ROOM: u64 = 200;

/// A host with small limits and these guests.
fn strict(guests: &[&str]) -> HostSetup {
    let limits = json!({
        "time": "2s",
        "memory": format!("{MEMORY} MiB"),
        "output": OUTPUT,
        "logLines": LINES,
        "hostCalls": 5000,
        "httpTime": "200ms",
        "httpBody": "64 KiB",
        "compileTime": "6s",
    });
    let setup = HostSetup::new().config(json!({ "sandbox": limits }));
    guests.iter().fold(setup, |setup, guest| {
        assert!(built(guest).is_some(), "{guest} is built by `cargo xtask plugins`");
        setup.plugin(guest)
    })
}

/// A playbook of one step, of the same name as its operation but for the slash.
fn one_step(setup: HostSetup, operation: &str, params: &str) -> HostSetup {
    let name = operation.replace('/', "-");
    let step = format!("{{ name: deed, operation: {operation}, params: {params} }}");
    setup.playbook(&name, &format!("name: {name}\nsteps: [{step}]\noutput: $steps.deed.result\n"))
}

/// Runs the playbook of an operation to its end: the execution as it is told then.
async fn run(host: &TestHost, operation: &str, input: Value) -> Value {
    let path = format!("/api/v1/runtimes/{}/executions?wait=20s", host.runtime());
    let request = json!({ "playbookName": operation.replace('/', "-"), "input": input });
    host.post(&path, request).await.is(200)
}

/// The id of an execution.
fn id_of(execution: &Value) -> ExecutionId {
    ExecutionId(execution["executionId"].as_str().unwrap().to_owned())
}
