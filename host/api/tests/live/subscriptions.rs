//! Following over a WebSocket.

use std::time::Duration;

use futures_util::SinkExt;
use orgata_api::{Settings, WebSocketSettings};
use orgata_model::duration::DurationText;
use serde_json::{Value, json};
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message;

use crate::Served;

fn seqs(frames: &[Value]) -> Vec<u64> {
    frames
        .iter()
        .filter(|frame| frame["type"] == "execution_event")
        .map(|frame| frame["seq"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_subscription_replays_goes_live_and_ends() {
    let served = Served::new(Settings::default()).await;
    let id = served.host.start("ask", json!({})).await;
    let mut client = served.connect().await;
    client.send(json!({ "type": "subscribe_execution", "executionId": id, "fromSeq": 0 })).await;
    assert_eq!(client.next().await, json!({ "type": "subscribed", "executionId": id, "fromSeq": 1 }));
    let mut seen = Vec::new();
    loop {
        let frame = client.next().await;
        let asked = frame["event"]["type"] == "intervention_required";
        seen.push(frame);
        if asked {
            break;
        }
    }
    let question = &seen.last().unwrap()["event"]["intervention"];
    assert_eq!(question["options"], json!(["grape", "apricot"]));
    served.answer(&id).await;
    let mut rest = client.until("unsubscribed").await;
    assert_eq!(rest.pop().unwrap(), json!({ "type": "unsubscribed", "executionId": id, "reason": "ended" }));
    seen.extend(rest);
    let all = seqs(&seen);
    assert_eq!(all, (1..=all.len() as u64).collect::<Vec<_>>());
    assert_eq!(seen.last().unwrap()["event"]["type"], "execution_completed");
}

#[tokio::test]
async fn without_a_seq_only_what_is_to_come_is_told() {
    let served = Served::new(Settings::default()).await;
    let id = served.host.start("ask", json!({})).await;
    let last = served.host.get(&format!("/api/v1/executions/{id}")).await.json()["seq"].as_u64().unwrap();
    let mut client = served.connect().await;
    client.send(json!({ "type": "subscribe_execution", "executionId": id })).await;
    assert_eq!(client.next().await["fromSeq"], last + 1);
    served.answer(&id).await;
    assert_eq!(client.next().await["event"]["type"], "intervention_resolved");
}

#[tokio::test]
async fn many_subscriptions_share_a_connection() {
    let served = Served::new(Settings::default()).await;
    let mut client = served.connect().await;
    for who in ["a", "b", "c"] {
        let id = served.host.start("hello", json!({ "who": who })).await;
        client.send(json!({ "type": "subscribe_execution", "executionId": id, "fromSeq": 0 })).await;
    }
    let mut ended = 0;
    let mut events = std::collections::BTreeMap::<String, Vec<u64>>::new();
    while ended < 3 {
        let frame = client.next().await;
        ended += usize::from(frame["type"] == "unsubscribed");
        if let Some(seq) = frame["seq"].as_u64() {
            events.entry(frame["executionId"].as_str().unwrap().to_owned()).or_default().push(seq);
        }
    }
    assert_eq!(events.len(), 3);
    for seqs in events.values() {
        assert_eq!(*seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_runtime_tells_of_its_executions_and_plugins() {
    let served = Served::new(Settings::default()).await;
    let mut client = served.connect().await;
    client.send(json!({ "type": "subscribe_runtime", "runtimeId": "kitchen-v1" })).await;
    assert_eq!(client.next().await, json!({ "type": "subscribed", "runtimeId": "kitchen-v1" }));
    let id = served.host.start("hello", json!({ "who": "you" })).await;
    let frame = client.next().await;
    assert_eq!((&frame["type"], &frame["runtimeId"]), (&json!("runtime_event"), &json!("kitchen-v1")));
    assert_eq!((&frame["executionId"], &frame["seq"]), (&json!(id), &json!(1)));
    assert_eq!(frame["event"]["type"], "execution_started");
    while client.next().await["event"]["type"] != "execution_completed" {}
    served.host.words.announce();
    let frame = client.next().await;
    assert_eq!(
        (&frame["event"]["type"], &frame["event"]["plugin"]),
        (&json!("plugin_loaded"), &json!("words"))
    );
    client.send(json!({ "type": "unsubscribe_runtime", "runtimeId": "kitchen-v1" })).await;
    assert_eq!(
        client.next().await,
        json!({ "type": "unsubscribed", "runtimeId": "kitchen-v1", "reason": "requested" })
    );
    served.host.start("hello", json!({ "who": "you" })).await;
    client.send(json!({ "type": "ping", "id": "7" })).await;
    assert_eq!(client.next().await, json!({ "type": "pong", "id": "7" }));
}

#[tokio::test]
async fn a_frame_that_cannot_be_understood_is_answered_and_the_connection_stays() {
    let served = Served::new(Settings::default()).await;
    let mut client = served.connect().await;
    for (frame, code, says) in [
        ("{", "BAD_REQUEST", "cannot be understood"),
        (
            r#"{ "type": "sing" }"#,
            "BAD_REQUEST",
            "unknown variant `sing`, expected one of `subscribe_execution`",
        ),
        (r#"{ "type": "ping", "x": 1 }"#, "BAD_REQUEST", "unknown field `x`"),
        (r#"{ "type": "subscribe_execution", "executionId": "7" }"#, "BAD_REQUEST", "it looks like exec_"),
        (r#"{ "type": "subscribe_runtime", "runtimeId": "nowhere" }"#, "RUNTIME_NOT_FOUND", "kitchen-v1"),
        (
            r#"{ "type": "subscribe_execution", "executionId": "exec_00000000000000000000000000000000" }"#,
            "EXECUTION_NOT_FOUND",
            "exec_0000",
        ),
    ] {
        client.0.send(Message::text(frame)).await.unwrap();
        let answer = client.next().await;
        assert_eq!((&answer["type"], &answer["error"]["code"]), (&json!("error"), &json!(code)), "{frame}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(says), "{answer}");
        assert!(answer["error"]["requestId"].is_string());
    }
    client.0.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(client.next().await["error"]["code"], "BAD_REQUEST");
    client.send(json!({ "type": "ping" })).await;
    assert_eq!(client.next().await, json!({ "type": "pong" }));
}

#[tokio::test]
async fn a_client_that_only_babbles_is_sent_away() {
    let web_socket = WebSocketSettings { errors: 3, ..WebSocketSettings::default() };
    let served = Served::new(Settings { web_socket, ..Settings::default() }).await;
    let mut client = served.connect().await;
    for _ in 0..3 {
        client.0.send(Message::text("bla")).await.unwrap();
    }
    assert_eq!(u16::from(client.closed().await.code), 1008);
}

#[tokio::test]
async fn limits_of_a_connection_hold() {
    let web_socket =
        WebSocketSettings { subscriptions: 1, frame_bytes: 1024, ..WebSocketSettings::default() };
    let served = Served::new(Settings { web_socket, ..Settings::default() }).await;
    let ids = [served.host.start("ask", json!({})).await, served.host.start("ask", json!({})).await];
    let mut client = served.connect().await;
    for _ in 0..2 {
        // The same again takes the place of the first.
        client.send(json!({ "type": "subscribe_execution", "executionId": ids[0] })).await;
        assert_eq!(client.next().await["type"], "subscribed");
    }
    client.send(json!({ "type": "subscribe_execution", "executionId": ids[1] })).await;
    let refused = client.next().await;
    assert_eq!(
        (&refused["error"]["code"], &refused["executionId"]),
        (&json!("TOO_MANY_SUBSCRIPTIONS"), &json!(ids[1]))
    );
    client.0.send(Message::text("x".repeat(5000))).await.unwrap();
    assert_eq!(u16::from(client.closed().await.code), 1009);
}

#[tokio::test]
async fn a_silent_client_is_asked_and_then_left() {
    let web_socket = WebSocketSettings {
        ping_every: DurationText(Duration::from_millis(50)),
        silence: DurationText(Duration::from_millis(300)),
        ..WebSocketSettings::default()
    };
    let served = Served::new(Settings { web_socket, ..Settings::default() }).await;
    // This client never reads, so it never answers a ping.
    let client = served.connect().await;
    let MaybeTlsStream::Plain(stream) = client.0.get_ref() else { panic!("no TLS here") };
    let mut peeked = [0; 1];
    let mut last = 0;
    loop {
        // Bytes gather in the socket until the host closes its end.
        stream.readable().await.unwrap();
        let mut buffer = vec![0; 4096];
        match stream.try_read(&mut buffer) {
            Ok(0) | Err(_) if last > 0 && stream.peek(&mut peeked).await.unwrap_or(0) == 0 => break,
            Ok(read) => last += read,
            Err(_) => {}
        }
    }
    assert!(last > 0);
}
