//! A host with several principals, each with a key of their own, and what they ask with bare requests.

use orgata_tests::{ExecutionId, HostSetup, Reply, TestHost};
use reqwest::Method;
use serde_json::{Value, json};

use crate::assistant::sandwich;
use crate::bare::{able, message, send};

/// A kitchen in development and one in staging, and who may be where.
pub(crate) struct Kitchens {
    pub(crate) host: TestHost,
    /// At work in development.
    pub(crate) ann: String,
    /// At work in staging: what is in development does not exist for him.
    pub(crate) bob: String,
    /// In development too, with a key that is good for looking.
    pub(crate) eve: String,
}

impl Kitchens {
    pub(crate) async fn new() -> Self {
        let setup = HostSetup::kitchen().runtime("kitchen-v2", json!({ "environment": "staging" }));
        let host = setup.asking_for_keys().start().await;
        let ann = key(&host, "ann", &["--environment", "development", "--role", "customer"]).await;
        let bob = key(&host, "bob", &["--environment", "staging", "--role", "customer"]).await;
        let looking = ["--environment", "development", "--role", "customer", "--scope", "execution:read"];
        let eve = key(&host, "eve", &looking).await;
        Self { host, ann, bob, eve }
    }

    /// A request of the revision without sessions, by a client that knows tasks and shows forms.
    pub(crate) async fn ask(&self, key: &str, method: &str, name: &str, params: Value) -> Reply {
        let forms = json!({ "elicitation": { "form": {} } });
        self.ask_as(key, method, name, params, forms).await
    }

    pub(crate) async fn ask_as(
        &self,
        key: &str,
        method: &str,
        name: &str,
        params: Value,
        able_to: Value,
    ) -> Reply {
        let bearer = format!("Bearer {key}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", method),
            ("mcp-name", name),
        ];
        send(&self.host, Method::POST, &headers, Some(&able(method, params, able_to))).await
    }

    pub(crate) async fn task(&self, key: &str, method: &str, params: Value) -> Reply {
        let tasks =
            json!({ "elicitation": { "form": {} }, "extensions": { "io.modelcontextprotocol/tasks": {} } });
        let name = params["taskId"].as_str().unwrap_or("execute_playbook").to_owned();
        self.ask_as(key, method, &name, params, tasks).await
    }

    /// Calls `execute_playbook` with these arguments, and what was brought back of a call before.
    pub(crate) async fn execute(&self, key: &str, arguments: Value, more: Value) -> Value {
        let mut params = json!({ "name": "execute_playbook", "arguments": arguments });
        for (name, value) in more.as_object().unwrap() {
            params[name] = value.clone();
        }
        message(&self.ask(key, "tools/call", "execute_playbook", params).await)
    }

    /// Ann begins a sandwich and is asked: what she is to bring back with the answer.
    pub(crate) async fn asked(&self) -> Asked {
        let asked = self.execute(&self.ann, sandwich("classic", "20s"), json!({})).await;
        assert_eq!(asked["result"]["resultType"], "input_required", "{asked:#}");
        let state = asked["result"]["requestState"].as_str().unwrap().to_owned();
        let requests = asked["result"]["inputRequests"].as_object().unwrap();
        Asked { state, question: requests.keys().next().unwrap().clone() }
    }

    /// How many events of this kind an execution has.
    pub(crate) async fn count(&self, execution: &str, kind: &str) -> usize {
        let history = self.host.history(&ExecutionId(execution.to_owned())).await;
        history.iter().filter(|event| event.kind == kind).count()
    }
}

/// What a call that needs input gave.
pub(crate) struct Asked {
    pub(crate) state: String,
    question: String,
}

impl Asked {
    /// To be brought back with this state.
    pub(crate) fn answered(&self, state: &str) -> Value {
        let grape = json!({ "action": "accept", "content": { "jelly_flavor": "grape" } });
        let mut answers = json!({});
        answers[&self.question] = grape;
        json!({ "requestState": state, "inputResponses": answers })
    }
}

async fn key(host: &TestHost, name: &str, more: &[&str]) -> String {
    let make = ["key", "create", name, "--kind", "assistant"];
    let all: Vec<&str> = make.into_iter().chain(more.iter().copied()).collect();
    host.cli(&all).await.succeeded().trim().to_owned()
}
