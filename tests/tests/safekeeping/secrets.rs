//! Secrets: set, granted, rotated, and never seen again.

use std::fs;
use std::path::Path;

use orgata_tests::cli::orgata;
use orgata_tests::{ExecutionId, TestHost};
use serde_json::json;

use crate::{pond, run, with_key};

const VALUE: &str = "hunter2-correct-horse-battery";

async fn set(host: &TestHost, name: &str, value: &str) {
    let said =
        orgata(host.folder(), &["--server", host.address(), "secret", "set", name], value).await.succeeded();
    assert_eq!(said.trim(), format!("{name} is set"));
}

/// Every file below a folder whose bytes contain this.
fn files_with(folder: &Path, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, needle));
        } else if fs::read(&path)
            .unwrap_or_default()
            .windows(needle.len())
            .any(|bytes| bytes == needle.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test]
async fn a_guest_that_fishes_catches_nothing_that_anybody_else_sees() {
    let host = pond().start().await;
    set(&host, "TOKEN", VALUE).await;
    let mut told = String::new();
    for way in
        ["result", "spelled", "log", "print", "cut", "progress", "state", "failure", "panic", "invalid"]
    {
        let execution = run(&host, "pond", "angler-tell", json!({ "name": "TOKEN", "way": way })).await;
        let id = ExecutionId(execution["executionId"].as_str().unwrap().to_owned());
        told.push_str(&execution.to_string());
        told.push_str(&format!("{:?}", host.history(&id).await));
        told.push_str(&host.get(&format!("/api/v1/executions/{id}/state")).await.is(200).to_string());
        let ended_well = !["failure", "panic", "invalid"].contains(&way);
        assert_eq!(execution["status"] == "succeeded", ended_well, "{way}: {execution}");
    }
    let listed = host.get("/api/v1/secrets").await.is(200);
    assert_eq!(listed["items"][0]["name"], "TOKEN");
    told.push_str(&listed.to_string());
    told.push_str(&host.get("/api/v1/audit").await.is(200).to_string());
    told.push_str(&host.log().join("\n"));
    assert!(told.contains("[secret TOKEN]"), "it was told by name");
    let hex: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
    // A part of it would do, where a line was cut.
    for part in [VALUE, &hex, &VALUE[..10], &VALUE[VALUE.len() - 10..]] {
        assert!(!told.contains(part), "{part} was told");
    }
    let stopped = host.stop().await;
    assert_eq!(files_with(stopped.folder(), VALUE), [""; 0]);
    assert_eq!(files_with(stopped.folder(), &VALUE[..10]), [""; 0]);
}

#[tokio::test]
async fn without_a_grant_a_secret_is_denied_and_the_failure_says_which_grant() {
    let host = pond().start().await;
    set(&host, "TOKEN", VALUE).await;
    let refused = run(&host, "dry", "angler-tell", json!({ "name": "TOKEN", "way": "result" })).await;
    assert!(
        refused.to_string().contains("grant secrets: [TOKEN] to plugin angler in runtime dry"),
        "{refused}"
    );
    let other = run(&host, "pond", "angler-tell", json!({ "name": "OTHER", "way": "result" })).await;
    assert!(other.to_string().contains("grant secrets: [OTHER]"), "{other}");
}

#[tokio::test]
async fn a_secret_changes_and_goes_without_a_restart() {
    let host = pond().start().await;
    let cast = json!({ "name": "TOKEN", "way": "result" });
    let early = run(&host, "pond", "angler-tell", cast.clone()).await;
    assert!(early.to_string().contains("orgata secret set TOKEN"), "{early}");
    set(&host, "TOKEN", VALUE).await;
    set(&host, "TOKEN", "another-value-altogether").await;
    let told = run(&host, "pond", "angler-tell", cast.clone()).await.to_string();
    assert!(told.contains("[secret TOKEN]") && !told.contains("another-value"), "{told}");
    host.cli(&["secret", "remove", "TOKEN"]).await.succeeded();
    let gone = run(&host, "pond", "angler-tell", cast).await;
    assert!(gone.to_string().contains("orgata secret set TOKEN"), "{gone}");
    host.delete("/api/v1/secrets/TOKEN").await.refused(404, "SECRET_NOT_FOUND");
}

#[tokio::test]
async fn keys_are_rotated_and_the_old_one_can_go() {
    let setup = with_key(pond(), "new-key", "fedcba9876543210");
    let host = setup.start().await;
    set(&host, "TOKEN", VALUE).await;
    let old = host.get("/api/v1/secrets").await.is(200)["items"][0]["keyId"].clone();
    let stopped = host.stop().await;
    reconfigure(
        stopped.folder(),
        json!({ "key": { "file": "new-key" }, "previousKeys": [{ "file": "key" }] }),
    );
    let host = stopped.start().await;
    let said = host.cli(&["secret", "rotate"]).await.succeeded();
    assert!(said.starts_with("1 secrets were sealed anew"), "{said}");
    assert_ne!(host.get("/api/v1/secrets").await.is(200)["items"][0]["keyId"], old);
    let stopped = host.stop().await;
    reconfigure(stopped.folder(), json!({ "key": { "file": "new-key" } }));
    let host = stopped.start().await;
    let told = run(&host, "pond", "angler-tell", json!({ "name": "TOKEN", "way": "result" })).await;
    assert_eq!(told["output"]["told"], json!(["[secret TOKEN]"]), "{told}");
}

#[tokio::test]
async fn a_host_with_the_wrong_key_does_not_start_and_says_what_to_do() {
    let host = with_key(pond(), "wrong-key", "fedcba9876543210").start().await;
    set(&host, "TOKEN", VALUE).await;
    let stopped = host.stop().await;
    reconfigure(stopped.folder(), json!({ "key": { "file": "wrong-key" } }));
    let (status, said) = stopped.start_in_vain();
    assert!(!status.success());
    for part in ["TOKEN", "secrets.previousKeys", "secrets.dropUnreadable"] {
        assert!(said.contains(part), "{part} is missing: {said}");
    }
    reconfigure(stopped.folder(), json!({ "key": { "file": "wrong-key" }, "dropUnreadable": true }));
    let host = stopped.start().await;
    assert_eq!(host.get("/api/v1/secrets").await.is(200)["items"], json!([]));
}

#[tokio::test]
async fn a_value_that_cannot_be_is_refused_without_being_repeated() {
    let host = pond().start().await;
    for body in [json!({ "value": 4242424242_u64 }), json!({ "value": "" }), json!({ "valeu": "4242424242" })]
    {
        let error = host.put("/api/v1/secrets/TOKEN", body).await.refused(400, "BAD_REQUEST");
        assert!(!error.to_string().contains("4242424242"), "{error}");
    }
}

fn reconfigure(folder: &Path, secrets: serde_json::Value) {
    let file = folder.join("orgata.yaml");
    let mut config: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    config["secrets"] = secrets;
    fs::write(file, config.to_string()).unwrap();
}
