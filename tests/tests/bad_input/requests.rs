//! Requests that cannot be understood, or that ask for what is not there.

use orgata_tests::http::Reply;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{host, is_well};

const START: &str = "/api/v1/runtimes/desk/executions";
const NOBODY: &str = "/api/v1/executions/exec_00000000000070008000000000000000";

/// A request and what it gets.
struct Bad {
    method: Method,
    path: String,
    kind: &'static str,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
    /// Part of the message: what is wrong, or what to do.
    says: &'static str,
}

impl Bad {
    fn get(path: impl Into<String>, status: u16, code: &'static str, says: &'static str) -> Self {
        Self { method: Method::GET, path: path.into(), kind: "", body: Vec::new(), status, code, says }
    }

    fn post(
        path: &str,
        body: impl Into<Vec<u8>>,
        status: u16,
        code: &'static str,
        says: &'static str,
    ) -> Self {
        let kind = "application/json";
        Self { method: Method::POST, path: path.into(), kind, body: body.into(), status, code, says }
    }

    fn start(body: Value, status: u16, code: &'static str, says: &'static str) -> Self {
        Self::post(START, body.to_string(), status, code, says)
    }

    fn with(self, method: Method, kind: &'static str) -> Self {
        Self { method, kind, ..self }
    }
}

