//! Messages between standard input and output, and `/mcp` of a host.
//!
//! Each message of the client becomes a request, beside the others; what comes back, at once or in a stream, becomes lines.
//! A session is kept where the host opens one, with a stream for what the host says by itself. Where there is none, a
//! request is cancelled by leaving it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;
use tokio::task::{AbortHandle, JoinSet};

use super::stream::Messages;
use super::{headers, pipes};
use crate::client::Client;
use crate::wire::Parts as _;

/// How long replies may still come when the client writes no more.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long to wait before a stream that broke off is opened again.
const BREATH: Duration = Duration::from_secs(1);
/// Requests at once; more wait to be read.
const AT_ONCE: usize = 256;
/// JSON-RPC's codes.
const PARSE_ERROR: i64 = -32700;
const INTERNAL_ERROR: i64 = -32603;

/// What holds for the whole conversation.
#[derive(Clone)]
struct Bridge {
    client: Client,
    out: Sender<String>,
    session: Arc<Mutex<Session>>,
    /// Requests under way, by their ids as JSON.
    requests: Arc<Mutex<HashMap<String, AbortHandle>>>,
}

/// What `initialize` brought.
#[derive(Default, Clone)]
struct Session {
    id: Option<String>,
    version: Option<String>,
}

/// Carries messages until the client leaves.
pub(super) async fn carry(client: &Client) -> anyhow::Result<()> {
    let mut lines = pipes::input();
    let (out, writing) = pipes::output();
    let (session, requests) = (Arc::default(), Arc::default());
    let bridge = Bridge { client: client.clone(), out, session, requests };
    let mut work = JoinSet::new();
    let mut listening = JoinSet::new();
    loop {
        let line = tokio::select! {
            line = lines.recv(), if work.len() < AT_ONCE => line,
            // What is done is forgotten as it comes.
            Some(_) = work.join_next() => continue,
        };
        let Some(line) = line else { break };
        bridge.take(&line, &mut work, &mut listening).await;
    }
    let _ = tokio::time::timeout(LAST_WORDS, async { while work.join_next().await.is_some() {} }).await;
    work.shutdown().await;
    listening.shutdown().await;
    bridge.leave().await;
    drop(bridge);
    let _ = tokio::task::spawn_blocking(move || writing.join()).await;
    Ok(())
}

impl Bridge {
    async fn take(&self, line: &[u8], work: &mut JoinSet<()>, listening: &mut JoinSet<()>) {
        let message: Value = match serde_json::from_slice(line) {
            Ok(message @ Value::Object(_)) => message,
            Ok(_) => {
                return self
                    .refuse(&Value::Null, PARSE_ERROR, "a message is one JSON object", Value::Null)
                    .await;
            }
            Err(error) => {
                let told = format!("a message is not JSON: {error}");
                return self.refuse(&Value::Null, PARSE_ERROR, &told, Value::Null).await;
            }
        };
        match message.word("method") {
            // Everything that follows belongs to the session that this opens.
            Some("initialize") => self.clone().pass(message).await,
            Some("notifications/cancelled") if self.session().id.is_none() => self.cancel(&message),
            Some("notifications/initialized") => {
                self.clone().pass(message).await;
                listening.spawn(self.clone().listen());
            }
            method => {
                let id = message.get("id").filter(|_| method.is_some()).map(Value::to_string);
                // Held until it is noted, so that nothing is done before.
                let mut requests = self.requests();
                let started = work.spawn(self.clone().pass(message));
                if let Some(id) = id {
                    requests.insert(id, started);
                }
            }
        }
    }

    /// Sends a message, and gives the client what comes back.
    async fn pass(self, message: Value) {
        let id = message.part("id").clone();
        let is_request = message.get("method").is_some() && !id.is_null();
        let passed = self.try_pass(&message, is_request).await;
        if !is_request {
            return;
        }
        if let Err(error) = passed {
            self.refuse(&id, INTERNAL_ERROR, &format!("{error:#}"), Value::Null).await;
        }
        self.requests().remove(&id.to_string());
    }

    async fn try_pass(&self, message: &Value, is_request: bool) -> anyhow::Result<()> {
        let version = self.session().version;
        let request = self.request(Method::POST).json(message);
        let named = headers::of(message, version.as_deref());
        let request = named.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        let response = self.client.reply(request).await?;
        if let Some(id) = header(&response, "mcp-session-id") {
            self.session.lock().unwrap_or_else(PoisonError::into_inner).id = Some(id);
        }
        let status = response.status();
        if header(&response, "content-type").is_some_and(|kind| kind.starts_with("text/event-stream")) {
            let mut messages = Messages::of(response);
            while let Some(message) = messages.next().await? {
                self.give(&message).await;
            }
            return Ok(());
        }
        let text = response.text().await?;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if body.get("jsonrpc").is_some() {
            self.give(&text).await;
        } else if is_request && !status.is_success() {
            let told = body.pointer("/error/message").and_then(Value::as_str).unwrap_or(&text);
            let told = format!("the host refused [HTTP {}]: {told}", status.as_u16());
            self.refuse(message.part("id"), INTERNAL_ERROR, &told, body.clone()).await;
        }
        Ok(())
    }

    /// What the host says by itself, as long as the session lasts.
    async fn listen(self) {
        let mut last: Option<String> = None;
        while self.session().id.is_some() {
            let mut request = self.request(Method::GET);
            if let Some(version) = self.session().version {
                request = request.header("mcp-protocol-version", version);
            }
            let request = last.iter().fold(request, |request, id| request.header("last-event-id", id));
            match self.client.reply(request).await {
                Ok(response) if response.status().is_success() => {
                    let mut messages = Messages::of(response);
                    while let Ok(Some(message)) = messages.next().await {
                        self.give(&message).await;
                    }
                    last = messages.last.or(last);
                }
                // There is no such stream here, or no such session any more.
                Ok(response) if response.status().is_client_error() => return,
                _ => {}
            }
            tokio::time::sleep(BREATH).await;
        }
    }

    /// Leaves a request that the client no longer waits for.
    fn cancel(&self, message: &Value) {
        let id = message.pointer("/params/requestId").map(Value::to_string).unwrap_or_default();
        if let Some(under_way) = self.requests().remove(&id) {
            under_way.abort();
        }
    }

    /// Tells the host that the session is over.
    async fn leave(&self) {
        if self.session().id.is_some() {
            let _ = self.request(Method::DELETE).timeout(LAST_WORDS).send().await;
        }
    }

    fn request(&self, method: Method) -> RequestBuilder {
        let request = self.client.outside(method, "/mcp");
        let request = request.header("accept", "application/json, text/event-stream");
        self.session().id.into_iter().fold(request, |request, id| request.header("mcp-session-id", id))
    }

    /// Gives the client a message, on one line.
    async fn give(&self, message: &str) {
        let Ok(message) = serde_json::from_str::<Value>(message) else { return };
        if let Some(version) = message.pointer("/result/protocolVersion").and_then(Value::as_str) {
            self.session.lock().unwrap_or_else(PoisonError::into_inner).version = Some(version.to_owned());
        }
        let _ = self.out.send(message.to_string()).await;
    }

    async fn refuse(&self, id: &Value, code: i64, message: &str, data: Value) {
        let mut error = json!({ "code": code, "message": message });
        if let (false, Some(error)) = (data.is_null(), error.as_object_mut()) {
            error.insert("data".to_owned(), data);
        }
        let _ = self.out.send(json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()).await;
    }

    fn session(&self) -> Session {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn requests(&self) -> std::sync::MutexGuard<'_, HashMap<String, AbortHandle>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn header(response: &Response, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.to_owned())
}
