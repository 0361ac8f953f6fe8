//! Bare requests: what a client sends, byte by byte, whoever it claims to be.

use orgata_tests::{Reply, TestHost};
use reqwest::Method;
use serde_json::{Value, json};

const ACCEPT: &str = "application/json, text/event-stream";

/// Sends one request to `/mcp` with these headers.
pub(crate) async fn send(
    host: &TestHost,
    method: Method,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Reply {
    let request = host.client().request(method, host.url("/mcp")).header("accept", ACCEPT);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let request = body.into_iter().fold(request, |request, body| request.json(body));
    Reply::read("/mcp", request).await
}

/// What opens a session.
pub(crate) fn initialize() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "bare", "version": "1" },
    }})
}

/// A request of the revision without sessions, of a client that can do nothing.
pub(crate) fn stateless(method: &str, params: Value) -> Value {
    able(method, params, json!({}))
}

/// The same of a client that can do this.
pub(crate) fn able(method: &str, mut params: Value, capabilities: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "bare", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    });
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

/// Opens a session: its id.
pub(crate) async fn session(host: &TestHost) -> String {
    let opened = send(host, Method::POST, &[], Some(&initialize())).await;
    assert_eq!(opened.status, 200, "{opened:?}");
    opened.header("mcp-session-id").to_owned()
}

/// The message in an answer: it is the body, or comes as an event of a stream.
pub(crate) fn message(reply: &Reply) -> Value {
    let Value::String(stream) = &reply.body else { return reply.body.clone() };
    let mut events = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    let last = events.rfind(|data| data.starts_with('{'));
    serde_json::from_str(last.unwrap_or_else(|| panic!("no message: {reply:?}"))).unwrap()
}
