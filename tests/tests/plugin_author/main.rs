//! A new plugin, from an empty folder to a step that runs: `plugin new`, `plugin build`, `plugin test`, `plugin load`.
//!
//! The scaffold in Rust is built by the real Cargo, with the versions of packages that the guests of this repository are built
//! with: those are on this machine already. The one in JavaScript needs nothing but the host.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

use std::fs;
use std::path::{Path, PathBuf};

use orgata_tests::binary;
use orgata_tests::cli::{orgata, orgata_at_length};
use orgata_tests::matchers::completed;
use orgata_tests::{HostSetup, TestHost};
use serde_json::json;

/// The guests of this repository.
fn guests() -> PathBuf {
    binary::playbooks().with_file_name("plugins")
}

/// A host that waits for somebody's first plugin.
async fn host() -> TestHost {
    let hello = "name: hello\nsteps: [{ name: greet, operation: greeter/greet, params: { name: $input.name } }]\n\
                 output: $steps.greet.result\n";
    HostSetup::new().playbook("hello", hello).runtime("desk", json!({})).start().await
}

/// Makes the scaffold of a plugin named `greeter`.
async fn scaffold(folder: &Path, language: &str) {
    let arguments = ["plugin", "new", "greeter", "--lang", language];
    let told = orgata(folder, &arguments, "").await.succeeded();
    assert!(told.contains("orgata plugin build greeter"), "what comes next is told:\n{told}");
}

/// Builds it, runs its examples, and loads it into the running host, as it was told.
async fn is_built_tested_and_used(host: &TestHost, variables: &[(&str, &Path)]) {
    let folder = host.folder();
    let told = orgata_at_length(folder, &["plugin", "build", "greeter"], variables).await.succeeded();
    assert!(told.contains("orgata plugin test greeter/greeter.wasm"), "what comes next is told:\n{told}");
    let told = orgata(folder, &["plugin", "test", "greeter/greeter.wasm"], "").await.succeeded();
    assert!(told.contains("✓ Ada") && told.contains("1 passed"), "{told}");
    let shown = orgata(folder, &["plugin", "inspect", "greeter/greeter.wasm", "--json"], "").await.json();
    assert_eq!(shown["effect"], "pure", "what only computes needs no grant: {shown}");

    host.cli(&["plugin", "load", "greeter/greeter.wasm"]).await.succeeded();
    let id = host.begin("hello", json!({ "name": "Grace" })).await;
    assert_eq!(host.until(&id, completed()).await, json!({ "greeting": "Hello, Grace!" }));
}

#[tokio::test]
async fn a_new_plugin_in_rust_is_built_tested_and_used() {
    let host = host().await;
    scaffold(host.folder(), "rust").await;
    let own = host.folder().join("greeter");
    fs::copy(guests().join("Cargo.lock"), own.join("Cargo.lock")).expect("the guests have a lock file");
    // Where the guests were built: what is compiled of those packages need not be compiled again.
    let target = guests().join("target");
    let variables: [(&str, &Path); 2] = [("CARGO_TARGET_DIR", &target), ("CARGO_BUILD_BUILD_DIR", &target)];
    is_built_tested_and_used(&host, &variables).await;

    // A mistake is the compiler's to tell, and what was built before stays.
    let before = fs::read(own.join("greeter.wasm")).unwrap();
    let source = fs::read_to_string(own.join("src/lib.rs")).unwrap();
    fs::write(own.join("src/lib.rs"), source.replace("fn greet(", "fn greets(")).unwrap();
    let said = orgata_at_length(host.folder(), &["plugin", "build", "greeter"], &variables).await.failed(1);
    assert!(said.contains("cannot find function `greet`"), "{said}");
    assert_eq!(fs::read(own.join("greeter.wasm")).unwrap(), before);
}

#[tokio::test]
async fn a_new_plugin_in_javascript_is_built_tested_and_used() {
    let host = host().await;
    scaffold(host.folder(), "js").await;
    is_built_tested_and_used(&host, &[]).await;

    // A mistake is told with its place, and what was built before stays.
    let own = host.folder().join("greeter");
    let before = fs::read(own.join("greeter.wasm")).unwrap();
    let source = fs::read_to_string(own.join("greeter.js")).unwrap();
    fs::write(own.join("greeter.js"), source.replace("function greet(input) {", "function greet(input {"))
        .unwrap();
    let said = orgata_at_length(host.folder(), &["plugin", "build", "greeter"], &[]).await.failed(1);
    assert!(said.contains("greeter.js:"), "{said}");
    assert_eq!(fs::read(own.join("greeter.wasm")).unwrap(), before);
}
