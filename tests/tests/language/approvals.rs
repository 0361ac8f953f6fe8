//! Approvals, reminders and escalation; and the inbox over several executions.

use orgata_tests::matchers::{asked, completed, event, failed};
use serde_json::json;

use crate::{host, times};

const TWO: &str = r"
name: two
steps:
  - name: approve
    role: clerk
    intervention: { type: approval, prompt: Pay?, options: [approve, reject], approvals: 2 of finance }
output: $steps.approve.result.decision
";

#[tokio::test]
async fn one_person_is_not_two_and_one_no_is_enough() {
    let host = host(&[("two", TWO)]).await;
    let id = host.begin("two", json!({})).await;
    let question = host.until(&id, asked("approve")).await;
    assert_eq!(question.body["assigneeRole"], "finance");
    host.answer(&id, &question, json!({ "decision": "approve" })).await.accepted();
    let first = host.until(&id, event("intervention_approved")).await;
    assert_eq!(first.body["actor"], "local");
    let inbox = host.get("/api/v1/interventions").await.is(200);
    assert_eq!(inbox["items"].as_array().unwrap().len(), 1, "it is still open: {inbox}");
    let twice = host.answer(&id, &question, json!({ "decision": "approve" })).await;
    assert!((400..500).contains(&twice.status), "one person cannot be two: {}", twice.body);
    assert_eq!(times(&host, &id, "intervention_approved", "approve").await, 1);
    let host = host.kill_and_restart().await;
    assert_eq!(host.status(&id).await["status"], "waiting", "one approval outlives a crash, and is not two");

    let id = host.begin("two", json!({})).await;
    let question = host.until(&id, asked("approve")).await;
    host.answer(&id, &question, json!({ "decision": "reject" })).await.accepted();
    assert_eq!(host.until(&id, completed()).await, "reject");
}

const OWN: &str = r"
name: own
steps:
  - name: approve
    intervention:
      { type: approval, prompt: Pay?, options: [approve, reject], selfApproval: false, timeout: { after: 900ms, fail: true } }
";

#[tokio::test]
async fn whoever_started_it_may_not_answer_where_that_is_forbidden() {
    let host = host(&[("own", OWN)]).await;
    let id = host.begin("own", json!({})).await;
    let question = host.until(&id, asked("approve")).await;
    let own = host.answer(&id, &question, json!({ "decision": "approve" })).await;
    assert_eq!(own.status, 403, "{}", own.body);
    assert_eq!(host.until(&id, failed()).await["code"], "NOT_ANSWERED");
}

const SLOW: &str = r"
name: slow
steps:
  - name: ask
    role: clerk
    intervention:
      prompt: Anybody?
      options: [here]
      reminders: 1s
      timeout: { after: 2500ms, escalate: boss }
";

#[tokio::test]
async fn reminders_are_events_and_then_somebody_else_is_asked() {
    let host = host(&[("slow", SLOW)]).await;
    let id = host.begin("slow", json!({})).await;
    let mut socket = host.socket().await;
    socket.subscribe(&id).await;
    socket.until(&id, event("intervention_reminded")).await;
    socket.until(&id, event("intervention_expired")).await;
    let open = host.get(&format!("/api/v1/executions/{id}/interventions")).await.is(200);
    assert_eq!(open["items"][0]["assigneeRole"], "boss", "{open}");
    let other = host.begin("slow", json!({})).await;
    host.until(&other, asked("ask")).await;
    let inbox = host.get("/api/v1/interventions").await.is(200);
    let of: Vec<&str> =
        inbox["items"].as_array().unwrap().iter().filter_map(|item| item["executionId"].as_str()).collect();
    assert!(of.contains(&id.0.as_str()) && of.contains(&other.0.as_str()), "{inbox}");
    let question = open["items"][0]["id"].as_str().unwrap().to_owned();
    let answer = json!({ "response": "here" });
    host.post(&format!("/api/v1/executions/{id}/interventions/{question}"), answer).await.accepted();
    host.until(&id, completed()).await;
}
