//! Tickets for WebSockets, and sessions, of somebody else.

use axum::body::Body;
use orgata_engine::PrincipalKind;
use serde_json::json;

use crate::support::request;
use crate::world::{World, bare, identity, make_key};

async fn keys(world: &World) -> (String, String) {
    let ann = identity("ann", PrincipalKind::User, &["runtime-read", "execution-write"]);
    let bob = identity("bob", PrincipalKind::User, &["runtime-read", "execution-write"]);
    (make_key(&world.host.engine, ann).await, make_key(&world.host.engine, bob).await)
}

#[tokio::test]
async fn a_ticket_is_good_once_and_for_a_web_socket_alone() {
    let world = World::new().await;
    let (ann, _) = keys(&world).await;
    let taken = world.post(&ann, "/api/v1/tickets", json!({})).await;
    assert_eq!(taken.status, 201, "{}", taken.text);
    let ticket = taken.json()["ticket"].as_str().unwrap().to_owned();
    let elsewhere = world.host.ask(bare("GET", &format!("/api/v1/runtimes?ticket={ticket}"))).await;
    assert_eq!(elsewhere.status, 401);
    // It is let in, and asked to speak WebSocket.
    let ws = format!("/api/v1/ws?ticket={ticket}");
    assert_eq!(world.host.ask(bare("GET", &ws)).await.status, 426);
    assert_eq!(world.host.ask(bare("GET", &ws)).await.code(), "UNAUTHENTICATED", "it was used");
    for bad in ["/api/v1/ws", "/api/v1/ws?ticket=", "/api/v1/ws?ticket=abc"] {
        assert_eq!(world.host.ask(bare("GET", bad)).await.status, 401, "{bad}");
    }
}

#[tokio::test]
async fn a_session_of_somebody_else_is_none() {
    let world = World::new().await;
    let (ann, bob) = keys(&world).await;
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "bare", "version": "1" },
    }});
    let send = |key: &str, session: Option<&str>, body: serde_json::Value| {
        let mut request = request("POST", "/mcp")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("authorization", format!("Bearer {key}"));
        if let Some(session) = session {
            request = request.header("mcp-session-id", session).header("mcp-protocol-version", "2025-11-25");
        }
        request.body(Body::from(body.to_string())).unwrap()
    };
    let opened = world.host.ask(send(&ann, None, initialize)).await;
    let session = opened.headers["mcp-session-id"].to_str().unwrap().to_owned();
    let ping = json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" });
    let foreign = world.host.ask(send(&bob, Some(&session), ping.clone())).await;
    assert_eq!((foreign.status.as_u16(), foreign.code().as_str()), (404, "SESSION_NOT_FOUND"));
    assert_eq!(world.host.ask(send(&ann, Some(&session), ping)).await.status, 200);
}
