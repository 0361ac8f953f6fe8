//! What a host keeps for others: secrets that it never tells, state of plugins, and the audit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod audit;
mod grants;
mod secrets;
mod signatures;
mod state;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use orgata_tests::{HostSetup, TestHost};
use serde_json::{Value, json};

/// A host with the guest that fishes for secrets, in two runtimes: only one grants it something.
fn pond() -> HostSetup {
    let step = |operation: &str, params: &str| {
        let name = operation.replace('/', "-");
        let step = format!("{{ name: cast, operation: {operation}, params: {params} }}");
        (name.clone(), format!("name: {name}\nsteps: [{step}]\noutput: $steps.cast.result\n"))
    };
    let (tell, count) =
        (step("angler/tell", "{ name: $input.name, way: $input.way }"), step("angler/count", "{}"));
    let grants = json!({ "angler": { "secrets": ["TOKEN"], "kv": true } });
    let setup = HostSetup::new()
        .plugin("odd-angler")
        .playbook(&tell.0, &tell.1)
        .playbook(&count.0, &count.1)
        .runtime("pond", json!({ "grants": grants }))
        .runtime("dry", json!({}))
        .config(json!({ "secrets": { "key": { "file": "key" } } }));
    with_key(setup, "key", "0123456789abcdef")
}

/// A key in a file that its owner alone can read.
fn with_key(setup: HostSetup, file: &str, pattern: &str) -> HostSetup {
    let setup = setup.file(file, &format!("{}\n", pattern.repeat(4)));
    private(&setup.folder().join(file));
    setup
}

fn private(file: &Path) {
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Runs a playbook in a runtime to its end: the execution as it is told then.
async fn run(host: &TestHost, runtime: &str, playbook: &str, input: Value) -> Value {
    let path = format!("/api/v1/runtimes/{runtime}/executions?wait=20s");
    host.post(&path, json!({ "playbookName": playbook, "input": input })).await.is(200)
}
