//! What is refused, and how that is told.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use orgata_api::{Api, Settings};
use orgata_model::duration::DurationText;
use serde_json::json;

use crate::START;
use crate::support::{Host, request};

#[tokio::test]
async fn a_bad_query_says_which_parameter_and_why() {
    let host = Host::new().await;
    for (query, says) in [
        ("limit=0", "`limit` must be from 1 to 1000"),
        ("limit=many", "query parameter `limit`: invalid digit"),
        ("status=happy", "there is no status `happy`; there are: pending, running"),
        ("since=yesterday", "query parameter `since`"),
        ("label=x", "a label is written key:value"),
        ("runtime=a/b", "is not a valid runtime id"),
        ("runtime=a&runtime=b", "`runtime` is given twice"),
        ("stauts=failed", "there is no query parameter `stauts` here; there are: status, runtime"),
        ("cursor=mine", "the cursor is not one that this list gave"),
    ] {
        let answer = host.get(&format!("/api/v1/executions?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "BAD_REQUEST"), "{query}");
        assert!(answer.text.contains(says), "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_bad_body_says_where_and_why() {
    let host = Host::new().await;
    let post = async |kind: &str, body: &str| {
        let request = request("POST", START).header("content-type", kind).body(Body::from(body.to_owned()));
        host.ask(request.unwrap()).await
    };
    let broken = post("application/json", "{\n  \"playbookName\": hello }").await;
    assert_eq!((broken.status.as_u16(), broken.code().as_str()), (400, "BAD_REQUEST"));
    assert_eq!(broken.json()["error"]["details"], json!({ "line": 2, "column": 19 }));
    let unknown = post("application/json; charset=utf-8", r#"{ "playbook": "hello" }"#).await;
    assert!(
        unknown.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("unknown field `playbook`, expected one of `playbookName`")
    );
    assert!(post("application/json", "").await.text.contains("the body is empty"));
    let deep = format!("{{\"playbookName\":\"hello\",\"input\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    assert!(post("application/json", &deep).await.text.contains("recursion limit"));
    let text = post("text/plain", "{}").await;
    assert_eq!((text.status.as_u16(), text.code().as_str()), (415, "UNSUPPORTED_MEDIA_TYPE"));
    let host = Host::with(Settings { body_bytes: 64, ..Settings::default() }).await;
    let large = host.post(START, json!({ "playbookName": "x".repeat(100) })).await;
    assert_eq!((large.status.as_u16(), large.code().as_str()), (413, "TOO_LARGE"));
}

#[tokio::test]
async fn what_is_not_there_says_what_is() {
    let host = Host::new().await;
    for (path, status, code, says) in [
        ("/api/v2/x", 404, "ROUTE_NOT_FOUND", "/api/docs"),
        ("/api/v1/runtimes/x", 404, "RUNTIME_NOT_FOUND", "there are: kitchen-v1"),
        ("/api/v1/runtimes/kitchen-v1/playbooks/x", 404, "PLAYBOOK_NOT_FOUND", "there are: ask, fail, hello"),
        ("/api/v1/runtimes/kitchen-v1/roles/x", 404, "ROLE_NOT_FOUND", "clerk"),
        ("/api/v1/runtimes/kitchen-v1/operations/x", 404, "OPERATION_NOT_FOUND", "words/echo"),
        ("/api/v1/executions/exec_00000000000000000000000000000000", 404, "EXECUTION_NOT_FOUND", "exec_0000"),
        ("/api/v1/executions/7", 400, "BAD_REQUEST", "it looks like exec_0192f3…, with 32 hex digits"),
        ("/api/v1/plugins/abc", 400, "BAD_REQUEST", "sha256: and 64 hex digits"),
        ("/api/v1/ws", 426, "UPGRADE_REQUIRED", "WebSocket"),
    ] {
        let answer = host.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{path}");
        assert!(answer.text.contains(says), "{path}: {}", answer.text);
    }
    let wrong = host.send("PATCH", "/api/v1/runtimes", json!({})).await;
    assert_eq!((wrong.status.as_u16(), wrong.code().as_str()), (405, "METHOD_NOT_ALLOWED"));
    assert!(wrong.headers["allow"].to_str().unwrap().contains("POST"));
}

#[tokio::test]
async fn a_wrong_input_says_every_way_in_which_it_is() {
    let host = Host::new().await;
    let answer = host.post(START, json!({ "playbookName": "hello", "input": { "who": 7 } })).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "INPUT_INVALID"));
    insta::assert_json_snapshot!(answer.json()["error"]["details"], @r#"
    {
      "violations": [
        {
          "message": "7 is not of type \"string\"",
          "pointer": "/who"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_fault_of_the_store_is_not_told_to_strangers() {
    let host = Host::new().await;
    host.store.break_down();
    for path in ["/ready", "/api/v1/executions"] {
        let answer = host.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "STORE_UNAVAILABLE"), "{path}");
        assert_eq!(answer.headers["retry-after"], "1");
        assert!(!answer.text.contains("/secret/path"), "{}", answer.text);
    }
    assert_eq!(host.get("/health").await.status, 200);
}

#[tokio::test]
async fn a_host_at_its_limit_says_when_to_come_back() {
    let limits = orgata_engine::Settings { active_executions: 0, ..orgata_engine::Settings::default() };
    let host = Host::with_engine(Settings::default(), limits).await;
    let answer = host.post(START, json!({ "playbookName": "ask" })).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (429, "OVERLOADED"));
    assert_eq!(answer.headers["retry-after"], "1");
    host.engine.stop().await;
    let answer = host.post(START, json!({ "playbookName": "ask" })).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "DRAINING"));
    assert_eq!(host.get("/ready").await.code(), "DRAINING");
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let short = DurationText(Duration::from_millis(50));
    let host =
        Host::with(Settings { request_timeout: short, body_timeout: short, ..Settings::default() }).await;
    host.store.hang();
    let answer = host.get("/ready").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "TIMEOUT"));
}

#[tokio::test]
async fn a_handler_that_panics_takes_nothing_with_it() {
    let host = Host::new().await;
    let render: orgata_api::RenderMetrics = Arc::new(|| panic!("the secret reason"));
    let host =
        Host { router: Api::new(host.engine.clone(), Settings::default(), Some(render)).router(), ..host };
    let answer = host.get("/metrics").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (500, "INTERNAL"));
    assert!(!answer.text.contains("the secret reason"));
    assert_eq!(host.get("/health").await.status, 200);
}

#[tokio::test]
async fn every_answer_carries_the_requests_id() {
    let host = Host::new().await;
    let mine = request("GET", "/health").header("x-request-id", "mine-7").body(Body::empty()).unwrap();
    assert_eq!(host.ask(mine).await.headers["x-request-id"], "mine-7");
    let other = request("GET", "/health").header("x-request-id", "a b").body(Body::empty()).unwrap();
    assert!(host.ask(other).await.headers["x-request-id"].to_str().unwrap().starts_with("req_"));
}

#[tokio::test]
async fn a_page_of_another_site_is_refused_and_a_listed_one_may_read() {
    let settings = Settings { allowed_origins: vec!["https://app.example".into()], ..Settings::default() };
    let host = Host::with(settings).await;
    let from = |method: &str, origin: &str| {
        request(method, "/api/v1/runtimes")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
    };
    let evil = host.ask(from("GET", "https://evil.example").body(Body::empty()).unwrap()).await;
    assert_eq!((evil.status.as_u16(), evil.code().as_str()), (403, "ORIGIN_NOT_ALLOWED"));
    assert!(!evil.headers.contains_key("access-control-allow-origin"));
    let listed = host.ask(from("GET", "https://app.example").body(Body::empty()).unwrap()).await;
    assert_eq!(listed.status, 200);
    assert_eq!(listed.headers["access-control-allow-origin"], "https://app.example");
    assert_eq!(listed.headers["vary"], "origin");
    let asked = host.ask(from("OPTIONS", "https://app.example").body(Body::empty()).unwrap()).await;
    assert_eq!(asked.status, 204);
    assert_eq!(asked.headers["access-control-allow-methods"], "GET, POST, PUT, DELETE");
    let rebound =
        http::Request::get("/api/v1/runtimes").header("host", "evil.example").body(Body::empty()).unwrap();
    assert_eq!(host.ask(rebound).await.code(), "HOST_NOT_ALLOWED");
}
