//! Real connections: WebSocket, limits of HTTP, and stopping.

mod support;

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use orgata_api::{Settings, WebSocketSettings};
use orgata_model::duration::DurationText;
use serde_json::{Value, json};
use support::Host;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

type Socket = tokio_tungstenite::WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A host that listens.
struct Served {
    host: Host,
    address: String,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Served {
    async fn new(settings: Settings) -> Self {
        let host = Host::with(settings).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(host.api().serve(listener, async { drop(stopped.await) }));
        Self { host, address, stop, served }
    }

    async fn connect(&self) -> Client {
        let url = format!("ws://{}/api/v1/ws", self.address);
        Client(tokio_tungstenite::connect_async(url).await.unwrap().0)
    }

    /// Sends bytes, and reads until the host closes.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn answer(&self, id: &str) {
        let path = format!("/api/v1/executions/{id}/interventions/{}", self.host.question(id).await);
        let answer = self.host.post(&path, json!({ "response": { "jelly_flavor": "grape" } })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

struct Client(Socket);

impl Client {
    async fn send(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next frame that is not WebSocket's own.
    async fn next(&mut self) -> Value {
        loop {
            match self.message().await {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn message(&mut self) -> Message {
        let next = tokio::time::timeout(Duration::from_secs(10), self.0.next());
        next.await.expect("a frame in time").expect("a connection").expect("a frame")
    }

    async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut seen = Vec::new();
        loop {
            let frame = self.next().await;
            let done = frame["type"] == kind;
            seen.push(frame);
            if done {
                return seen;
            }
        }
    }

    async fn closed(&mut self) -> CloseFrame {
        loop {
            if let Message::Close(frame) = self.message().await {
                return frame.unwrap();
            }
        }
    }
}

fn seqs(frames: &[Value]) -> Vec<u64> {
    frames.iter().filter(|frame| frame["type"] == "execution_event").map(|frame| frame["seq"].as_u64().unwrap()).collect()
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
    assert_eq!((&frame["event"]["type"], &frame["event"]["plugin"]), (&json!("plugin_loaded"), &json!("words")));
    client.send(json!({ "type": "unsubscribe_runtime", "runtimeId": "kitchen-v1" })).await;
    assert_eq!(client.next().await, json!({ "type": "unsubscribed", "runtimeId": "kitchen-v1", "reason": "requested" }));
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
        (r#"{ "type": "sing" }"#, "BAD_REQUEST", "unknown variant `sing`, expected one of `subscribe_execution`"),
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
    let web_socket = WebSocketSettings { subscriptions: 1, frame_bytes: 1024, ..WebSocketSettings::default() };
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
    assert_eq!((&refused["error"]["code"], &refused["executionId"]), (&json!("TOO_MANY_SUBSCRIPTIONS"), &json!(ids[1])));
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

#[tokio::test]
async fn stopping_says_goodbye_to_every_stream() {
    let served = Served::new(Settings::default()).await;
    let id = served.host.start("ask", json!({})).await;
    let mut client = served.connect().await;
    client.send(json!({ "type": "subscribe_execution", "executionId": id })).await;
    assert_eq!(client.next().await["type"], "subscribed");
    let mut stream = TcpStream::connect(&served.address).await.unwrap();
    let get = format!("GET /api/v1/executions/{id}/events HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(get.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    served.stop.send(()).unwrap();
    assert_eq!(u16::from(client.closed().await.code), 1001);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    drop(client);
    tokio::time::timeout(Duration::from_secs(5), served.served).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(&served.address).await.is_err());
}

#[tokio::test]
async fn a_head_that_never_ends_costs_a_connection_its_place() {
    let settings = Settings { header_timeout: DurationText(Duration::from_millis(200)), ..Settings::default() };
    let served = Served::new(settings).await;
    let answer = served.raw(b"GET /health HTTP/1.1\r\nhost: loc").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    // So does a connection that is kept open for nothing.
    let idle = served.raw(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(idle.ends_with("{\"status\":\"ok\"}"), "{idle}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let served = Served::new(Settings::default()).await;
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    let answer = served.raw(format!("GET /health HTTP/1.1\r\nhost: localhost\r\n{many}\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let long = "y".repeat(100_000);
    let answer = served.raw(format!("GET /health HTTP/1.1\r\nhost: localhost\r\nx: {long}\r\n\r\n").as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn a_body_that_never_comes_is_given_up() {
    let settings = Settings { body_timeout: DurationText(Duration::from_millis(200)), ..Settings::default() };
    let served = Served::new(settings).await;
    let head = "POST /api/v1/runtimes HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    let answer = served.raw(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("REQUEST_TIMEOUT"), "{answer}");
}

#[tokio::test]
async fn a_connection_over_the_limit_waits_for_its_place() {
    let served = Served::new(Settings { connections: 1, ..Settings::default() }).await;
    // A WebSocket keeps the place that its connection took.
    let client = served.connect().await;
    let mut second = TcpStream::connect(&served.address).await.unwrap();
    second.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut byte = [0; 1];
    let early = tokio::time::timeout(Duration::from_millis(200), second.read_exact(&mut byte)).await;
    assert!(early.is_err(), "it was served beyond the limit");
    drop(client);
    tokio::time::timeout(Duration::from_secs(5), second.read_exact(&mut byte)).await.unwrap().unwrap();
    assert_eq!(byte, *b"H");
}
