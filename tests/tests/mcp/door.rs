//! Who is let in: names, pages, sessions, bodies, revisions. Told with bare requests.

use orgata_tests::{HostSetup, Reply, TestHost};
use reqwest::Method;
use serde_json::{Value, json};

use crate::bare::{initialize, send, session, stateless};

const ACCEPT: &str = "application/json, text/event-stream";

#[tokio::test]
async fn pages_and_names_of_others_are_refused_before_anything_is_read() {
    let host = TestHost::kitchen().await;
    let list = stateless("tools/list", json!({}));
    for origin in ["https://evil.example", "null", "http://", "evil", "http://127.0.0.1.evil.example"] {
        for (method, body) in [(Method::POST, Some(&list)), (Method::GET, None), (Method::DELETE, None)] {
            send(&host, method, &[("origin", origin)], body).await.refused(403, "ORIGIN_NOT_ALLOWED");
        }
    }
    for name in ["evil.example", "127.0.0.1.evil.example"] {
        send(&host, Method::POST, &[("host", name)], Some(&initialize()))
            .await
            .refused(403, "HOST_NOT_ALLOWED");
    }
    // Of its own page, and of no page.
    let own = host.address().to_owned();
    for headers in [&[("origin", own.as_str())][..], &[]] {
        assert_eq!(send(&host, Method::POST, headers, Some(&initialize())).await.status, 200);
    }
}

#[tokio::test]
async fn a_listed_page_may_call_and_read_the_session() {
    let app = "https://app.example";
    let setup = HostSetup::kitchen().config(json!({ "api": { "allowedOrigins": [app] } }));
    let host = setup.start().await;
    let opened = send(&host, Method::POST, &[("origin", app)], Some(&initialize())).await;
    assert_eq!((opened.status, opened.header("access-control-allow-origin")), (200, app));
    assert!(opened.header("access-control-expose-headers").contains("mcp-session-id"), "{opened:?}");
}

#[tokio::test]
async fn a_session_that_is_not_the_callers_is_none() {
    let host = TestHost::kitchen().await;
    let session = session(&host).await;
    let ping = json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" });
    for foreign in ["", "0000", "x".repeat(500).as_str()] {
        let headers = [("mcp-session-id", foreign), ("mcp-protocol-version", "2025-11-25")];
        for (method, body) in [(Method::POST, Some(&ping)), (Method::GET, None), (Method::DELETE, None)] {
            send(&host, method, &headers, body).await.refused(404, "SESSION_NOT_FOUND");
        }
    }
    let own = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")];
    assert_eq!(send(&host, Method::POST, &own, Some(&ping)).await.status, 200);
    assert!(send(&host, Method::DELETE, &own, None).await.status < 300);
    assert_eq!(send(&host, Method::POST, &own, Some(&ping)).await.status, 404, "it is closed");
    let host = host.kill_and_restart().await;
    send(&host, Method::POST, &own, Some(&ping)).await.refused(404, "SESSION_NOT_FOUND");
}

#[tokio::test]
async fn sessions_are_counted_and_those_that_are_closed_make_room() {
    let host = HostSetup::kitchen().config(json!({ "api": { "mcp": { "sessions": 2 } } })).start().await;
    let first = session(&host).await;
    session(&host).await;
    send(&host, Method::POST, &[], Some(&initialize())).await.refused(429, "OVERLOADED");
    // Whoever needs no session is not held up.
    let list = stateless("tools/list", json!({}));
    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/list")];
    assert_eq!(send(&host, Method::POST, &headers, Some(&list)).await.status, 200);
    assert!(send(&host, Method::DELETE, &[("mcp-session-id", &first)], None).await.status < 300);
    session(&host).await;
}

#[tokio::test]
async fn a_session_that_is_silent_for_longer_than_people_need_is_closed() {
    let silent = json!({ "api": { "mcp": { "keepAlive": "1ms" } } });
    let host = HostSetup::kitchen().config(silent).start().await;
    let session = session(&host).await;
    let own = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")];
    // A look is a sign of life, so its end must come between two: a look at a session that is at its end is refused.
    let closed = orgata_tests::patience::until(async || {
        let looked = host.client().get(host.url("/mcp")).header("accept", ACCEPT);
        let looked = own.iter().fold(looked, |request, (name, value)| request.header(*name, *value));
        let reply = looked.send().await.expect("the host answers");
        (reply.status() == 404).then_some(())
    });
    closed.await.expect("it is closed in the end");
    let defaults = host.cli(&["config", "--json"]).await.json();
    assert_eq!(defaults["api"]["mcp"]["keepAlive"], "1ms");
}

