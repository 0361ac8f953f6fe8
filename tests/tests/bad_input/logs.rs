//! What comes in never writes the log: no line of its own, no colours, no escapes.

use orgata_tests::http::Reply;
use orgata_tests::{HostSetup, TestHost};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{ASK, is_well};

/// Would be a line of its own, then something that a terminal obeys.
const FORGED: &str =
    "x\r\n2026-01-01T00:00:00Z  INFO forged line\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J\u{2028}\u{202e}";

async fn host(json: bool) -> TestHost {
    let setup = HostSetup::new().plugin("bench").playbook("ask", ASK).runtime("desk", json!({}));
    let setup = if json { setup.json_log() } else { setup };
    setup.log("debug,hyper=info").start().await
}

/// Says it everywhere where something is said.
async fn say_it(host: &TestHost) {
    let encoded: String = FORGED.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let json = |body: Value| ("application/json", body.to_string());
    let yaml = format!("name: {}\nsteps: [{{ name: s, operation: bench/noop }}]\n", json!(FORGED));
    let cases = [
        (Method::GET, format!("/{encoded}"), json(Value::Null)),
        (Method::GET, format!("/api/v1/executions/{encoded}"), json(Value::Null)),
        (Method::GET, format!("/api/v1/runtimes/{encoded}"), json(Value::Null)),
        (Method::GET, format!("/api/v1/executions?status={encoded}&{encoded}=1"), json(Value::Null)),
        (Method::POST, "/api/v1/runtimes".into(), json(json!({ "runtimeId": FORGED }))),
        (Method::POST, "/api/v1/runtimes".into(), json(json!({ FORGED: 1 }))),
        (
            Method::POST,
            "/api/v1/runtimes/desk/executions".into(),
            json(
                json!({ "playbookName": "ask", "input": { "n": FORGED, FORGED: 1 }, "idempotencyKey": FORGED,
                "executionOptions": { "labels": { FORGED: FORGED } } }),
            ),
        ),
        (
            Method::POST,
            "/api/v1/runtimes/desk/events".into(),
            json(json!({ "event": FORGED, "payload": FORGED })),
        ),
        (Method::PUT, "/api/v1/runtimes/desk/playbooks/ask".into(), ("application/yaml", yaml)),
        (Method::POST, format!("/api/v1/plugins?name={encoded}"), ("application/wasm", FORGED.to_owned())),
        (Method::POST, "/mcp".into(), json(json!({ "jsonrpc": "2.0", "id": FORGED, "method": FORGED }))),
    ];
    for (method, path, (kind, body)) in cases {
        let request = host.client().request(method, host.url(&path)).header("content-type", kind);
        let request = request.header("x-request-id", "a\tb").header("user-agent", "a\tb").body(body);
        let _ = Reply::read(path, request).await;
    }
    let mut raw = host.raw().await;
    raw.say("GET /\x1b[31m HTTP/1.1\r\nhost: \x1b[31m\r\nx-a: \x1b[31m\r\nconnection: close\r\n\r\n").await;
    let _ = raw.last_words().await;
    let mut socket = host.socket().await;
    socket.send(json!({ "type": FORGED, FORGED: 1 })).await;
    socket.frame("error").await;
    is_well(host).await;
}

fn is_clean(line: &str) -> bool {
    let obeyed = |letter: char| letter.is_control() && letter != '\t';
    !line.contains(obeyed) && !line.contains(['\u{2028}', '\u{202e}']) && !line.starts_with("2026-01-01")
}

#[tokio::test]
async fn nothing_that_comes_in_writes_a_line_of_the_log_for_people() {
    let host = host(false).await;
    say_it(&host).await;
    let log = host.log();
    assert!(log.len() > 20, "the log says much at this level");
    let dirty: Vec<_> = log.iter().filter(|line| !is_clean(line)).collect();
    assert!(dirty.is_empty(), "{dirty:#?}");
}

#[tokio::test]
async fn nothing_that_comes_in_writes_a_line_of_the_log_for_programs() {
    let host = host(true).await;
    say_it(&host).await;
    for line in host.log() {
        assert!(serde_json::from_str::<Value>(&line).is_ok_and(|line| line.is_object()), "{line:?}");
        assert!(!line.contains(|letter: char| letter.is_control()), "{line:?}");
    }
}
