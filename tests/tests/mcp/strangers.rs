//! What is somebody else's: sessions, tasks, executions, what a client was given to bring back. Told with bare requests and
//! keys of several principals.

use orgata_tests::matchers::completed;
use orgata_tests::{ExecutionId, HostSetup, Reply, TestHost};
use reqwest::Method;
use serde_json::{Value, json};

use crate::assistant::sandwich;
use crate::bare::{able, initialize, message, send};
use crate::redacted::redacted;

/// A kitchen in development and one in staging, and who may be where.
struct Kitchens {
    host: TestHost,
    /// At work in development.
    ann: String,
    /// At work in staging: what is in development does not exist for him.
    bob: String,
    /// In development too, with a key that is good for looking.
    eve: String,
}

impl Kitchens {
    async fn new() -> Self {
        let setup = HostSetup::kitchen().runtime("kitchen-v2", json!({ "environment": "staging" }));
        let host = setup.asking_for_keys().start().await;
        let ann = key(&host, "ann", &["--environment", "development", "--role", "customer"]).await;
        let bob = key(&host, "bob", &["--environment", "staging", "--role", "customer"]).await;
        let looking = ["--environment", "development", "--role", "customer", "--scope", "execution:read"];
        let eve = key(&host, "eve", &looking).await;
        Self { host, ann, bob, eve }
    }

    /// A request of the revision without sessions, by a client that knows tasks and shows forms.
    async fn ask(&self, key: &str, method: &str, name: &str, params: Value) -> Reply {
        let forms = json!({ "elicitation": { "form": {} } });
        self.ask_as(key, method, name, params, forms).await
    }

    async fn ask_as(&self, key: &str, method: &str, name: &str, params: Value, able_to: Value) -> Reply {
        let bearer = format!("Bearer {key}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", method),
            ("mcp-name", name),
        ];
        send(&self.host, Method::POST, &headers, Some(&able(method, params, able_to))).await
    }

    async fn task(&self, key: &str, method: &str, params: Value) -> Reply {
        let tasks =
            json!({ "elicitation": { "form": {} }, "extensions": { "io.modelcontextprotocol/tasks": {} } });
        let name = params["taskId"].as_str().unwrap_or("execute_playbook").to_owned();
        self.ask_as(key, method, &name, params, tasks).await
    }

    /// Calls `execute_playbook` with these arguments, and what was brought back of a call before.
    async fn execute(&self, key: &str, arguments: Value, more: Value) -> Value {
        let mut params = json!({ "name": "execute_playbook", "arguments": arguments });
        for (name, value) in more.as_object().unwrap() {
            params[name] = value.clone();
        }
        message(&self.ask(key, "tools/call", "execute_playbook", params).await)
    }

    /// Ann begins a sandwich and is asked: what she is to bring back with the answer.
    async fn asked(&self) -> Asked {
        let asked = self.execute(&self.ann, sandwich("classic", "20s"), json!({})).await;
        assert_eq!(asked["result"]["resultType"], "input_required", "{asked:#}");
        let state = asked["result"]["requestState"].as_str().unwrap().to_owned();
        let requests = asked["result"]["inputRequests"].as_object().unwrap();
        Asked { state, question: requests.keys().next().unwrap().clone() }
    }

    /// How many events of this kind an execution has.
    async fn count(&self, execution: &str, kind: &str) -> usize {
        let history = self.host.history(&ExecutionId(execution.to_owned())).await;
        history.iter().filter(|event| event.kind == kind).count()
    }
}

/// What a call that needs input gave.
struct Asked {
    state: String,
    question: String,
}

