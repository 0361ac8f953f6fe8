//! Real connections: WebSocket, limits of HTTP, and stopping.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may say so by panicking"
)]

mod connections;
mod http;
mod rates;
mod subscriptions;
#[path = "../support/mod.rs"]
mod support;
mod tls;

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use orgata_api::{Api, Settings, Tls, TlsSettings};
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
        let api = host.api();
        Self::start(host, api).await
    }

    async fn secured(settings: Settings, tls: TlsSettings) -> Self {
        let host = Host::with(settings).await;
        let api = host.api().secured_by(Tls::open(tls).await.unwrap());
        Self::start(host, api).await
    }

    async fn start(host: Host, api: Api) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(api.serve(listener, async { drop(stopped.await) }));
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
