//! A server that witnesses what plugins do to the outside.
//!
//! It counts every request by path and by `Idempotency-Key`, and does as it is told: fails some requests,
//! or holds them until it is told to let go, so that a story can kill the host in the middle of an effect.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::patience;

/// One request that came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `GET`, `POST`, …
    pub method: String,
    /// Without the query.
    pub path: String,
    /// All its headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Seen {
    /// Its `Idempotency-Key`, empty when it has none.
    pub fn key(&self) -> &str {
        self.headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default()
    }
}

/// What a path does with its requests.
#[derive(Debug, Clone, Default)]
struct Manner {
    /// So many requests to come get this status.
    failures: (usize, u16),
    /// Answers wait until the path is released, or for so long.
    held: Option<Duration>,
    /// What a good answer says.
    answer: Option<Value>,
    /// The text that a good answer is, instead.
    page: Option<String>,
    /// Where a good answer leads on to, instead.
    location: Option<String>,
}

#[derive(Debug, Default)]
struct Inner {
    seen: Mutex<Vec<Seen>>,
    manners: Mutex<BTreeMap<String, Manner>>,
    changed: watch::Sender<u64>,
}

/// The server. Dropping it ends it.
#[derive(Debug)]
pub struct Witness {
    address: SocketAddr,
    inner: Arc<Inner>,
    server: JoinHandle<()>,
}

impl Witness {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let inner = Arc::new(Inner::default());
        let router = Router::new().fallback(witness).with_state(Arc::clone(&inner));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { address, inner, server }
    }

    /// A path at this server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// `127.0.0.1:PORT`, as a network grant names it.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Every request to this path so far, whatever it was answered.
    pub fn seen(&self, path: &str) -> Vec<Seen> {
        self.inner.seen.lock().unwrap().iter().filter(|seen| seen.path == path).cloned().collect()
    }

    /// How often each `Idempotency-Key` came to this path.
    pub fn keys(&self, path: &str) -> BTreeMap<String, usize> {
        let mut keys = BTreeMap::new();
        for seen in self.seen(path) {
            *keys.entry(seen.key().to_owned()).or_default() += 1;
        }
        keys
    }

    /// Waits until the path got so many requests.
    pub async fn until(&self, path: &str, count: usize) -> Vec<Seen> {
        let mut changes = self.inner.changed.subscribe();
        let enough = changes.wait_for(|_| self.seen(path).len() >= count);
        let in_time = patience::within(enough).await.is_some_and(|waited| waited.is_ok());
        let seen = self.seen(path);
        assert!(in_time, "{path} should have got {count} requests, and got {}: {seen:#?}", seen.len());
        seen
    }

    /// How often this `Idempotency-Key` came to this path.
    pub fn times(&self, path: &str, key: &str) -> usize {
        let seen = self.inner.seen.lock().unwrap();
        seen.iter().filter(|seen| seen.path == path && seen.key() == key).count()
    }

    /// How many requests came, to whatever path.
    pub fn total(&self) -> usize {
        self.inner.seen.lock().unwrap().len()
    }

    /// Comes back when so many requests have come, to whatever path: for as long as it takes.
    pub async fn total_of(&self, count: usize) {
        let mut changes = self.inner.changed.subscribe();
        // The sender lives as long as the witness does.
        let _ = changes.wait_for(|_| self.total() >= count).await;
    }

    /// The next `count` requests to this path get this status.
    pub fn fail(&self, path: &str, count: usize, status: u16) {
        self.manner(path, |manner| manner.failures = (count, status));
    }

    /// Requests to this path are seen, but not answered before [`Witness::release`].
    pub fn hold(&self, path: &str) {
        self.delay(path, patience::PATIENCE * 3);
    }

    /// Requests to this path are answered so much later, or when they are released.
    pub fn delay(&self, path: &str, by: Duration) {
        self.manner(path, |manner| manner.held = Some(by));
    }

    /// Answers what was held back at this path, and holds nothing back any more.
    pub fn release(&self, path: &str) {
        self.manner(path, |manner| manner.held = None);
    }

    /// What good answers at this path say; `{"ok":true}` otherwise.
    pub fn answer(&self, path: &str, body: Value) {
        self.manner(path, |manner| manner.answer = Some(body));
    }

    /// Good answers at this path are this text.
    pub fn page(&self, path: &str, text: impl Into<String>) {
        self.manner(path, |manner| manner.page = Some(text.into()));
    }

    /// Good answers at this path are redirects to this URL.
    pub fn redirect(&self, path: &str, to: impl Into<String>) {
        self.manner(path, |manner| manner.location = Some(to.into()));
    }

    fn manner(&self, path: &str, change: impl FnOnce(&mut Manner)) {
        change(self.inner.manners.lock().unwrap().entry(path.to_owned()).or_default());
        self.inner.changed.send_modify(|count| *count += 1);
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Inner {
    fn manner(&self, path: &str) -> Manner {
        self.manners.lock().unwrap().get(path).cloned().unwrap_or_default()
    }

    /// The status of the next answer at this path, one failure less to come.
    fn next_status(&self, path: &str) -> StatusCode {
        let mut manners = self.manners.lock().unwrap();
        match manners.get_mut(path).map(|manner| &mut manner.failures) {
            Some((left, status)) if *left > 0 => {
                *left -= 1;
                StatusCode::from_u16(*status).expect("the story names a status code")
            }
            _ => StatusCode::OK,
        }
    }
}

async fn witness(
    State(inner): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    let body = String::from_utf8_lossy(&body).into_owned();
    let mut changes = inner.changed.subscribe();
    inner.seen.lock().unwrap().push(Seen { method: method.to_string(), path: path.clone(), headers, body });
    inner.changed.send_modify(|count| *count += 1);

    if let Some(longest) = inner.manner(&path).held {
        let released = changes.wait_for(|_| inner.manner(&path).held.is_none());
        let _ = tokio::time::timeout(longest, released).await;
    }
    let status = inner.next_status(&path);
    if status != StatusCode::OK {
        return (status, axum::Json(json!({ "ok": false }))).into_response();
    }
    let manner = inner.manner(&path);
    match (manner.location, manner.page) {
        (Some(location), _) => (StatusCode::FOUND, [("location", location)]).into_response(),
        (None, Some(page)) => page.into_response(),
        (None, None) => axum::Json(manner.answer.unwrap_or_else(|| json!({ "ok": true }))).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn call(witness: &Witness, key: &str) -> u16 {
        let request = crate::http::client(None).post(witness.url("/charge")).header("idempotency-key", key);
        request.send().await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn requests_are_counted_by_key() {
        let witness = Witness::start().await;
        for key in ["a", "b", "a"] {
            assert_eq!(call(&witness, key).await, 200);
        }
        assert_eq!(witness.keys("/charge"), BTreeMap::from([("a".into(), 2), ("b".into(), 1)]));
        assert!(witness.seen("/other").is_empty());
    }

    #[tokio::test]
    async fn requests_fail_as_often_as_told() {
        let witness = Witness::start().await;
        witness.fail("/charge", 1, 503);
        assert_eq!((call(&witness, "a").await, call(&witness, "a").await), (503, 200));
    }

    #[tokio::test]
    async fn a_held_request_is_seen_and_answered_when_released() {
        let witness = Arc::new(Witness::start().await);
        witness.hold("/charge");
        let caller = Arc::clone(&witness);
        let called = tokio::spawn(async move { call(&caller, "a").await });
        witness.until("/charge", 1).await;
        assert!(!called.is_finished());
        witness.release("/charge");
        assert_eq!(called.await.unwrap(), 200);
    }
}