fn starts() -> Vec<Bad> {
    let (bad, long) = ("BAD_REQUEST", "x".repeat(300));
    let many: serde_json::Map<_, _> = (0..21).map(|n| (format!("l{n}"), json!("x"))).collect();
    let labelled = |labels: Value| json!({ "playbookName": "ask", "input": { "n": 1 }, "executionOptions": { "labels": labels } });
    let keyed = |key: &str| json!({ "playbookName": "ask", "input": { "n": 1 }, "idempotencyKey": key });
    let good = json!({ "playbookName": "ask", "input": { "n": 1 } }).to_string();
    let at = |query: &str| format!("{START}?{query}");
    vec![
        Bad::post(START, "", 400, bad, "empty"),
        Bad::post(START, "{", 400, bad, "not valid JSON"),
        Bad::post(START, "{\"playbookName\": \"ask\",}", 400, bad, "line 1 column 24"),
        Bad::post(START, "name: ask", 400, bad, "not valid JSON"),
        Bad::post(START, b"{\"playbookName\": \"\xff\xfe\"}", 400, bad, "not valid JSON"),
        Bad::post(START, r#"{"playbookName": "\ud800"}"#, 400, bad, "not valid JSON"),
        Bad::post(START, r#"{"playbookName": "ask", "input": 1e999}"#, 400, bad, "out of range"),
        Bad::post(START, r#"{"playbookName": "ask", "playbookName": "ask"}"#, 400, bad, "duplicate"),
        Bad::post(START, format!("{good} {good}"), 400, bad, "trailing"),
        Bad::post(START, "null", 400, bad, "does not fit"),
        Bad::post(START, "[]", 400, bad, "a JSON object"),
        Bad::post(START, "\"ask\"", 400, bad, "does not fit"),
        Bad::start(json!({}), 400, bad, "playbookName"),
        Bad::start(json!({ "playbookName": 12 }), 400, bad, "12"),
        Bad::start(json!({ "playbookName": "ask", "inputs": {} }), 400, bad, "unknown field `inputs`"),
        Bad::start(json!({ "playbookName": "../ask" }), 400, bad, "not a valid playbook name"),
        Bad::start(json!({ "playbookName": "" }), 400, bad, "not a valid playbook name"),
        Bad::start(json!({ "playbookName": long }), 400, bad, "not a valid playbook name"),
        Bad::start(json!({ "playbookName": "ask", "executionOptions": "none" }), 400, bad, "does not fit"),
        Bad::start(json!(["ask", { "n": 1 }, {}, null]), 400, bad, "a JSON object"),
        Bad::start(labelled(json!({ "l": 1 })), 400, bad, "does not fit"),
        Bad::start(labelled(json!(many)), 400, bad, "20 labels at most"),
        Bad::start(labelled(json!({ "l": long })), 400, bad, "200 characters"),
        Bad::start(labelled(json!({ "": "l" })), 400, bad, "200 characters"),
        Bad::start(keyed(""), 400, bad, "1 to 200 characters"),
        Bad::start(keyed(&long), 400, bad, "1 to 200 characters"),
        Bad::start(json!({ "playbookName": "asks" }), 404, "PLAYBOOK_NOT_FOUND", "there are: ask"),
        Bad::start(json!({ "playbookName": "ask" }), 422, "INPUT_INVALID", "\"n\" is a required property"),
        Bad::start(json!({ "playbookName": "ask", "input": [] }), 422, "INPUT_INVALID", "not of type"),
        Bad::start(json!({ "playbookName": "ask", "input": { "n": 0 } }), 422, "INPUT_INVALID", "/n: 0"),
        Bad::start(
            json!({ "playbookName": "ask", "input": { "n": 1, "m": 1 } }),
            422,
            "INPUT_INVALID",
            "'m'",
        ),
        Bad::post(&at("wait=soon"), good.clone(), 400, bad, "write 250ms, 5s"),
        Bad::post(&at("wait=-1s"), good.clone(), 400, bad, "`wait`"),
        Bad::post(&at("wait=1s&wait=2s"), good.clone(), 400, bad, "given twice"),
        Bad::post(&at("wiat=1s"), good.clone(), 400, bad, "there are: wait"),
        Bad::start(json!({}), 415, "UNSUPPORTED_MEDIA_TYPE", "application/json")
            .with(Method::POST, "text/plain"),
        Bad::start(json!({}), 415, "UNSUPPORTED_MEDIA_TYPE", "names no Content-Type").with(Method::POST, ""),
        Bad::post("/api/v1/runtimes/nowhere/executions", good.clone(), 404, "RUNTIME_NOT_FOUND", "desk"),
        Bad::post("/api/v1/runtimes/a%20b/executions", good.clone(), 400, bad, "not a valid runtime id"),
        Bad::post("/api/v1/runtimes/%ff/executions", good.clone(), 400, bad, ""),
        Bad::post("/api/v1/runtimes/..%2f..%2fetc/executions", good, 400, bad, "not a valid runtime id"),
    ]
}

fn looks() -> Vec<Bad> {
    let bad = "BAD_REQUEST";
    let list = |query: &str| format!("/api/v1/executions?{query}");
    let history = |query: &str| format!("{NOBODY}/history?{query}");
    vec![
        Bad::get("/api/v1/executions/nonsense", 400, bad, "exec_0192f3…, with 32 hex digits"),
        Bad::get("/api/v1/executions/int_00000000000070008000000000000000", 400, bad, "execution id"),
        Bad::get("/api/v1/executions/exec_0000000000007000800000000000000g", 400, bad, "execution id"),
        Bad::get("/api/v1/executions/exec_00000000-0000-7000-8000-000000000000", 400, bad, "execution id"),
        Bad::get(NOBODY, 404, "EXECUTION_NOT_FOUND", "exec_0000"),
        Bad::get(format!("{NOBODY}/state"), 404, "EXECUTION_NOT_FOUND", ""),
        Bad::get(format!("{NOBODY}/history"), 404, "EXECUTION_NOT_FOUND", ""),
        Bad::get(format!("{NOBODY}/events"), 404, "EXECUTION_NOT_FOUND", ""),
        Bad::get(format!("{NOBODY}/interventions"), 404, "EXECUTION_NOT_FOUND", ""),
        Bad::get(format!("{NOBODY}/events?fromSeq=first"), 400, bad, "`fromSeq`"),
        Bad::get(history("after=-1"), 400, bad, "`after`"),
        Bad::get(history("limit=0"), 400, bad, "from 1 to 500"),
        Bad::get(history("limit=501"), 400, bad, "from 1 to 500"),
        Bad::get(history("limit=99999999999999999999999"), 400, bad, "`limit`"),
        Bad::get(history("after=1&cursor=1"), 400, bad, "one of"),
        Bad::get(list("limit=0"), 400, bad, "from 1 to 1000"),
        Bad::get(list("limit=ten"), 400, bad, "`limit`"),
        Bad::get(list("status=dancing"), 400, bad, "there are: pending, running"),
        Bad::get(list("since=yesterday"), 400, bad, "`since`"),
        Bad::get(list("label=customer"), 400, bad, "key:value"),
        Bad::get(list("runtime=a%20b"), 400, bad, "`runtime`"),
        Bad::get(list("cursor=of-my-own"), 400, bad, "begin again without it"),
        Bad::get(list("statu=running"), 400, bad, "no query parameter `statu`"),
        Bad::get("/api/v1/interventions?role=a/b", 400, bad, "`role`"),
        Bad::get("/api/v1/runtimes/nowhere", 404, "RUNTIME_NOT_FOUND", "there are: desk"),
        Bad::get("/api/v1/runtimes/desk/playbooks/asks", 404, "PLAYBOOK_NOT_FOUND", "there are: ask"),
        Bad::get("/api/v1/runtimes/desk/playbooks/a%00b", 400, bad, "playbook name"),
        Bad::get("/api/v1/runtimes/desk/roles/nobody", 404, "ROLE_NOT_FOUND", "boss"),
        Bad::get("/api/v1/runtimes/desk/operations/bench/nop", 404, "OPERATION_NOT_FOUND", ""),
        Bad::get("/api/v1/plugins/sha256:12", 400, bad, "digest"),
        Bad::get(format!("/api/v1/plugins/sha256:{}", "0".repeat(64)), 404, "PLUGIN_NOT_FOUND", ""),
        Bad::get("/api/v2/runtimes", 404, "ROUTE_NOT_FOUND", "/api/docs"),
        Bad::get("/api/v1", 404, "ROUTE_NOT_FOUND", ""),
        Bad::get("/etc/passwd", 404, "ROUTE_NOT_FOUND", ""),
        Bad::get("/api/v1/ws", 426, "UPGRADE_REQUIRED", "WebSocket"),
        Bad::get(START, 405, "METHOD_NOT_ALLOWED", "DELETE").with(Method::DELETE, ""),
        Bad::get("/api/v1/runtimes", 405, "METHOD_NOT_ALLOWED", "PATCH").with(Method::PATCH, ""),
        Bad::get("/health", 405, "METHOD_NOT_ALLOWED", "POST").with(Method::POST, ""),
    ]
}

fn changes() -> Vec<Bad> {
    let bad = "BAD_REQUEST";
    let pause = format!("{NOBODY}/pause");
    let question = format!("{NOBODY}/interventions/int_00000000000070008000000000000000");
    let publish = |body: &[u8], status, code, says| {
        Bad::post("/api/v1/runtimes/desk/playbooks/ask", body, status, code, says)
            .with(Method::PUT, "application/yaml")
    };
    vec![
        Bad::post(&pause, "{}", 404, "EXECUTION_NOT_FOUND", ""),
        Bad::post(&pause, "{\"reason\": 12}", 400, bad, "does not fit"),
        Bad::post(&pause, "{\"reasons\": \"x\"}", 400, bad, "unknown field `reasons`"),
        Bad::post(&pause, "{\"reason\"", 400, bad, "not valid JSON"),
        Bad::post(&pause, "why", 415, "UNSUPPORTED_MEDIA_TYPE", "").with(Method::POST, "text/plain"),
        Bad::post(&question, "{\"response\": 1}", 404, "EXECUTION_NOT_FOUND", ""),
        Bad::post(&question, "{}", 400, bad, "response"),
        Bad::post(&question, "[{\"sure\": true}, null]", 400, bad, "a JSON object"),
        Bad::post(&question, "{\"response\": 1, \"note\": \"x\"}", 400, bad, "unknown field `note`"),
        Bad::post(&format!("{NOBODY}/interventions/12"), "{\"response\": 1}", 400, bad, "intervention id"),
        Bad::post("/api/v1/runtimes", "{}", 400, bad, "runtimeId"),
        Bad::post("/api/v1/runtimes", r#"{"runtimeId": "a/b"}"#, 400, bad, "not a valid runtime id"),
        Bad::post(
            "/api/v1/runtimes",
            r#"{"runtimeId": "x", "environment": "home"}"#,
            400,
            bad,
            "development",
        ),
        Bad::post(
            "/api/v1/runtimes",
            r#"{"runtimeId": "desk", "description": "mine"}"#,
            409,
            "ALREADY_EXISTS",
            "",
        ),
        Bad::post(
            "/api/v1/runtimes",
            r#"{"runtimeId": "x", "grants": {"p": {"net": []}}}"#,
            400,
            bad,
            "`net`",
        ),
        publish(b"", 422, "PLAYBOOK_INVALID", "empty"),
        publish(b"name: [", 422, "PLAYBOOK_INVALID", "ask.yaml:1:"),
        publish(b"name: \xff", 400, bad, "UTF-8"),
        publish(
            b"name: other\nsteps:\n  - { name: s, operation: bench/noop }\n",
            422,
            "PLAYBOOK_INVALID",
            "`other`",
        ),
        publish(b"name: ask", 415, "UNSUPPORTED_MEDIA_TYPE", "application/yaml")
            .with(Method::PUT, "image/png"),
        publish(b"{\"source\": 12}", 400, bad, "does not fit").with(Method::PUT, "application/json"),
        Bad::post("/api/v1/plugins/nothing/rollback", "{}", 404, "PLUGIN_NOT_FOUND", ""),
        Bad::post("/api/v1/plugins/bench/rollback", "{}", 409, "STATE_CONFLICT", ""),
        Bad::post("/api/v1/plugins/bench/rollback", "{\"digest\": \"sha256:1\"}", 400, bad, "digest"),
    ]
}

#[tokio::test]
async fn every_bad_request_gets_the_one_shape_of_errors_with_its_status() {
    let host = host().await;
    let mut faults = Vec::new();
    let all = [starts(), looks(), changes()].into_iter().flatten();
    for bad in all {
        let mut request = host.client().request(bad.method.clone(), host.url(&bad.path));
        if !bad.kind.is_empty() {
            request = request.header("content-type", bad.kind);
        }
        let what = format!("{} {} {:?}", bad.method, bad.path, String::from_utf8_lossy(&bad.body));
        let reply = Reply::read(&what, request.body(bad.body)).await;
        let error = &reply.body["error"];
        let says = error["message"].as_str().unwrap_or_default();
        if let Err(fault) = reply.is_an_error() {
            faults.push(format!("{what}\n  {fault}: {} {}", reply.status, reply.body));
        } else if reply.status != bad.status || error["code"] != bad.code || !says.contains(bad.says) {
            let wanted = format!("{} {} with {:?}", bad.status, bad.code, bad.says);
            faults.push(format!("{what}\n  wanted {wanted}\n  got {} {}", reply.status, reply.body));
        } else if reply.status == 405 && reply.header("allow").is_empty() {
            faults.push(format!("{what}\n  does not say what is allowed"));
        }
    }
    assert!(faults.is_empty(), "{} requests:\n{}", faults.len(), faults.join("\n"));
    is_well(&host).await;
}

#[tokio::test]
async fn a_violation_is_told_with_a_pointer_to_its_place() {
    let host = host().await;
    let reply = host.try_begin("ask", json!({ "n": "many", "m": 1 })).await;
    let error = reply.refused(422, "INPUT_INVALID");
    let pointers: Vec<&str> = error["details"]["violations"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|violation| violation["pointer"].as_str())
        .collect();
    assert_eq!(pointers, ["/n", ""], "{error}");
    let malformed = host.client().post(host.url(START)).header("content-type", "application/json");
    let malformed = Reply::read("malformed", malformed.body("{\n  \"playbookName\": ask\n}")).await;
    let error = malformed.refused(400, "BAD_REQUEST");
    assert_eq!((&error["details"]["line"], &error["details"]["column"]), (&json!(2), &json!(19)), "{error}");
}

#[tokio::test]
async fn a_request_is_found_by_the_id_that_it_brought() {
    let host = host().await;
    let with_id = |id: &str| host.client().get(host.url("/api/v1/executions/x")).header("x-request-id", id);
    let error = Reply::read("a good id", with_id("order-7:a.b")).await.refused(400, "BAD_REQUEST");
    assert_eq!(error["requestId"], "order-7:a.b");
    for made_up in ["{\"x\": 1}", "a b", &"x".repeat(129)] {
        let error = Reply::read("a bad id", with_id(made_up)).await.refused(400, "BAD_REQUEST");
        assert!(error["requestId"].as_str().unwrap().starts_with("req_"), "{error}");
    }
}

#[tokio::test]
async fn the_cursor_of_one_list_is_refused_by_another() {
    let host = host().await;
    for _ in 0..2 {
        is_well(&host).await;
    }
    let inbox = host.get("/api/v1/interventions?limit=1").await.is(200);
    let executions = host.get("/api/v1/executions?limit=1").await.is(200);
    let (of_inbox, of_executions) =
        (inbox["nextCursor"].as_str().unwrap(), executions["nextCursor"].as_str().unwrap());
    for path in [
        format!("/api/v1/executions?cursor={of_inbox}"),
        format!("/api/v1/interventions?cursor={of_executions}"),
        format!("/api/v1/executions?cursor={}", of_executions.to_uppercase()),
        format!("/api/v1/executions?cursor={}", &of_executions[1..]),
    ] {
        host.get(&path).await.refused(400, "BAD_REQUEST");
    }
    host.get(&format!("/api/v1/executions?limit=1&cursor={of_executions}")).await.is(200);
}
