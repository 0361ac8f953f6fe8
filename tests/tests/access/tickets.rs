//! What one caller has got hold of from another, and what it is worth to them: an execution's id, a ticket.

use orgata_tests::matchers::asked;
use orgata_tests::{ExecutionId, TestHost};
use serde_json::{Value, json};

use crate::{Key, asking, key};

/// Somebody in development, and somebody who may be in production alone.
async fn two(host: &TestHost) -> (Key, Key) {
    (key(host, "ann", json!({})).await, key(host, "bob", json!({ "environments": ["production"] })).await)
}

async fn ticket(host: &TestHost, key: &Key) -> String {
    let taken = host.client_of(&key.text).post(host.url("/api/v1/tickets")).send().await.unwrap();
    let taken: Value = taken.json().await.unwrap();
    format!("/api/v1/ws?ticket={}", taken["ticket"].as_str().unwrap())
}

/// What following an execution comes to over this way in.
async fn follows(host: &TestHost, path: &str, bearer: Option<&str>, id: &ExecutionId) -> String {
    let mut socket = host.socket_at(path, bearer).await;
    socket.follow(id, None).await;
    let answer = socket.find("an answer", |frame| Some(frame.clone())).await;
    let code = answer["error"]["code"].as_str().unwrap_or_default();
    format!("{}{code}", answer["type"].as_str().unwrap())
}

#[tokio::test]
async fn an_execution_of_somewhere_else_is_not_there_whichever_way_it_is_asked_for() {
    let host = asking().start().await;
    let (_, bob) = two(&host).await;
    let id = host.begin("ask", json!({})).await;
    let question = host.until(&id, asked("choose")).await;
    let client = host.client_of(&bob.text);
    let answer = format!("/api/v1/executions/{id}/interventions/{}", question.id);
    for (method, path, body) in [
        ("GET", format!("/api/v1/executions/{id}"), json!(null)),
        ("GET", format!("/api/v1/executions/{id}/history"), json!(null)),
        ("GET", format!("/api/v1/executions/{id}/events"), json!(null)),
        ("GET", format!("/api/v1/executions/{id}/export"), json!(null)),
        ("POST", format!("/api/v1/executions/{id}/cancel"), json!({ "reason": "x" })),
        ("POST", answer, json!({ "response": "grape" })),
    ] {
        let request = client.request(method.parse().unwrap(), host.url(&path)).json(&body);
        let reply = orgata_tests::Reply::read(format!("{method} {path}"), request).await;
        reply.refused(404, "EXECUTION_NOT_FOUND");
    }
    assert_eq!(follows(&host, "/api/v1/ws", Some(&bob.text), &id).await, "errorEXECUTION_NOT_FOUND");
}

#[tokio::test]
async fn a_ticket_adds_nothing_to_who_brings_a_key_and_is_good_once_for_whoever_took_it() {
    let host = asking().start().await;
    let (ann, bob) = two(&host).await;
    let id = host.begin("ask", json!({})).await;
    let anns = ticket(&host, &ann).await;
    assert_eq!(
        follows(&host, &anns, Some(&bob.text), &id).await,
        "errorEXECUTION_NOT_FOUND",
        "bob stays bob"
    );
    assert_eq!(follows(&host, &anns, None, &id).await, "subscribed", "and did not use it up");
    let again = reqwest::Client::new().get(host.url(&anns)).send().await.unwrap();
    assert_eq!(again.status(), 401);
    let bobs = ticket(&host, &bob).await;
    assert_eq!(follows(&host, &bobs, None, &id).await, "errorEXECUTION_NOT_FOUND");
}