#[tokio::test]
async fn bodies_are_bounded_and_what_headers_say_is_what_the_body_says() {
    let host = TestHost::kitchen().await;
    let huge = stateless("tools/list", json!({ "cursor": "x".repeat(2 << 20) }));
    send(&host, Method::POST, &[], Some(&huge)).await.refused(413, "TOO_LARGE");
    let list = stateless("tools/list", json!({}));
    let call = stateless("tools/call", json!({ "name": "list_runtimes", "arguments": {} }));
    let version = ("mcp-protocol-version", "2026-07-28");
    let (lists, calls) = (("mcp-method", "tools/list"), ("mcp-method", "tools/call"));
    let named = ("mcp-name", "list_runtimes");
    for (headers, body) in [
        (vec![version, ("mcp-method", "prompts/list")], &list),
        (vec![version], &list),
        (vec![("mcp-protocol-version", "2025-11-25"), lists], &list),
        (vec![version, calls], &call),
        (vec![version, calls, ("mcp-name", "cancel_execution")], &call),
        (vec![version, lists, named], &call),
    ] {
        let mismatch = send(&host, Method::POST, &headers, Some(body)).await.is(400);
        assert_eq!(mismatch["error"]["code"], -32020, "{headers:?}: {mismatch}");
    }
    for (headers, body) in [(vec![version, lists], &list), (vec![version, calls, named], &call)] {
        assert_eq!(send(&host, Method::POST, &headers, Some(body)).await.status, 200, "{headers:?}");
    }
}

#[tokio::test]
async fn revisions_that_are_not_served_are_refused_with_those_that_are() {
    let host = TestHost::kitchen().await;
    let mut unknown = stateless("tools/list", json!({}));
    unknown["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2031-01-01");
    let headers = [("mcp-protocol-version", "2031-01-01"), ("mcp-method", "tools/list")];
    let refused = send(&host, Method::POST, &headers, Some(&unknown)).await.is(400);
    assert_eq!(refused["error"]["code"], -32022, "{refused}");
    assert_eq!(refused["error"]["data"]["supported"], json!(["2026-07-28", "2025-11-25"]));
    // Inside of a session too.
    let session = session(&host).await;
    let ping = json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" });
    let headers = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2031-01-01")];
    assert_eq!(send(&host, Method::POST, &headers, Some(&ping)).await.status, 400);
}

#[tokio::test]
async fn older_clients_are_offered_a_revision_that_is_served() {
    let host = TestHost::kitchen().await;
    for asked in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2031-01-01"] {
        let mut opening = initialize();
        opening["params"]["protocolVersion"] = json!(asked);
        let request = host.client().post(host.url("/mcp")).header("accept", ACCEPT).json(&opening);
        let text = Reply::read("initialize", request).await.is(200).to_string();
        assert!(text.contains("2025-11-25"), "{asked}: {text}");
    }
}

#[tokio::test]
async fn nothing_that_is_sent_brings_the_host_down() {
    let host = TestHost::kitchen().await;
    let session = session(&host).await;
    let call = |params: Value| {
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
    };
    let mut deep = stateless("tools/call", json!({ "name": "execute_playbook" }));
    deep["params"]["arguments"] =
        json!({ "runtimeId": "kitchen-v1", "playbookName": "pbj-sandwich", "input": "DEEP" });
    let deep =
        deep.to_string().replace("\"DEEP\"", &format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
    let bodies = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "\u{0}\u{1}".to_owned(),
        "[".repeat(100_000),
        deep,
        call(json!({ "name": 7 })),
        call(json!([])),
        call(json!({ "name": "execute_playbook", "arguments": [] })),
        call(json!({ "name": "execute_playbook", "arguments": { "input": { "a": 1e308 } } })),
        json!({ "jsonrpc": "2.0", "id": {}, "method": "tools/list" }).to_string(),
        json!({ "jsonrpc": "1.0", "id": 1, "method": "tools/list" }).to_string(),
        json!({ "jsonrpc": "2.0", "id": 1, "result": {} }).to_string(),
        json!([initialize(), initialize()]).to_string(),
    ];
    let own = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")];
    let bare = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "execute_playbook"),
    ];
    for body in bodies {
        for headers in [&own[..], &bare[..], &[]] {
            let request = host.client().post(host.url("/mcp")).header("accept", ACCEPT).body(body.clone());
            let request = request.header("content-type", "application/json");
            let request =
                headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let reply = Reply::read("/mcp", request).await;
            let shown: String = body.chars().take(100).collect();
            assert!(reply.status < 500, "{shown}: {reply:?}");
        }
    }
    let ping = json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" });
    assert_eq!(send(&host, Method::POST, &own, Some(&ping)).await.status, 200, "the session is as it was");
}
