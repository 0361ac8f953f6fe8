//! Workflows written by an assistant: checked, published, run, taken back.

use orgata_tests::HostSetup;
use serde_json::json;

use crate::{Assistant, Era};

const HELLO: &str = "name: hello\nsteps:\n  - { name: a, operation: bench/noop, params: { n: 1 } }\n";

#[tokio::test]
async fn a_playbook_is_checked_mended_published_and_run() {
    let host = HostSetup::new().plugin("bench").runtime("desk", json!({})).start().await;
    let assistant = Assistant::plain(&host, Era::Stateless).await;
    let source = |yaml: &str| json!({ "runtimeId": "desk", "source": yaml });
    let wrong = HELLO.replace("bench/noop", "bench/nop");
    let error = assistant.refused("check_playbook", source(&wrong)).await;
    assert_eq!(error["code"], "PLAYBOOK_INVALID");
    assert!(
        error["details"]["report"].as_str().unwrap().contains("bench/noop"),
        "what to do is told: {error:#}"
    );
    assert_eq!(assistant.call("check_playbook", source(HELLO)).await["name"], "hello");
    let start = json!({ "runtimeId": "desk", "playbookName": "hello", "wait": "30s" });
    assert_eq!(assistant.refused("execute_playbook", start.clone()).await["code"], "PLAYBOOK_NOT_FOUND");
    assistant.call("publish_playbook", source(HELLO)).await;
    assert_eq!(assistant.call("execute_playbook", start).await["status"], "succeeded");
    assert_eq!(assistant.read("orgata://playbook/desk/hello").await, HELLO);
}

#[tokio::test]
async fn a_plugin_is_taken_back_to_the_version_before() {
    let host = HostSetup::new().plugin("counter").runtime("desk", json!({})).start().await;
    let assistant = Assistant::plain(&host, Era::Stateless).await;
    let back = json!({ "pluginName": "counter" });
    let error = assistant.refused("rollback_plugin", back).await;
    assert_eq!(error["code"], "STATE_CONFLICT", "{error}");
    let plugins = assistant.call("list_plugins", json!({})).await;
    assert_eq!(plugins["items"][0]["state"], "current");
}
