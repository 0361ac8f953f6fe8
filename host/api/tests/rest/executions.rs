//! Starting, following and steering executions.

use axum::body::Body;
use serde_json::{Value, json};

use crate::START;
use crate::support::{Host, request};

#[tokio::test]
async fn starting_answers_with_a_handle_and_where_to_look() {
    let host = Host::new().await;
    let answer = host.post(START, json!({ "playbookName": "ask" })).await;
    assert_eq!(answer.status, 202);
    let handle = answer.json();
    let id = handle["executionId"].as_str().unwrap();
    assert_eq!(answer.headers["location"], format!("/api/v1/executions/{id}"));
    assert_eq!(handle["links"]["events"], format!("/api/v1/executions/{id}/events"));
    assert_eq!(handle["runtimeId"], "kitchen-v1");
    assert_eq!(handle["playbookName"], "ask");
    assert!(handle["startedAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(host.get(&format!("/api/v1/executions/{id}")).await.json()["executionId"], id);
}

#[tokio::test]
async fn waiting_gives_the_output_at_once() {
    let host = Host::new().await;
    let body = json!({ "playbookName": "hello", "input": { "who": "you" } });
    let answer = host.post(&format!("{START}?wait=10s"), body).await;
    assert_eq!(answer.status, 200);
    let handle = answer.json();
    assert_eq!(handle["status"], "succeeded");
    assert_eq!(handle["output"], json!({ "text": "you" }));
    // One that needs a person is still going.
    let answer = host.post(&format!("{START}?wait=10s"), json!({ "playbookName": "ask" })).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json()["status"], "waiting");
}

#[tokio::test]
async fn the_same_key_starts_one_execution() {
    let host = Host::new().await;
    let body = json!({ "playbookName": "ask", "idempotencyKey": "k" });
    let first = host.post(START, body.clone()).await;
    let second = host.post(START, body).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (202, 200));
    assert_eq!(first.json()["executionId"], second.json()["executionId"]);
    let other = host
        .post(START, json!({ "playbookName": "hello", "input": { "who": "" }, "idempotencyKey": "k" }))
        .await;
    assert_eq!((other.status.as_u16(), other.code().as_str()), (409, "IDEMPOTENCY_KEY_REUSED"));
}

#[tokio::test]
async fn the_story_of_a_question() {
    let host = Host::new().await;
    let id = host.start("ask", json!({})).await;
    let pending = host.get(&format!("/api/v1/executions/{id}/interventions")).await.json();
    let question = &pending["items"][0];
    assert_eq!(question["type"], "human_decision");
    assert_eq!(question["prompt"], "Which jelly flavor?");
    assert_eq!(question["options"], json!(["grape", "apricot"]));
    assert_eq!(question["executionId"], id.as_str());
    assert_eq!(host.get("/api/v1/interventions?role=clerk").await.json()["items"][0]["id"], question["id"]);
    assert_eq!(host.get("/api/v1/interventions?role=nobody").await.json()["items"], json!([]));

    let path = format!("/api/v1/executions/{id}/interventions/{}", question["id"].as_str().unwrap());
    let wrong = host.post(&path, json!({ "response": { "jelly_flavor": "mud" } })).await;
    assert_eq!((wrong.status.as_u16(), wrong.code().as_str()), (422, "RESPONSE_INVALID"));
    assert_eq!(wrong.json()["error"]["details"]["violations"][0]["pointer"], "/jelly_flavor");

    let taken = host
        .post(&path, json!({ "response": { "jelly_flavor": "grape" }, "notes": "Customer preference" }))
        .await;
    assert_eq!(taken.status, 200, "{}", taken.text);
    assert_eq!(taken.json()["status"], "answered");
    let late = host.post(&path, json!({ "response": { "jelly_flavor": "apricot" } })).await;
    assert_eq!((late.status.as_u16(), late.code().as_str()), (409, "INTERVENTION_ANSWERED"));
    assert_eq!(late.json()["error"]["details"]["response"], json!({ "jelly_flavor": "grape" }));

    // The stream ends with the execution, so this waits for it.
    let stream = host.get(&format!("/api/v1/executions/{id}/events")).await.text;
    assert!(stream.contains("\"type\":\"execution_completed\""), "{stream}");
    let state = host.get(&format!("/api/v1/executions/{id}/state")).await.json();
    assert_eq!(state["status"], "succeeded");
    assert_eq!(state["steps"][1]["result"], json!({ "jelly_flavor": "grape" }));
    assert_eq!(state["steps"][2]["status"], "succeeded");
    assert_eq!(state["output"], json!({ "jelly": "grape" }));
}

