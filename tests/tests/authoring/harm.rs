//! Sources that mean harm: the build ends, says why, and the host goes on.

use futures_util::future::join_all;
use orgata_tests::drafts::Sources;
use orgata_tests::{HostSetup, TestHost};
use serde_json::{Value, json};

use crate::plugin;

/// A host whose builds end soon.
async fn hasty(more: Value) -> TestHost {
    HostSetup::new().runtime("desk", json!({})).config(json!({ "workshop": more })).start().await
}

/// The host still does what it is for.
async fn is_unharmed(host: &TestHost) {
    assert_eq!(host.get("/ready").await.status, 200);
    host.built(&Sources::module(&plugin("fine", "", "return { tag: 'done', val: '1' };"))).await;
}

#[tokio::test]
async fn a_module_that_loops_when_it_is_loaded_is_stopped() {
    let host = hasty(json!({ "time": "8s" })).await;
    let refused = host.build(&Sources::module("for (;;);\n")).await.refused(422, "BUILD_FAILED");
    assert_eq!(refused["details"]["code"], "BUILD_LIMIT", "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("`time`"), "{refused}");
    is_unharmed(&host).await;
}

#[tokio::test]
async fn a_module_that_eats_memory_is_stopped() {
    let host = hasty(json!({ "memoryBytes": 768 << 20 })).await;
    let eater = "const all = []; for (;;) all.push(new Uint8Array(16 << 20).fill(7));\n";
    let refused = host.build(&Sources::module(eater)).await.refused(422, "BUILD_FAILED");
    let kind = refused["details"]["code"].as_str().unwrap();
    assert!(kind == "BUILD_LIMIT" || kind == "BUILD_FAILED", "{refused}");
    is_unharmed(&host).await;
}

#[tokio::test]
async fn too_much_source_is_refused_before_anything_runs() {
    let host = hasty(json!({})).await;
    let huge = format!("// {}\n", "x".repeat(600 << 10));
    let refused = host.build(&Sources::module(&huge)).await.refused(422, "BUILD_FAILED");
    assert!(refused["details"]["hint"].as_str().unwrap().contains("workshop.sourceBytes"), "{refused}");
    let vast = format!("// {}\n", "x".repeat(2 << 20));
    host.build(&Sources::module(&vast)).await.refused(413, "TOO_LARGE");
    let mut many = Sources::module("");
    many.files.extend((0..200).map(|number| (format!("m{number}.js"), String::new())));
    let refused = host.build(&many).await.refused(422, "BUILD_FAILED");
    assert!(refused["details"]["hint"].as_str().unwrap().contains("workshop.files"), "{refused}");
}

#[tokio::test]
async fn fifty_builds_at_once_wait_in_order_or_are_sent_away() {
    let host = hasty(json!({ "queue": 3 })).await;
    let sources: Vec<_> = (0..50)
        .map(|number| {
            Sources::module(&plugin(&format!("p{number}"), "", "return { tag: 'done', val: '1' };"))
        })
        .collect();
    let replies = join_all(sources.iter().map(|sources| host.build(sources))).await;
    let built = replies.iter().filter(|reply| reply.status == 201).count();
    let sent_away = replies.iter().filter(|reply| reply.status == 429).count();
    assert_eq!(built + sent_away, 50, "{replies:?}");
    assert!(built >= 4, "one at work and three that wait: {built}");
    for reply in replies.into_iter().filter(|reply| reply.status == 429) {
        assert_ne!(reply.header("retry-after"), "");
        let refused = reply.refused(429, "OVERLOADED");
        assert!(refused["message"].as_str().unwrap().contains("wait already"), "{refused}");
    }
    is_unharmed(&host).await;
}

#[tokio::test]
async fn what_misbehaves_when_it_is_tested_is_stopped_there() {
    let host = HostSetup::new()
        .runtime("desk", json!({}))
        .config(json!({ "sandbox": { "time": "500ms" } }))
        .start()
        .await;
    let digest = host.built(&Sources::module(&plugin("looper", "", "for (;;);"))).await;
    let case = json!({ "operation": "run", "input": 1 });
    let tested = host.test(&digest, json!({ "cases": [case] })).await;
    let trial =
        tested["trials"].as_array().unwrap().iter().find(|trial| trial["verdict"] == "failed").unwrap();
    assert_eq!(trial["failure"]["code"], "LIMIT_EXCEEDED", "{tested}");
    assert_eq!(host.get("/ready").await.status, 200);
}

#[tokio::test]
async fn what_wants_more_than_is_granted_is_told_and_denied() {
    let host = hasty(json!({})).await;
    let imports = "import secrets from 'orgata:plugin/secrets@1.0.0';";
    let main = plugin("curious", imports, "return { tag: 'done', val: JSON.stringify(secrets.get('KEY')) };");
    let world = r#"{ "main": "plugin.js", "orgata": { "world": "observing-plugin" } }"#;
    let digest = host.built(&Sources::module(&main).with("package.json", world)).await;
    let known = host.get(&format!("/api/v1/drafts/{digest}?runtime=desk")).await.is(200);
    assert!(known["wants"].as_array().unwrap().contains(&json!("secrets")), "{known}");
    let findings = known["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["code"] == "NOT_GRANTED"), "{known}");
    let tested = host.test(&digest, json!({ "cases": [{ "operation": "run", "input": 1 }] })).await;
    assert_eq!(tested["failed"], 1, "{tested}");
    assert!(tested.to_string().contains("secrets"), "{tested}");
}
