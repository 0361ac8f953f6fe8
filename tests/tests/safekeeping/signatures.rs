//! Plugins that are signed, and runtimes that take no others.

use std::fs;
use std::path::Path;

use orgata_tests::cli::orgata;
use orgata_tests::{HostSetup, TestHost};
use serde_json::{Value, json};

use crate::run;

/// Makes a key and tells its public half.
async fn key(folder: &Path, file: &str) -> String {
    let made = orgata(folder, &["--json", "plugin", "keygen", file], "").await.json();
    made["key"].as_str().unwrap().to_owned()
}

async fn ask(host: &TestHost, runtime: &str) -> Value {
    let path = format!("/api/v1/runtimes/{runtime}/executions?wait=20s");
    host.post(&path, json!({ "playbookName": "angler-count", "input": {} })).await.body
}

fn setup() -> HostSetup {
    let step = "{ name: cast, operation: angler/count, params: {} }";
    let playbook = format!("name: angler-count\nsteps: [{step}]\noutput: $steps.cast.result\n");
    let grants = json!({ "grants": { "angler": { "kv": true } } });
    let mut live = grants.clone();
    live["environment"] = "production".into();
    HostSetup::new()
        .asking_for_keys()
        .playbook("angler-count", &playbook)
        .runtime("live", live)
        .runtime("lab", grants)
}

#[tokio::test]
async fn production_takes_what_a_believed_key_signed_and_nothing_else() {
    let setup = setup().plugin("odd-angler");
    let (ours, theirs) = (key(setup.folder(), "ours").await, key(setup.folder(), "theirs").await);
    let trust = json!({ "requireSigned": ["production"], "keys": [{ "name": "release", "key": ours }] });
    let host = setup.config(json!({ "trust": trust })).start().await;
    let file = host.folder().join("plugins/odd-angler.wasm");
    let file = file.to_str().unwrap();

    let refused = ask(&host, "live").await;
    assert_eq!(refused["error"]["code"], "OPERATION_MISSING", "{refused}");
    assert!(refused.to_string().contains("is not signed"), "{refused}");
    assert_eq!(run(&host, "lab", "angler-count", json!({})).await["output"], 1);
    assert!(orgata(host.folder(), &["plugin", "verify", file], "").await.failed(1).contains("nobody"));

    let signed = host.folder().join("signed.wasm");
    let signed = signed.to_str().unwrap();
    let sign = async |key: &str| {
        orgata(host.folder(), &["plugin", "sign", file, "--signing-key", key, "-o", signed], "")
            .await
            .succeeded();
        host.cli(&["plugin", "load", signed]).await.succeeded();
    };
    sign("theirs").await;
    let refused = ask(&host, "live").await;
    assert!(refused.to_string().contains("is not believed in production"), "{refused}");
    sign("ours").await;
    assert_eq!(ask(&host, "live").await["output"], 1);
    orgata(host.folder(), &["plugin", "verify", signed, "--signed-by", &ours], "").await.succeeded();
    orgata(host.folder(), &["plugin", "verify", signed, "--signed-by", &theirs], "").await.failed(1);
    let known = host.get("/api/v1/plugins").await.is(200);
    assert!(known.to_string().contains(&ours), "{known}");
}

#[tokio::test]
async fn a_signature_beside_the_file_counts_and_one_of_other_bytes_does_not() {
    let setup = setup().plugin("odd-angler");
    let ours = key(setup.folder(), "ours").await;
    let folder = setup.folder().join("plugins");
    let file = folder.join("odd-angler.wasm");
    let sign = ["plugin", "sign", file.to_str().unwrap(), "--signing-key", "ours", "--detached"];
    orgata(setup.folder(), &sign, "").await.succeeded();
    let trust = json!({ "requireSigned": ["production"], "keys": [{ "name": "release", "key": ours }] });
    let host = setup.config(json!({ "trust": trust })).start().await;
    assert_eq!(ask(&host, "live").await["output"], 1);

    let other = host.folder().join("plugins/odd-observer.wasm");
    fs::copy(
        host.folder().join("plugins/odd-angler.wasm.sig"),
        host.folder().join("plugins/odd-observer.wasm.sig"),
    )
    .unwrap();
    host.plugins().put("odd-observer", "odd-observer");
    host.until_current("observer", "1.0.0").await;
    let verified = orgata(host.folder(), &["plugin", "verify", other.to_str().unwrap()], "").await;
    assert!(verified.failed(1).contains("nobody"));
}
