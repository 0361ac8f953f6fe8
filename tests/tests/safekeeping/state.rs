//! State that a plugin keeps: its own, in each runtime, and there after a power cut.

use orgata_tests::HostSetup;
use serde_json::{Value, json};

use crate::{pond, run, with_key};

async fn counted(host: &orgata_tests::TestHost, runtime: &str) -> Value {
    run(host, runtime, "angler-count", json!({})).await
}

#[tokio::test]
async fn a_counter_goes_on_where_it_was_when_the_power_went() {
    let host = pond().start().await;
    for expected in 1..=3 {
        assert_eq!(counted(&host, "pond").await["output"], expected);
    }
    let host = host.kill_and_restart().await;
    assert_eq!(counted(&host, "pond").await["output"], 4);
}

#[tokio::test]
async fn many_at_once_count_each_once() {
    let host = pond().start().await;
    let all = futures_util::future::join_all((0..20).map(|_| counted(&host, "pond"))).await;
    let mut counts: Vec<_> = all.iter().map(|execution| execution["output"].as_u64().unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn without_the_grant_nothing_is_kept() {
    let host = pond().start().await;
    let refused = counted(&host, "dry").await;
    assert!(refused.to_string().contains("grant kv: true to plugin angler in runtime dry"), "{refused}");
}

#[tokio::test]
async fn a_plugin_reaches_neither_the_state_nor_the_secrets_of_another() {
    let step = |name: &str, operation: &str, params: &str| {
        let step = format!("{{ name: go, operation: {operation}, params: {params} }}");
        format!("name: {name}\nsteps: [{step}]\noutput: $steps.go.result\n")
    };
    // Both may keep state, and name the same key; the secret is for one of them.
    let grants = json!({ "angler": { "kv": true }, "keeper": { "kv": true, "secrets": ["TOKEN"] } });
    let setup = HostSetup::new()
        .plugin("odd-angler")
        .plugin("odd-keeper")
        .playbook("mine", &step("mine", "angler/count", "{}"))
        .playbook("theirs", &step("theirs", "keeper/count", "{}"))
        .playbook("steal", &step("steal", "angler/tell", "{ name: TOKEN, way: result }"))
        .runtime("pond", json!({ "grants": grants }))
        .config(json!({ "secrets": { "key": { "file": "key" } } }));
    let host = with_key(setup, "key", "0123456789abcdef").start().await;
    host.put("/api/v1/secrets/TOKEN", json!({ "value": "hunter2-correct-horse" })).await.is(200);

    for expected in 1..=3 {
        assert_eq!(run(&host, "pond", "mine", json!({})).await["output"], expected);
    }
    assert_eq!(run(&host, "pond", "theirs", json!({})).await["output"], 1, "it has a counter of its own");
    assert_eq!(run(&host, "pond", "mine", json!({})).await["output"], 4);
    let told = run(&host, "pond", "steal", json!({})).await.to_string();
    assert!(told.contains("grant secrets: [TOKEN] to plugin angler in runtime pond"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}
