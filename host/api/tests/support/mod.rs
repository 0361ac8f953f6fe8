//! A real engine over small ports in memory, and ways to ask it.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

pub mod authority;
mod operations;
mod store;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use orgata_api::{Api, Settings, TlsSettings};
use orgata_engine::Engine;
use orgata_engine::ports::SystemClock;
use orgata_model::runtime::{Environment, Runtime};
use serde_json::Value;
use tower::Service;

pub use operations::Words;
pub use store::Memory;

/// One operation, then its result.
pub const HELLO: &str = "
name: hello
version: 1.2.0
description: Says what it is told.
input:
  type: object
  properties: { who: { type: string } }
  required: [who]
steps:
  - name: greet
    role: clerk
    operation: words/echo
    params: { text: $input.who }
";

/// A question between two operations.
pub const ASK: &str = "
name: ask
roles: [clerk]
steps:
  - name: gather
    operation: words/echo
    params: { ingredients: [bread, jelly] }
  - name: choose
    role: clerk
    intervention: { type: human_decision, prompt: Which jelly flavor?, options: [grape, apricot] }
  - name: spread
    operation: words/echo
    params: { jelly: $steps.choose.result.jelly_flavor }
";

/// An operation that always fails.
pub const FAIL: &str = "
name: fail
steps:
  - name: try
    operation: words/fail
";

/// A host to ask.
pub struct Host {
    pub engine: Engine,
    pub words: Arc<Words>,
    pub store: Arc<Memory>,
    pub settings: Settings,
    pub router: Router,
}

/// What it answered.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {:?}", self.text))
    }

    /// The error's code, after checking that the whole has the one shape.
    pub fn code(&self) -> String {
        let body = self.json();
        let error = body["error"].as_object().unwrap_or_else(|| panic!("no error: {body}"));
        assert!(error["message"].is_string());
        assert_eq!(error["requestId"].as_str().unwrap(), self.headers["x-request-id"]);
        error["code"].as_str().unwrap().to_owned()
    }
}

impl Host {
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        Self::with_engine(settings, orgata_engine::Settings::default()).await
    }

    pub async fn with_engine(settings: Settings, limits: orgata_engine::Settings) -> Self {
        let store = Arc::new(Memory::default());
        let words = Arc::new(Words::default());
        let kitchen = Runtime::new("kitchen-v1".parse().unwrap(), Environment::Development);
        let clock = Arc::new(SystemClock);
        let engine =
            Engine::open(store.clone(), words.clone(), words.clone(), clock, limits, vec![kitchen]).await;
        let engine = engine.unwrap();
        let me = orgata_engine::Principal::local();
        for source in [HELLO, ASK, FAIL] {
            let runtime = "kitchen-v1".parse().unwrap();
            engine.publish_playbook(&me, &runtime, None, "test.yaml", source.to_owned()).await.unwrap();
        }
        let render: orgata_api::RenderMetrics = Arc::new(|| "orgata_up 1\n".to_owned());
        let router = Api::new(engine.clone(), settings.clone(), Some(render)).router();
        Self { engine, words, store, settings, router }
    }

    /// The same host, ready to be served.
    pub fn api(&self) -> Api {
        Api::new(self.engine.clone(), self.settings.clone(), None)
    }

    pub async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(request("GET", path).body(Body::empty()).unwrap()).await
    }

    pub async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        let request = request(method, path).header("content-type", "application/json");
        self.ask(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, body).await
    }

    /// Starts a playbook and holds until it ends or asks; its id.
    pub async fn start(&self, playbook: &str, input: Value) -> String {
        let body = serde_json::json!({ "playbookName": playbook, "input": input });
        let answer = self.post("/api/v1/runtimes/kitchen-v1/executions?wait=10s", body).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        answer.json()["executionId"].as_str().unwrap().to_owned()
    }

    /// The id of the one open question of an execution.
    pub async fn question(&self, execution: &str) -> String {
        let pending = self.get(&format!("/api/v1/executions/{execution}/interventions")).await.json();
        pending["items"][0]["id"].as_str().unwrap().to_owned()
    }
}

pub fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header("host", "localhost")
}
