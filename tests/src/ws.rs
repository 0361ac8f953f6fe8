//! A WebSocket client that keeps every frame it got.

use std::sync::{Arc, Mutex};

use futures_util::stream::SplitSink;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::event::{self, Event, ExecutionId};
use crate::host::TestHost;
use crate::matchers::Matcher;
use crate::patience;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// An open connection. Dropping it breaks it off, without a farewell.
pub struct Socket {
    sink: SplitSink<Stream, Message>,
    frames: Arc<Mutex<Vec<Value>>>,
    /// What the host said when it closed: its code and why.
    farewell: Arc<Mutex<Option<(u16, String)>>>,
    /// How many frames there are; closed when the connection is.
    arrived: watch::Receiver<usize>,
    reader: JoinHandle<()>,
}

impl TestHost {
    /// Connects to `/api/v1/ws`.
    pub async fn socket(&self) -> Socket {
        self.socket_at("/api/v1/ws", None).await
    }

    /// The same with this key or token.
    pub async fn socket_of(&self, bearer: &str) -> Socket {
        self.socket_at("/api/v1/ws", Some(bearer)).await
    }

    /// Connects there.
    pub async fn socket_at(&self, path: &str, bearer: Option<&str>) -> Socket {
        let url = self.url(path).replacen("http", "ws", 1);
        let mut request = url.into_client_request().expect("it is an address");
        if let Some(bearer) = bearer {
            let value = format!("Bearer {bearer}").parse().expect("a key can be sent");
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let (stream, _) = connect_async(request).await.expect("the host speaks WebSocket");
        let (sink, mut source) = stream.split();
        let (count, arrived) = watch::channel(0);
        let frames = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&frames);
        let farewell = Arc::new(Mutex::new(None));
        let last_word = Arc::clone(&farewell);
        let reader = tokio::spawn(async move {
            while let Some(Ok(message)) = source.next().await {
                if let Message::Close(Some(close)) = &message {
                    *last_word.lock().unwrap() = Some((close.code.into(), close.reason.to_string()));
                }
                let Message::Text(text) = message else { continue };
                let frame = serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text.as_str()));
                let mut kept = kept.lock().unwrap();
                kept.push(frame);
                count.send_replace(kept.len());
            }
        });
        Socket { sink, frames, farewell, arrived, reader }
    }
}

impl Socket {
    /// Sends a frame.
    pub async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    /// Sends any text, JSON or not.
    pub async fn send_text(&mut self, text: &str) {
        self.sink.send(Message::text(text)).await.expect("the connection is open");
    }

    /// Subscribes to an execution, from its first event, and waits until the host says so.
    pub async fn subscribe(&mut self, id: &ExecutionId) {
        self.send(json!({ "type": "subscribe_execution", "executionId": id.0, "fromSeq": 0 })).await;
        self.frame("subscribed").await;
    }

    /// Subscribes to an execution from this seq on, or to what is to come, without waiting for the host.
    pub async fn follow(&mut self, id: &ExecutionId, from_seq: Option<u64>) {
        let mut frame = json!({ "type": "subscribe_execution", "executionId": id.0 });
        if let Some(seq) = from_seq {
            frame["fromSeq"] = seq.into();
        }
        self.send(frame).await;
    }

    /// Subscribes to a runtime, and waits until the host says so.
    pub async fn follow_runtime(&mut self, runtime: &str) {
        self.send(json!({ "type": "subscribe_runtime", "runtimeId": runtime })).await;
        let what = format!("subscribed to runtime {runtime}");
        self.find(&what, |frame| {
            (frame["type"] == "subscribed" && frame["runtimeId"] == runtime).then_some(())
        })
        .await;
    }

    /// Waits for a frame that `look` gives something for.
    pub async fn find<T>(&mut self, what: &str, look: impl Fn(&Value) -> Option<T>) -> T {
        let found = self.wait(|socket| socket.frames.lock().unwrap().iter().find_map(&look)).await;
        found.unwrap_or_else(|| panic!("{what} did not come. The frames:\n{:#?}", self.frames()))
    }

    /// All frames so far.
    pub fn frames(&self) -> Vec<Value> {
        self.frames.lock().unwrap().clone()
    }

    /// The events of one execution so far, in the order in which they came.
    pub fn events(&self, id: &ExecutionId) -> Vec<Event> {
        let frames = self.frames();
        let own = frames.iter().filter(|frame| frame["executionId"] == id.0.as_str());
        own.filter(|frame| frame["type"] == "execution_event").filter_map(Event::read).collect()
    }

    /// Waits until the events of an execution hold what is asked for.
    pub async fn until<T>(&mut self, id: &ExecutionId, matcher: Matcher<T>) -> T {
        let found = self.wait(|socket| matcher.find(&socket.events(id))).await;
        found.unwrap_or_else(|| {
            panic!("{} did not come. The frames:\n{}", matcher.what, event::lines(&self.events(id)))
        })
    }

    /// Waits for a frame of this type; gives the last such.
    pub async fn frame(&mut self, kind: &str) -> Value {
        let last = |socket: &Self| socket.frames().into_iter().rfind(|frame| frame["type"] == kind);
        let found = self.wait(last).await;
        found.unwrap_or_else(|| panic!("no frame {kind} came. The frames:\n{:#?}", self.frames()))
    }

    /// Waits for so many frames of this type; gives them all.
    pub async fn count(&mut self, kind: &str, count: usize) -> Vec<Value> {
        let own = |socket: &Self| -> Vec<Value> {
            socket.frames().into_iter().filter(|frame| frame["type"] == kind).collect()
        };
        let found = self.wait(|socket| Some(own(socket)).filter(|frames| frames.len() >= count)).await;
        found.unwrap_or_else(|| {
            panic!("{count} frames {kind} did not come. The frames:\n{:#?}", self.frames())
        })
    }

    /// Waits until the host closes the connection: the code and the reason that it gave, if any.
    pub async fn closed(&mut self) -> Option<(u16, String)> {
        let closed = async { while self.arrived.changed().await.is_ok() {} };
        assert!(patience::within(closed).await.is_some(), "the host did not close the connection");
        self.farewell.lock().unwrap().clone()
    }

    /// Looks at what came, and again at every frame; gives up when the connection closes.
    async fn wait<T>(&mut self, look: impl Fn(&Self) -> Option<T>) -> Option<T> {
        let waiting = patience::within(async {
            loop {
                // Marked as seen before looking: a frame that comes meanwhile is not missed.
                self.arrived.borrow_and_update();
                if let Some(found) = look(self) {
                    return Some(found);
                }
                self.arrived.changed().await.ok()?;
            }
        });
        waiting.await.flatten()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