impl Asked {
    /// To be brought back with this state.
    fn answered(&self, state: &str) -> Value {
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

#[tokio::test]
async fn whoever_proves_nothing_is_told_where_proof_is_had() {
    let Kitchens { host, ann, .. } = Kitchens::new().await;
    let bad = format!("Bearer {}x", &ann[..ann.len() - 1]);
    for header in ["", "Basic YW5uOnB3", "Bearer", bad.as_str()] {
        for method in [Method::POST, Method::GET, Method::DELETE] {
            let body = (method == Method::POST).then(initialize);
            let reply = send(&host, method.clone(), &[("authorization", header)], body.as_ref()).await;
            let how = reply.header("www-authenticate").to_owned();
            reply.refused(401, "UNAUTHENTICATED");
            let (_, place) = how.split_once("resource_metadata=\"").unwrap_or_else(|| panic!("{how}"));
            assert!(how.starts_with("Bearer "), "{how}");
            // It is open to whoever has nothing yet, and tells of this very endpoint.
            let (place, _) = place.split_once('"').unwrap_or_else(|| panic!("{how}"));
            let told = Reply::read(place, host.stranger().get(place)).await.is(200);
            assert_eq!(told["resource"], host.url("/mcp"), "{told}");
        }
    }
    // A key is for a header: an address ends in logs.
    for place in ["/mcp".to_owned(), format!("/mcp?access_token={ann}"), format!("/mcp?key={ann}")] {
        let request = host.stranger().post(host.url(&place)).json(&initialize());
        Reply::read("/mcp", request).await.refused(401, "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn a_session_is_its_owners_alone_whatever_the_verb() {
    let Kitchens { host, ann, bob, eve } = Kitchens::new().await;
    let ann = format!("Bearer {ann}");
    let opened = send(&host, Method::POST, &[("authorization", &ann)], Some(&initialize())).await;
    let session = opened.header("mcp-session-id").to_owned();
    let with = |bearer: &str| {
        let version = ("mcp-protocol-version".to_owned(), "2025-11-25".to_owned());
        [
            ("authorization".to_owned(), bearer.to_owned()),
            ("mcp-session-id".to_owned(), session.clone()),
            version,
        ]
    };
    let ping = json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" });
    for stranger in [bob, eve] {
        for (method, body) in [(Method::POST, Some(&ping)), (Method::GET, None), (Method::DELETE, None)] {
            let headers = with(&format!("Bearer {stranger}"));
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            send(&host, method.clone(), &headers, body).await.refused(404, "SESSION_NOT_FOUND");
            let nobody: Vec<_> =
                std::iter::once(("authorization", "")).chain(headers[1..].iter().copied()).collect();
            send(&host, method, &nobody, body).await.refused(401, "UNAUTHENTICATED");
        }
    }
    let headers = with(&ann);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(send(&host, Method::POST, &headers, Some(&ping)).await.status, 200, "it is as it was");
}

#[tokio::test]
async fn another_principals_task_is_none_to_get_to_answer_and_to_cancel() {
    let kitchens = Kitchens::new().await;
    let mut start = json!({ "name": "execute_playbook", "arguments": sandwich("classic", "20s") });
    let begun = message(&kitchens.task(&kitchens.ann, "tools/call", start.clone()).await);
    let id = begun["result"]["taskId"].as_str().unwrap_or_else(|| panic!("{begun:#}")).to_owned();
    let got = message(&kitchens.task(&kitchens.ann, "tasks/get", json!({ "taskId": id })).await);
    assert_eq!(got["result"]["status"], "input_required", "{got:#}");
    let question = got["result"]["inputRequests"].as_object().unwrap().keys().next().unwrap().clone();
    let answers = |id: &str| {
        let mut params = json!({ "taskId": id, "inputResponses": {} });
        params["inputResponses"][&question] =
            json!({ "action": "accept", "content": { "jelly_flavor": "grape" } });
        params
    };
    let never = "exec_00000000000000000000000000000000";
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        // To whom it does not exist it is as one that never was: nothing tells them apart.
        let refused = message(&kitchens.task(&kitchens.bob, method, answers(&id)).await);
        assert_eq!(refused["error"]["code"], -32602, "{method}: {refused:#}");
        let unknown = message(&kitchens.task(&kitchens.bob, method, answers(never)).await);
        let told = |answer: &Value| redacted(&answer.to_string().replace(never, &id));
        assert_eq!(told(&refused), told(&unknown), "{method}");
        let nobody = kitchens.task("", method, answers(&id)).await;
        nobody.refused(401, "UNAUTHENTICATED");
    }
    // Who may look may look, and nothing else.
    let seen = message(&kitchens.task(&kitchens.eve, "tasks/get", json!({ "taskId": id })).await);
    assert_eq!(seen["result"]["taskId"], id, "{seen:#}");
    assert!(seen["result"]["inputRequests"].is_null(), "questions are not hers to see: {seen:#}");
    for method in ["tasks/update", "tasks/cancel"] {
        let refused = message(&kitchens.task(&kitchens.eve, method, answers(&id)).await);
        assert_eq!(refused["error"]["data"]["error"]["code"], "FORBIDDEN", "{method}: {refused:#}");
    }
    start["arguments"]["runtimeId"] = json!("kitchen-v1");
    let begun = message(&kitchens.task(&kitchens.eve, "tools/call", start).await);
    assert_eq!(begun["result"]["isError"], true, "{begun:#}");
    // It waits as it did, and its owner answers.
    assert_eq!(kitchens.count(&id, "intervention_resolved").await, 0);
    let answered = message(&kitchens.task(&kitchens.ann, "tasks/update", answers(&id)).await);
    assert!(answered["result"].is_object(), "{answered:#}");
    kitchens.host.until(&ExecutionId(id), completed()).await;
}

#[tokio::test]
async fn what_is_brought_back_is_refused_when_it_is_foreign_or_was_tampered_with() {
    let kitchens = Kitchens::new().await;
    let asked = kitchens.asked().await;
    let mut elsewhere = sandwich("classic", "20s");
    elsewhere["runtimeId"] = json!("kitchen-v2");
    let last = if asked.state.ends_with('0') { "1" } else { "0" };
    let tampered = format!("{}{last}", &asked.state[..asked.state.len() - 1]);
    let (ann, bob, eve) = (&kitchens.ann, &kitchens.bob, &kitchens.eve);
    for (who, arguments, state) in [
        (bob, elsewhere.clone(), asked.state.as_str()),
        (bob, sandwich("classic", "20s"), &asked.state),
        (eve, sandwich("classic", "20s"), &asked.state),
        (ann, sandwich("deluxe", "20s"), &asked.state),
        (ann, elsewhere, &asked.state),
        (ann, sandwich("classic", "20s"), &tampered),
        (ann, sandwich("classic", "20s"), &asked.state.to_uppercase()),
        (ann, sandwich("classic", "20s"), &format!("{} ", asked.state)),
        (ann, sandwich("classic", "20s"), ""),
        (ann, sandwich("classic", "20s"), &"x".repeat(10_000)),
    ] {
        let given = kitchens.execute(who, arguments, asked.answered(state)).await;
        assert_eq!(given["result"]["isError"], true, "{state:.60}: {given:#}");
        assert!(!given.to_string().contains("Which jelly"), "{given:#}");
    }
    assert_eq!(kitchens.count(&asked.state, "intervention_resolved").await, 0);
    let given = kitchens.execute(ann, sandwich("classic", "20s"), asked.answered(&asked.state)).await;
    assert_eq!(given["result"]["structuredContent"]["status"], "succeeded", "{given:#}");
}

#[tokio::test]
async fn what_is_brought_back_approves_once_and_is_over_when_its_execution_is() {
    let kitchens = Kitchens::new().await;
    let asked = kitchens.asked().await;
    let again = async || {
        let arguments = sandwich("classic", "20s");
        kitchens.execute(&kitchens.ann, arguments, asked.answered(&asked.state)).await
    };
    for _ in 0..3 {
        let given = again().await;
        let told = &given["result"]["structuredContent"];
        assert_eq!((&told["status"], &told["executionId"]), (&json!("succeeded"), &json!(asked.state)));
    }
    // However often it came, it answered once and started nothing.
    assert_eq!(kitchens.count(&asked.state, "intervention_resolved").await, 1);
    let all = kitchens.host.get("/api/v1/executions").await.is(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "{all:#}");
    let gone = kitchens.host.delete(&format!("/api/v1/executions/{}", asked.state)).await;
    assert!(gone.status < 300, "{gone:?}");
    let given = again().await;
    assert_eq!(given["result"]["isError"], true, "{given:#}");
}

#[tokio::test]
async fn what_is_somebody_elses_is_not_followed() {
    let kitchens = Kitchens::new().await;
    let asked = kitchens.asked().await;
    let bob = format!("Bearer {}", kitchens.bob);
    let opened = send(&kitchens.host, Method::POST, &[("authorization", &bob)], Some(&initialize())).await;
    let session = opened.header("mcp-session-id").to_owned();
    let headers = [
        ("authorization", bob.as_str()),
        ("mcp-session-id", session.as_str()),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(send(&kitchens.host, Method::POST, &headers, Some(&ready)).await.status, 202);
    for method in ["resources/subscribe", "resources/read"] {
        let params = json!({ "uri": format!("orgata://execution/{}", asked.state) });
        let body = json!({ "jsonrpc": "2.0", "id": 2, "method": method, "params": params });
        let refused = message(&send(&kitchens.host, Method::POST, &headers, Some(&body)).await);
        assert_eq!(refused["error"]["data"]["error"]["code"], "EXECUTION_NOT_FOUND", "{method}: {refused:#}");
    }
}