#[tokio::test]
async fn history_and_stream_tell_the_same() {
    let host = Host::new().await;
    let id = host.start("hello", json!({ "who": "you" })).await;
    let whole = host.get(&format!("/api/v1/executions/{id}/history")).await.json();
    assert_eq!(whole["nextCursor"], Value::Null);
    let first = host.get(&format!("/api/v1/executions/{id}/history?limit=1")).await.json();
    assert_eq!(first["nextCursor"], "1");
    let rest = host.get(&format!("/api/v1/executions/{id}/history?after=1")).await.json();
    assert_eq!(host.get(&format!("/api/v1/executions/{id}/history?fromSeq=2")).await.json(), rest);
    let mut joined = first["items"].as_array().unwrap().clone();
    joined.extend(rest["items"].as_array().unwrap().clone());
    assert_eq!(whole["items"].as_array().unwrap(), &joined);

    let stream = host.get(&format!("/api/v1/executions/{id}/events?fromSeq=1")).await;
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    let frames: Vec<Value> = stream
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert_eq!(frames.len(), joined.len());
    for (frame, item) in frames.iter().zip(&joined) {
        assert_eq!(frame["type"], "execution_event");
        assert_eq!(frame["executionId"], id.as_str());
        assert_eq!((&frame["seq"], &frame["event"]), (&item["seq"], &item["event"]));
    }
    assert!(stream.text.contains("event: execution_event\n"));
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_and_stops_at_the_end() {
    let host = Host::new().await;
    let id = host.start("hello", json!({ "who": "you" })).await;
    let last = host.get(&format!("/api/v1/executions/{id}")).await.json()["seq"].as_u64().unwrap();
    let path = format!("/api/v1/executions/{id}/events");
    let from = |seq: u64| {
        request("GET", &path).header("last-event-id", seq.to_string()).body(Body::empty()).unwrap()
    };
    let rest = host.ask(from(last - 1)).await;
    assert_eq!(rest.text.matches("data: ").count(), 1);
    assert!(rest.text.contains(&format!("id: {last}\n")));
    assert_eq!(host.ask(from(last)).await.status, 204);
}

#[tokio::test]
async fn controls_are_conflicts_when_nothing_would_change() {
    let host = Host::new().await;
    let id = host.start("ask", json!({})).await;
    let path = |verb: &str| format!("/api/v1/executions/{id}/{verb}");
    let paused = host.post(&path("pause"), json!({ "reason": "lunch" })).await;
    assert_eq!((paused.status.as_u16(), &paused.json()["status"]), (200, &json!("paused")));
    assert_eq!(host.post(&path("pause"), json!({})).await.code(), "STATE_CONFLICT");
    // The body may be left out.
    let resumed = host.ask(request("POST", &path("resume")).body(Body::empty()).unwrap()).await;
    assert_eq!(resumed.json()["status"], "waiting");
    assert_eq!(host.post(&path("cancel"), Value::Null).await.json()["status"], "cancelled");
    let ended = host.post(&path("cancel"), json!({})).await;
    assert_eq!((ended.status.as_u16(), ended.code().as_str()), (409, "EXECUTION_ENDED"));
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let host = Host::new().await;
    for who in ["a", "b", "c"] {
        let body = json!({
            "playbookName": "hello", "input": { "who": who }, "executionOptions": { "labels": { "who": who } }
        });
        assert_eq!(host.post(&format!("{START}?wait=10s"), body).await.status, 200);
    }
    host.start("ask", json!({})).await;
    let count = async |query: &str| {
        let answer = host.get(&format!("/api/v1/executions?{query}")).await;
        answer.json()["items"].as_array().unwrap_or_else(|| panic!("{}", answer.text)).len()
    };
    assert_eq!(count("").await, 4);
    assert_eq!(count("status=succeeded").await, 3);
    assert_eq!(count("status=succeeded,waiting").await, 4);
    assert_eq!(count("status=succeeded&status=waiting").await, 4);
    assert_eq!(count("label=who:b").await, 1);
    assert_eq!(count("playbook=ask&runtime=kitchen-v1&since=2020-01-01T00:00:00Z").await, 1);
    let page = host.get("/api/v1/executions?limit=3").await.json();
    let cursor = page["nextCursor"].as_str().unwrap();
    assert_eq!(count(&format!("cursor={cursor}")).await, 1);
}
