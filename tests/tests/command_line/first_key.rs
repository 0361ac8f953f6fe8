//! The first key of a host, and working with it.

use std::fs;

use orgata_tests::cli::orgata;
use orgata_tests::{StoppedHost, TestHost};
use serde_json::{Value, json};

use super::folder;

/// Tells the host to ask who calls, and puts its runtime into production.
fn ask_for_keys(stopped: &StoppedHost) {
    let file = stopped.folder().join("orgata.yaml");
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    config["authentication"] = json!({ "apiKeys": true });
    config["access"] = json!({ "roles": { "operator": { "production": { "admin": true } } } });
    config["runtimes"][0]["environment"] = json!("production");
    fs::write(file, config.to_string()).unwrap();
}

const CONFIG: [&str; 4] = ["--config", "orgata.yaml", "--data", "data"];

async fn made(stopped: &StoppedHost, more: &[&str]) -> String {
    let arguments: Vec<&str> =
        CONFIG.iter().copied().chain(["key", "create"]).chain(more.iter().copied()).collect();
    let printed = orgata(stopped.folder(), &arguments, "").await.succeeded();
    let key = printed.trim().to_owned();
    assert!(key.starts_with("orgata_") && key.lines().count() == 1, "the key alone is printed: {key}");
    key
}

async fn with_key(host: &TestHost, key: &str, arguments: &[&str]) -> orgata_tests::cli::Ended {
    let all: Vec<&str> = ["--key", key].into_iter().chain(arguments.iter().copied()).collect();
    host.cli(&all).await
}

#[tokio::test]
async fn the_first_key_is_made_where_the_data_is_and_opens_the_host() {
    let stopped = folder().await;
    ask_for_keys(&stopped);
    let operator =
        made(&stopped, &["ann", "--kind", "user", "--environment", "production", "--role", "operator"]).await;
    let worker =
        made(&stopped, &["worker", "--environment", "production", "--scope", "execution:write"]).await;
    let host = stopped.start().await;

    let refused = host.get("/api/v1/runtimes").await;
    assert_eq!(refused.status, 401);
    let told = host.cli(&["exec", "list"]).await.failed(5);
    assert!(told.contains("UNAUTHENTICATED") && told.contains("ORGATA_KEY"), "{told}");
    assert_eq!(host.get("/health").await.status, 200);

    let listed = with_key(&host, &operator, &["--json", "key", "list"]).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2, "{listed}");
    let refused = with_key(&host, &worker, &["key", "list"]).await.failed(5);
    assert!(refused.contains("FORBIDDEN"), "{refused}");

    let body = json!({ "playbookName": "ask", "input": { "n": 7 } });
    let url = host.url("/api/v1/runtimes/desk/executions?wait=10s");
    let started = host.client().post(url).bearer_auth(&worker).json(&body).send().await.unwrap();
    assert!(started.status().is_success(), "it runs until it asks");
    let listed = with_key(&host, &operator, &["--json", "exec", "list"]).await.json();
    assert_eq!(listed["items"][0]["status"], "waiting", "{listed}");

    let keys = with_key(&host, &operator, &["--json", "key", "list"]).await.json();
    let worker_id = keys["items"].as_array().unwrap().iter().find(|key| key["name"] == "worker").unwrap();
    let revoked = with_key(&host, &operator, &["key", "revoke", worker_id["keyId"].as_str().unwrap()]).await;
    assert!(revoked.succeeded().contains("is revoked"));
    let url = host.url("/api/v1/executions");
    assert_eq!(host.client().get(&url).bearer_auth(&worker).send().await.unwrap().status(), 401);
    // It stays revoked, and the other one stays good.
    let host = host.kill_and_restart().await;
    let url = host.url("/api/v1/executions");
    assert_eq!(host.client().get(&url).bearer_auth(&worker).send().await.unwrap().status(), 401);
    assert_eq!(host.client().get(&url).bearer_auth(&operator).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_runtime_in_production_is_not_served_to_whoever_comes() {
    let stopped = folder().await;
    ask_for_keys(&stopped);
    let file = stopped.folder().join("orgata.yaml");
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    config["authentication"] = json!({});
    fs::write(&file, config.to_string()).unwrap();
    let (status, told) = stopped.start_in_vain();
    assert!(!status.success() && told.contains("orgata key create") && told.contains("production"), "{told}");
    // Whoever has the data may run a playbook all the same: nobody else is let in meanwhile.
    let arguments: Vec<&str> = CONFIG
        .into_iter()
        .chain(["run", "ask", "--input", "{\"n\":1}", "--answers", "answers.yaml"])
        .collect();
    fs::write(stopped.folder().join("answers.yaml"), "choose: yea\n").unwrap();
    orgata(stopped.folder(), &arguments, "").await.succeeded();
}
