//! Waiting: for time, until a time, for events; and who hears of an event.

use std::time::{Duration, Instant};

use orgata_tests::matchers::{asked, completed, event, failed, waiting};
use serde_json::json;

use crate::host;

const TIMES: &str = r#"
name: times
steps:
  - { name: nap, wait: 300ms }
  - { name: until, wait: { until: $input.until } }
  - { name: past, wait: { until: 2020-01-01T00:00:00Z } }
output: done
"#;

#[tokio::test]
async fn time_is_waited_for_and_a_time_that_is_over_is_not() {
    let host = host(&[("times", TIMES)]).await;
    #[expect(clippy::disallowed_methods, reason = "the host that it is for reads the same clock")]
    let now = jiff::Timestamp::now();
    let until = now + Duration::from_millis(800);
    let began = Instant::now();
    let id = host.begin("times", json!({ "until": until.to_string() })).await;
    assert_eq!(host.until(&id, completed()).await, "done");
    assert!(began.elapsed() >= Duration::from_millis(700), "it waited");
    let nap = host.until(&id, waiting("nap")).await;
    assert!(nap.body["until"].is_string(), "{}", nap.body);
    let wrong = host.begin("times", json!({ "until": "tomorrow" })).await;
    assert_eq!(host.until(&wrong, failed()).await["code"], "EXPRESSION_FAILED");
}

const EVENTS: &str = r"
name: events
steps:
  - { name: go, intervention: { prompt: Go?, options: [go] } }
  - { name: first, wait: { event: tick, match: event.n > 1 } }
  - { name: second, wait: { event: tick, timeout: 400ms }, onFailure: continue }
output: { first: $steps.first.result.n, second: $steps.second.status }
";

#[tokio::test]
async fn an_execution_keeps_what_it_is_told_and_a_runtime_does_not() {
    let host = host(&[("events", EVENTS)]).await;
    let id = host.begin("events", json!({})).await;
    let go = host.until(&id, asked("go")).await;
    assert!(host.tell("tick", json!({ "n": 5 })).await.is_empty(), "nobody waits yet");
    let path = format!("/api/v1/executions/{id}/events");
    host.post(&path, json!({ "event": "tick", "payload": { "n": 1 } })).await.is(204);
    host.post(&path, json!({ "event": "tick", "payload": { "n": 2 } })).await.is(204);
    host.post(&path, json!({ "event": " " })).await.refused(400, "BAD_REQUEST");

    let host = host.kill_and_restart().await;
    host.answer(&id, &go, json!("go")).await.accepted();
    let output = host.until(&id, completed()).await;
    assert_eq!(output["first"], 2, "the one that matches, though it came before anybody waited");
    assert_eq!(output["second"], "succeeded", "the other is still there for whoever takes any");
    assert_eq!(host.history(&id).await.iter().filter(|event| event.kind == "event_received").count(), 2);
    host.post(&path, json!({ "event": "tick" })).await.refused(409, "EXECUTION_ENDED");
}

#[tokio::test]
async fn an_event_that_does_not_come_in_time_fails_its_step() {
    let host = host(&[("events", EVENTS)]).await;
    let id = host.begin("events", json!({})).await;
    let go = host.until(&id, asked("go")).await;
    host.answer(&id, &go, json!("go")).await.accepted();
    host.until(&id, waiting("first")).await;
    let mut socket = host.socket().await;
    socket.subscribe(&id).await;
    assert_eq!(host.tell("tick", json!({ "n": 3 })).await, std::slice::from_ref(&id));
    socket.until(&id, event("event_received")).await;
    let output = socket.until(&id, completed()).await;
    assert_eq!(output, json!({ "first": 3, "second": "failed" }));
}
