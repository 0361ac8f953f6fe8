//! What operators do, and what of it the next start remembers.

use std::fs;

use orgata_tests::guests::guest;
use orgata_tests::matchers::{asked, completed};
use orgata_tests::{ExecutionId, Question, TestHost};
use serde_json::json;

use super::counting;

/// Begins an execution that waits for an answer.
async fn wait(host: &TestHost) -> (ExecutionId, Question) {
    let id = host.begin("twice", json!({})).await;
    let question = host.until(&id, asked("pause")).await;
    (id, question)
}

/// Answers, and gives the versions that the execution ran on, before and after.
async fn go_on(host: &TestHost, (id, question): &(ExecutionId, Question)) -> [String; 2] {
    host.answer(id, question, json!("go")).await.accepted();
    let output = host.until(id, completed()).await;
    ["before", "after"].map(|when| output[when].as_str().unwrap().to_owned())
}

/// The state of each version that the host knows, by version.
async fn states(host: &TestHost) -> Vec<(String, String)> {
    let versions = host.versions("counter").await.into_iter();
    let mut states: Vec<_> = versions.map(|known| (known.version, known.state)).collect();
    states.sort();
    states
}

fn state(version: &str, state: &str) -> (String, String) {
    (version.to_owned(), state.to_owned())
}

#[tokio::test]
async fn operators_upload_go_back_and_retire_and_what_waits_is_untouched() {
    let host = counting().start().await;
    let mut socket = host.socket().await;
    socket.follow_runtime("shop").await;
    let on_1 = wait(&host).await;

    let reply = host.upload("counter-2").await;
    let location = reply.header("location").to_owned();
    let loaded = reply.is(201);
    assert_eq!((&loaded["name"], &loaded["version"]), (&json!("counter"), &json!("2.0.0")));
    let current = host.until_current("counter", "2.0.0").await;
    assert_eq!(location, format!("/api/v1/plugins/{}", current.digest));
    assert_eq!(current.body["source"]["kind"], "upload");
    host.get(&location).await.is(200);
    let on_2 = wait(&host).await;
    assert_eq!(go_on(&host, &on_1).await, ["1.0.0", "1.0.0"]);

    // Back to the one before, and from there to one by its digest.
    host.rollback("counter", None).await.accepted();
    let one = host.until_current("counter", "1.0.0").await;
    assert_eq!(one.body["source"], json!({ "kind": "file", "file": "counter.wasm" }));
    host.upload("counter-3").await.is(201);
    host.rollback("counter", Some(&current.digest)).await.accepted();
    assert_eq!(
        states(&host).await,
        [state("1.0.0", "earlier"), state("2.0.0", "current"), state("3.0.0", "earlier")]
    );
    let again_2 = wait(&host).await;

    host.delete(&format!("/api/v1/plugins/{}", current.digest)).await.is(204);
    let refusal = host.try_begin("twice", json!({})).await;
    let error = refusal.refused(409, "OPERATION_MISSING");
    assert!(error["message"].as_str().unwrap().contains("load plugin `counter`"), "{error}");

    assert_eq!(
        go_on(&host, &on_2).await,
        ["2.0.0", "2.0.0"],
        "what waits on a version that is retired goes on"
    );
    assert_eq!(go_on(&host, &again_2).await, ["2.0.0", "2.0.0"]);
    let heard = socket.frames().into_iter().filter_map(|frame| {
        let kind = frame["event"]["type"].as_str()?.strip_prefix("plugin_")?.to_owned();
        Some(format!("{kind} {}", frame["event"]["version"].as_str()?))
    });
    let heard: Vec<_> = heard.collect();
    assert_eq!(heard, ["loaded 2.0.0", "loaded 1.0.0", "loaded 3.0.0", "loaded 2.0.0", "retired 2.0.0"]);
}

