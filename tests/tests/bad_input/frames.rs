//! WebSocket clients that say what cannot be understood.

use orgata_tests::raw::RawConnection;
use orgata_tests::{ExecutionId, TestHost};
use serde_json::{Value, json};

use crate::{host, host_with, is_well};

/// A WebSocket on a raw connection, its handshake done.
async fn handshaken(host: &TestHost) -> RawConnection {
    let mut connection = host.raw().await;
    let handshake = "GET /api/v1/ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                     sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    assert!(connection.say(handshake).await);
    connection
}

/// A masked frame (the mask is zero) with this first byte and this text.
fn frame(first: u8, text: &str) -> Vec<u8> {
    let mut bytes = vec![first, 0x80 | u8::try_from(text.len()).expect("a short text"), 0, 0, 0, 0];
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

#[tokio::test]
async fn a_frame_that_cannot_be_understood_gets_an_error_frame_and_the_connection_stays() {
    let host = host().await;
    let nobody = "exec_00000000000070008000000000000000";
    let cases: Vec<(String, &str, &str)> = [
        ("", "BAD_REQUEST", "cannot be understood"),
        ("{", "BAD_REQUEST", "cannot be understood"),
        ("[]", "BAD_REQUEST", "cannot be understood"),
        ("{}", "BAD_REQUEST", "`type`"),
        (r#"{"type": "dance"}"#, "BAD_REQUEST", "unknown variant `dance`"),
        (r#"{"type": 1}"#, "BAD_REQUEST", "cannot be understood"),
        (r#"{"type": "subscribe_execution"}"#, "BAD_REQUEST", "executionId"),
        (r#"{"type": "subscribe_execution", "executionId": "x"}"#, "BAD_REQUEST", "execution id"),
        (r#"{"type": "subscribe_runtime", "runtimeId": "nowhere"}"#, "RUNTIME_NOT_FOUND", "desk"),
        (r#"{"type": "subscribe_runtime", "runtimeId": "a/b"}"#, "BAD_REQUEST", "runtime id"),
        (r#"{"type": "ping", "id": 1}"#, "BAD_REQUEST", "cannot be understood"),
        (r#"{"type": "ping", "more": 1}"#, "BAD_REQUEST", "`more`"),
    ]
    .into_iter()
    .map(|(text, code, says)| (text.to_owned(), code, says))
    .chain([
        (
            json!({ "type": "subscribe_execution", "executionId": nobody }).to_string(),
            "EXECUTION_NOT_FOUND",
            nobody,
        ),
        (
            json!({ "type": "subscribe_execution", "executionId": nobody, "fromSeq": -1 }).to_string(),
            "BAD_REQUEST",
            "cannot be understood",
        ),
        (format!("{{\"type\": {}", "[".repeat(10_000)), "BAD_REQUEST", "cannot be understood"),
    ])
    .collect();
    // One connection for all would be closed: too many mistakes.
    for batch in cases.chunks(8) {
        let mut socket = host.socket().await;
        for (count, (text, code, says)) in batch.iter().enumerate() {
            socket.send_text(text).await;
            let errors = socket.count("error", count + 1).await;
            let error: &Value = &errors[count]["error"];
            assert_eq!(error["code"], *code, "{text:.80}: {error}");
            assert!(error["message"].as_str().unwrap().contains(says), "{text:.80}: {error}");
            assert!(error["requestId"].is_string(), "{text:.80}: {error}");
        }
        socket.send(json!({ "type": "ping", "id": "still there" })).await;
        assert_eq!(socket.frame("pong").await["id"], "still there");
    }
    is_well(&host).await;
}

#[tokio::test]
async fn a_client_that_is_never_understood_is_hung_up_on() {
    let host = host_with(json!({ "api": { "webSocket": { "errors": 5 } } })).await;
    let mut socket = host.socket().await;
    for _ in 0..5 {
        socket.send_text("{").await;
    }
    socket.closed().await;
    assert_eq!(socket.frames().len(), 5, "it was told each time: {:#?}", socket.frames());
    is_well(&host).await;
}

#[tokio::test]
async fn a_frame_that_breaks_the_protocol_or_is_too_large_closes_the_connection_and_nothing_else() {
    let host = host().await;
    let id = host.begin("ask", json!({ "n": 1 })).await;
    let mut other = host.socket().await;
    other.subscribe(&id).await;

    let cases: [(&str, Vec<u8>); 7] = [
        ("not masked", vec![0x81, 0x02, b'{', b'}']),
        ("reserved bits", frame(0xf1, "{}")),
        ("an unknown opcode", frame(0x83, "{}")),
        ("a ping in parts", frame(0x09, "x")),
        ("a continuation of nothing", frame(0x80, "x")),
        ("not UTF-8", vec![0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]),
        // The length alone says enough: nothing of it is waited for.
        ("an exabyte", vec![0x81, 0xff, 0x0d, 0xe0, 0xb6, 0xb3, 0xa7, 0x64, 0, 0, 0, 0, 0, 0]),
    ];
    for (what, bytes) in cases {
        let mut connection = handshaken(&host).await;
        connection.say(bytes).await;
        let words = connection.last_words().await;
        assert_eq!(words.status, Some(101), "{what}: {words:?}");
    }
    let mut large = host.socket().await;
    large.send_text(&"x".repeat(100 << 10)).await;
    large.closed().await;

    other.send(json!({ "type": "ping" })).await;
    other.frame("pong").await;
    is_well(&host).await;
}

#[tokio::test]
async fn one_connection_follows_so_many_things_and_no_more() {
    let host = host_with(json!({ "api": { "webSocket": { "subscriptions": 2 } } })).await;
    let mut ids: Vec<ExecutionId> = Vec::new();
    for _ in 0..3 {
        ids.push(host.begin("ask", json!({ "n": 1 })).await);
    }
    let mut socket = host.socket().await;
    for id in &ids {
        socket.send(json!({ "type": "subscribe_execution", "executionId": id.0, "fromSeq": 0 })).await;
    }
    let error = socket.frame("error").await;
    assert_eq!(error["error"]["code"], "TOO_MANY_SUBSCRIPTIONS", "{error}");
    assert_eq!(error["executionId"], ids[2].0.as_str(), "{error}");
    socket.send(json!({ "type": "unsubscribe_execution", "executionId": ids[0].0 })).await;
    socket.frame("unsubscribed").await;
    socket.send(json!({ "type": "subscribe_execution", "executionId": ids[2].0, "fromSeq": 0 })).await;
    assert_eq!(socket.count("subscribed", 3).await[2]["executionId"], ids[2].0.as_str());
}
