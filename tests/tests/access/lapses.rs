//! A key is revoked, a token expires: whatever it opened is closed, and says why.

use futures_util::StreamExt as _;
use orgata_tests::matchers::asked;
use orgata_tests::patience;
use orgata_tests::sse::EventStream;
use orgata_tests::{ExecutionId, TestHost};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::token::{believing, token};
use crate::{Key, asking, key, revoke};

/// Long enough to open everything on a busy machine, and no longer than a test may take.
const SOON: u64 = 6;
const ACCEPT: &str = "application/json, text/event-stream";

/// An execution that waits for a person, and keeps all streams open.
async fn waiting(host: &TestHost) -> ExecutionId {
    let id = host.begin("ask", json!({})).await;
    host.until(&id, asked("choose")).await;
    id
}

/// A WebSocket, and a stream of events, opened with this proof; then `end` ends it, and both say why.
async fn both_are_closed(host: &TestHost, bearer: &str, says: &str, end: impl AsyncFnOnce()) {
    let id = waiting(host).await;
    let mut socket = host.socket_of(bearer).await;
    socket.subscribe(&id).await;
    let mut other = host.socket_of(host.key().unwrap()).await;
    other.subscribe(&id).await;
    let url = host.url(&format!("/api/v1/executions/{id}/events"));
    let client = host.client_of(bearer);
    let mut stream = EventStream::open(&client, &url, None).await.unwrap().unwrap();
    stream.until(asked("choose")).await;
    end().await;

    let (code, reason) = socket.closed().await.expect("the host says why it closes");
    assert_eq!(code, 4401, "{reason}");
    assert!(reason.contains(says), "{reason}");
    let rest = patience::within(stream.next()).await.expect("the stream ends");
    assert_eq!(rest, None, "nothing more is told");
    let refusal = stream.refusal.expect("the stream says why it ends");
    assert_eq!(refusal["code"], "UNAUTHENTICATED", "{refusal}");
    assert!(refusal["message"].as_str().unwrap().contains(says), "{refusal}");
    // A browser comes back by itself, and is refused once and for all.
    let again = client.get(&url).send().await.unwrap();
    assert_eq!(again.status(), 401);
    // Nobody else is closed.
    other.send(json!({ "type": "ping", "id": "7" })).await;
    assert_eq!(other.frame("pong").await["id"], "7");
}

#[tokio::test]
async fn what_a_key_opened_is_closed_when_it_is_revoked() {
    let host = asking().start().await;
    let worker = key(&host, "worker", json!({})).await;
    both_are_closed(&host, &worker.text, "revoked", async || revoke(&host, &worker).await).await;
}

#[tokio::test]
async fn what_a_key_opened_is_closed_when_it_expires() {
    let host = asking().start().await;
    let worker = key(&host, "worker", json!({ "expiresIn": format!("{SOON}s") })).await;
    both_are_closed(&host, &worker.text, "expired", async || {}).await;
}

#[tokio::test]
async fn what_a_token_opened_is_closed_when_it_expires() {
    let host = believing(asking()).start().await;
    both_are_closed(&host, &token("worker", SOON), "expired", async || {}).await;
}

#[tokio::test]
async fn a_page_that_came_with_a_ticket_is_closed_with_the_key_that_took_it() {
    let host = asking().start().await;
    let worker = key(&host, "worker", json!({})).await;
    let ticket = async || {
        let taken = host.client_of(&worker.text).post(host.url("/api/v1/tickets")).send().await.unwrap();
        let taken: Value = taken.json().await.unwrap();
        format!("/api/v1/ws?ticket={}", taken["ticket"].as_str().unwrap())
    };
    let mut socket = host.socket_at(&ticket().await, None).await;
    socket.send(json!({ "type": "ping" })).await;
    socket.frame("pong").await;
    let unused = ticket().await;
    revoke(&host, &worker).await;
    assert_eq!(socket.closed().await.map(|(code, _)| code), Some(4401));
    let late = Client::new().get(host.url(&unused)).send().await.unwrap();
    assert_eq!(late.status(), 401, "a ticket is good no longer than what took it");
}

#[tokio::test]
async fn an_mcp_session_and_what_it_follows_end_with_the_key_that_opened_it() {
    let host = asking().start().await;
    let (worker, spare) = (key(&host, "worker", json!({})).await, key(&host, "worker", json!({})).await);
    let id = waiting(&host).await;
    let session = opened(&host, &worker).await;
    let subscribe = json!({ "jsonrpc": "2.0", "id": 2, "method": "resources/subscribe",
        "params": { "uri": format!("orgata://execution/{id}") } });
    assert_eq!(mcp(&host, &worker, Method::POST, Some(&session), Some(&subscribe)).await.status(), 200);
    let stream = mcp(&host, &worker, Method::GET, Some(&session), None).await;
    assert_eq!(stream.status(), 200);
    // The same principal has another key: until now it may go on with the session.
    let ping = json!({ "jsonrpc": "2.0", "id": 3, "method": "ping" });
    assert_eq!(mcp(&host, &spare, Method::POST, Some(&session), Some(&ping)).await.status(), 200);
    revoke(&host, &worker).await;
    ends(stream).await;
    assert_eq!(mcp(&host, &worker, Method::POST, Some(&session), Some(&ping)).await.status(), 401);
    let gone = patience::until(async || {
        let answer = mcp(&host, &spare, Method::POST, Some(&session), Some(&ping)).await;
        (answer.status() == 404).then_some(())
    });
    gone.await.expect("the session is over");
    opened(&host, &spare).await;
}

#[tokio::test]
async fn a_subscription_over_mcp_without_sessions_ends_with_the_token_that_asked_for_it() {
    let host = believing(asking()).start().await;
    let id = waiting(&host).await;
    let worker = Key { id: String::new(), text: token("worker", SOON) };
    let listen = json!({ "jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {
        "notifications": { "resourceSubscriptions": [format!("orgata://execution/{id}")] },
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "bare", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }});
    let request = host.client_of(&worker.text).post(host.url("/mcp")).header("accept", ACCEPT).json(&listen);
    let request =
        request.header("mcp-protocol-version", "2026-07-28").header("mcp-method", "subscriptions/listen");
    let stream = request.send().await.unwrap();
    assert_eq!(stream.status(), 200);
    assert!(stream.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    ends(stream).await;
}

/// Opens a session, as clients of revision 2025-11-25 do.
async fn opened(host: &TestHost, key: &Key) -> String {
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "bare", "version": "1" },
    }});
    let answer = mcp(host, key, Method::POST, None, Some(&initialize)).await;
    assert_eq!(answer.status(), 200);
    let session = answer.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(mcp(host, key, Method::POST, Some(&session), Some(&ready)).await.status(), 202);
    session
}

async fn mcp(
    host: &TestHost,
    key: &Key,
    method: Method,
    session: Option<&str>,
    body: Option<&Value>,
) -> Response {
    let request = host.client_of(&key.text).request(method, host.url("/mcp")).header("accept", ACCEPT);
    let request = session.into_iter().fold(request, |request, session| {
        request.header("mcp-session-id", session).header("mcp-protocol-version", "2025-11-25")
    });
    body.into_iter().fold(request, |request, body| request.json(body)).send().await.unwrap()
}

/// Reads a stream to its end, which must come, and well.
async fn ends(stream: Response) {
    let mut parts = stream.bytes_stream();
    let end = patience::within(async {
        while let Some(part) = parts.next().await {
            drop(part.unwrap())
        }
    })
    .await;
    assert!(end.is_some(), "the stream stays open");
}
