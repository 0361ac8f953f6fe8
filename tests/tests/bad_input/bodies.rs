//! Bodies that are huge, deep or slow.

use std::time::Instant;

use futures_util::future::join_all;
use orgata_tests::http::Reply;
use orgata_tests::patience::PATIENCE;
use orgata_tests::raw::LastWords;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{host, host_with, is_well};

const START: &str = "/api/v1/runtimes/desk/executions";
const MIB: usize = 1 << 20;
/// What a host may grow by, in MiB, whatever is sent to it: bodies at the limit, and then some.
const GROWTH: u64 = 64;

/// The error in what a raw connection got.
fn error_of(words: &LastWords) -> Value {
    let body = words.text.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    serde_json::from_str::<Value>(body).unwrap_or_else(|_| panic!("no JSON: {words:?}"))["error"].clone()
}

#[tokio::test]
async fn a_body_of_100_mb_is_refused_before_it_is_read() {
    let host = host().await;
    let before = host.peak_memory();
    let body = vec![b'x'; 100 * MIB];
    for (method, path, kind, status) in [
        (Method::POST, START, "application/json", 413),
        (
            Method::POST,
            "/api/v1/executions/exec_00000000000070008000000000000000/pause",
            "application/json",
            413,
        ),
        (Method::PUT, "/api/v1/runtimes/desk/playbooks/ask", "application/yaml", 413),
        (Method::POST, "/api/v1/plugins", "application/wasm", 413),
    ] {
        let began = Instant::now();
        let request = host.client().request(method, host.url(path)).header("content-type", kind);
        let reply = Reply::read(path, request.body(body.clone())).await;
        let error = reply.refused(status, "TOO_LARGE");
        assert!(error["details"]["limit"].is_u64(), "{error}");
        assert!(began.elapsed() < PATIENCE / 2, "{path}: it took {:?}", began.elapsed());
    }
    let grown = host.peak_memory() - before;
    assert!(grown < GROWTH, "the host grew by {grown} MiB");
    is_well(&host).await;
}

#[tokio::test]
async fn a_body_without_a_length_is_cut_off_at_the_limit() {
    let host = host().await;
    let before = host.peak_memory();
    let senders = (0..8).map(|_| async {
        let mut connection = host.raw().await;
        let head = format!(
            "POST {START} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        );
        connection.say(head).await;
        let chunk = format!("{:x}\r\n{}\r\n", 64 * 1024, "x".repeat(64 * 1024));
        for _ in 0..(100 * MIB / (64 * 1024)) {
            if !connection.say(&chunk).await {
                break;
            }
        }
        connection.last_words().await
    });
    let told = join_all(senders).await.into_iter().filter(|words| words.status == Some(413)).count();
    assert!(told > 0, "those who still listen are told why");
    let grown = host.peak_memory() - before;
    assert!(grown < GROWTH, "the host grew by {grown} MiB");
    is_well(&host).await;
}

#[tokio::test]
async fn json_that_is_nested_too_deeply_is_refused_wherever_it_comes() {
    let host = host().await;
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let start = |input: &str| format!(r#"{{"playbookName": "ask", "input": {input}}}"#);
    for (body, says) in [
        (start(&deep(100_000)), "recursion limit"),
        (start(&deep(200)), "recursion limit"),
        (start(&"{\"a\":".repeat(100_000)), "recursion limit"),
        (deep(200_000), "does not fit"),
    ] {
        let request = host.client().post(host.url(START)).header("content-type", "application/json");
        let reply = Reply::read("deep", request.body(body)).await;
        let error = reply.refused(400, "BAD_REQUEST");
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
    }
    let yaml = format!("name: ask\ninput: {}\nsteps: []\n", deep(50_000));
    let request = host.client().put(host.url("/api/v1/runtimes/desk/playbooks/ask"));
    let reply = Reply::read("deep YAML", request.header("content-type", "application/yaml").body(yaml)).await;
    let error = reply.refused(422, "PLAYBOOK_INVALID");
    assert_eq!(error["details"]["problems"][0]["line"], 2, "{error}");
    is_well(&host).await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let host = host_with(json!({ "api": { "bodyTimeout": "300ms" } })).await;
    let mut connections = Vec::new();
    for _ in 0..20 {
        let mut connection = host.raw().await;
        let head = format!(
            "POST {START} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: 100\r\nconnection: close\r\n\r\n{{\"play"
        );
        connection.say(head).await;
        connections.push(connection);
    }
    // Others are served meanwhile.
    is_well(&host).await;
    for connection in connections {
        let words = connection.last_words().await;
        assert_eq!(words.status, Some(408), "{words:?}");
        assert_eq!(error_of(&words)["code"], "REQUEST_TIMEOUT", "{words:?}");
    }
    is_well(&host).await;
}

#[tokio::test]
async fn an_input_may_be_as_large_as_the_setting_says() {
    let host = host_with(json!({ "engine": { "inputBytes": 1000 } })).await;
    let body = |size: usize| json!({ "playbookName": "ask", "input": { "n": 1, "m": "x".repeat(size) } });
    let error = host.post(START, body(2_000)).await.refused(422, "INPUT_INVALID");
    assert!(error["message"].as_str().unwrap().contains("1000"), "the limit is told: {error}");
    is_well(&host).await;
}