#[tokio::test]
async fn an_upload_that_is_no_plugin_changes_nothing() {
    let host = counting().config(json!({ "api": { "uploadBytes": 100_000 } })).start().await;
    let whole = fs::read(guest("counter-2")).unwrap();
    let cases = [
        (whole[..whole.len() / 2].to_vec(), "NOT_A_COMPONENT"),
        (fs::read(guest("core-module")).unwrap(), "NOT_A_COMPONENT"),
        (fs::read(guest("odd-describe-traps")).unwrap(), "DESCRIBE_FAILED"),
        (fs::read(guest("odd-broken-schema")).unwrap(), "BAD_SCHEMA"),
    ];
    for (bytes, code) in cases {
        let error = host.upload_bytes(bytes).await.refused(422, "PLUGIN_REFUSED");
        assert_eq!(error["details"]["code"], code, "{error}");
        assert!(!error["details"]["hint"].as_str().unwrap().is_empty(), "{error}");
    }
    let too_large = host.upload_bytes(vec![0; 100_001]).await;
    assert_eq!(too_large.header("connection"), "close", "its body was not read, and nothing can follow it");
    too_large.refused(413, "TOO_LARGE");
    host.upload_bytes(Vec::new()).await.refused(400, "BAD_REQUEST");
    assert_eq!(states(&host).await, [state("1.0.0", "current")]);
}

#[tokio::test]
async fn a_file_that_goes_retires_its_plugin_and_one_that_comes_back_brings_it_back() {
    let host = counting().start().await;
    let waiting = wait(&host).await;
    host.plugins().remove("counter");
    host.until_retired("counter").await;
    host.try_begin("twice", json!({})).await.refused(409, "OPERATION_MISSING");
    assert_eq!(go_on(&host, &waiting).await, ["1.0.0", "1.0.0"], "what runs finishes");

    host.plugins().put("counter", "counter-1");
    host.until_current("counter", "1.0.0").await;
    let back = wait(&host).await;
    assert_eq!(go_on(&host, &back).await, ["1.0.0", "1.0.0"]);
}

#[tokio::test]
async fn a_start_finds_current_what_was_current_and_executions_find_what_they_keep() {
    let host = counting().start().await;
    let on_1 = wait(&host).await;
    host.plugins().put("counter", "counter-2");
    host.until_current("counter", "2.0.0").await;
    let on_2 = wait(&host).await;
    // Newer than the file, and nowhere but in the host's own folder.
    host.upload("counter-3").await.is(201);
    let on_3 = wait(&host).await;

    // The file holds version 2 still, and that must not win: nobody has touched it.
    let host = host.kill_and_restart().await;
    assert_eq!(host.current("counter").await.unwrap().version, "3.0.0");
    let again_3 = wait(&host).await;

    // A file that changed while nobody looked is news; one that is the same is not.
    let stopped = host.stop().await;
    stopped.plugins().put("counter", "counter-4");
    let host = stopped.start().await;
    assert_eq!(host.current("counter").await.unwrap().version, "4.0.0");
    host.rollback("counter", None).await.accepted();
    let host = host.kill_and_restart().await;
    assert_eq!(
        host.current("counter").await.unwrap().version,
        "3.0.0",
        "an operator went back, and that holds"
    );

    assert_eq!(go_on(&host, &on_1).await, ["1.0.0", "1.0.0"]);
    assert_eq!(go_on(&host, &on_2).await, ["2.0.0", "2.0.0"]);
    assert_eq!(go_on(&host, &on_3).await, ["3.0.0", "3.0.0"]);
    assert_eq!(go_on(&host, &again_3).await, ["3.0.0", "3.0.0"]);

    // A file that went while nobody looked takes its plugin with it, if that was current.
    host.rollback("counter", None).await.accepted();
    assert_eq!(host.current("counter").await.unwrap().version, "4.0.0");
    let on_4 = wait(&host).await;
    let stopped = host.stop().await;
    stopped.plugins().remove("counter");
    let host = stopped.start().await;
    assert_eq!(host.current("counter").await, None);
    assert_eq!(go_on(&host, &on_4).await, ["4.0.0", "4.0.0"]);
}
