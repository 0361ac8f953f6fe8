//! Executions written down and taken in again.

use axum::body::Body;
use serde_json::{Value, json};

use crate::support::{Answer, Host, request};

const IMPORT: &str = "/api/v1/runtimes/kitchen-v1/executions/import";

async fn export(host: &Host, id: &str) -> String {
    let answer = host.get(&format!("/api/v1/executions/{id}/export")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    assert_eq!(
        answer.headers["content-disposition"],
        format!("attachment; filename=\"{id}.jsonl\"").as_str()
    );
    answer.text
}

async fn import(host: &Host, lines: String) -> Answer {
    let request = request("POST", IMPORT).header("content-type", "application/x-ndjson");
    host.ask(request.body(Body::from(lines)).unwrap()).await
}

#[tokio::test]
async fn the_lines_are_a_head_and_the_events_as_they_were_recorded() {
    let host = Host::new().await;
    let id = host.start("hello", json!({ "who": "you" })).await;
    let text = export(&host, &id).await;
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let head = &lines[0];
    assert_eq!((&head["format"], &head["version"]), (&json!("orgata-execution"), &json!(1)));
    assert_eq!((&head["executionId"], &head["runtimeId"]), (&json!(id), &json!("kitchen-v1")));
    assert_eq!((&head["status"], &head["events"]), (&json!("succeeded"), &json!(lines.len() - 1)));
    assert_eq!(head["playbook"]["source"], crate::support::HELLO);
    assert!(head["playbook"]["digest"].as_str().unwrap().starts_with("sha256:"));
    assert!(head["plugins"]["words"].is_string() && head.get("idempotencyKey").is_none(), "{head}");
    for (event, seq) in lines[1..].iter().zip(1..) {
        assert_eq!(event["seq"], seq);
    }
    assert_eq!(
        (&lines[1]["type"], &lines[1]["input"]),
        (&json!("execution_started"), &json!({ "who": "you" }))
    );
}

#[tokio::test]
async fn what_one_host_gives_another_takes() {
    let (here, there) = (Host::new().await, Host::new().await);
    let id = here.start("hello", json!({ "who": "you" })).await;
    let lines = export(&here, &id).await;
    let taken = import(&there, lines.clone()).await;
    assert_eq!(taken.status, 201, "{}", taken.text);
    assert_eq!(taken.headers["location"], format!("/api/v1/executions/{id}").as_str());
    let of = async |host: &Host, part: &str| host.get(&format!("/api/v1/executions/{id}{part}")).await.json();
    for part in ["", "/state", "/history"] {
        assert_eq!(of(&there, part).await, of(&here, part).await, "{part}");
    }
    assert_eq!(import(&there, lines).await.code(), "ALREADY_EXISTS");

    let id = here.start("ask", json!({})).await;
    let taken = import(&there, export(&here, &id).await).await;
    assert_eq!(taken.json()["status"], "paused");
    let question = there.question(&id).await;
    let path = format!("/api/v1/executions/{id}");
    let answer = json!({ "response": { "jelly_flavor": "grape" } });
    assert_eq!(there.post(&format!("{path}/interventions/{question}"), answer).await.status, 200);
    assert_eq!(there.post(&format!("{path}/resume"), json!({})).await.status, 200);
    assert!(there.get(&format!("{path}/events")).await.text.contains("execution_completed"));
}

#[tokio::test]
async fn what_cannot_be_a_history_is_refused_with_the_place() {
    let (here, there) = (Host::new().await, Host::new().await);
    let id = here.start("hello", json!({ "who": "you" })).await;
    let lines = export(&here, &id).await;
    let without = |left_out: usize| {
        let lines: Vec<&str> =
            lines.lines().enumerate().filter(|(at, _)| *at != left_out).map(|(_, line)| line).collect();
        lines.join("\n")
    };
    let garbled = lines.replacen("\"type\":\"step_started\"", "\"type\":\"step_danced\"", 1);
    for (history, seq, told) in [
        (String::new(), Value::Null, "its first line"),
        ("{}".to_owned(), Value::Null, "its first line"),
        (without(0), Value::Null, "its first line"),
        (without(1), json!(2), "begins with"),
        (without(2), json!(3), "come to 1"),
        (garbled, json!(2), "line 3"),
        (lines.lines().next().unwrap().to_owned(), Value::Null, "a part is missing"),
    ] {
        let refused = import(&there, history).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (422, "HISTORY_INVALID"));
        let error = refused.json()["error"].clone();
        assert_eq!(error["details"]["seq"], seq, "{error}");
        assert!(error["message"].as_str().unwrap().contains(told), "{error}");
    }
    let kind = request("POST", IMPORT).header("content-type", "text/plain").body(Body::from(lines)).unwrap();
    assert_eq!(there.ask(kind).await.code(), "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(there.get("/api/v1/executions").await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_history_that_is_too_long_is_refused() {
    let here = Host::new().await;
    let id = here.start("hello", json!({ "who": "you" })).await;
    let lines = export(&here, &id).await;
    let there =
        Host::with(orgata_api::Settings { upload_bytes: 500, ..orgata_api::Settings::default() }).await;
    assert_eq!(import(&there, lines).await.code(), "TOO_LARGE");
}
