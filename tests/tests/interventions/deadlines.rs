//! What happens when nobody answers.

use orgata_tests::matchers::{asked, completed, event, failed, step_completed, step_event};
use orgata_tests::{ExecutionId, HostSetup, Question, TestHost};
use serde_json::json;

/// A playbook that asks with this deadline.
fn asks(timeout: &str) -> String {
    format!(
        "name: ask\nsteps:\n  - name: choose\n    role: clerk\n    intervention:\n      prompt: Now?\n      \
         options: [yea, nay]\n      timeout: {timeout}\noutput: {{ it: $steps.choose.result.it }}\n"
    )
}

async fn asking(timeout: &str) -> (TestHost, ExecutionId, Question) {
    let setup = HostSetup::new().playbook("ask", &asks(timeout));
    let host = setup.runtime("desk", json!({})).start().await;
    let id = host.begin("ask", json!({})).await;
    let question = host.until(&id, event("intervention_required")).await;
    (host, id, Question::read(&question).unwrap())
}

#[tokio::test]
async fn the_default_answer_is_taken_when_nobody_answers() {
    let (host, id, question) = asking("{ after: 200ms, answer: { it: nay } }").await;
    assert_eq!(host.until(&id, completed()).await, json!({ "it": "nay" }));
    assert!(question.body["deadline"].is_string(), "it said until when: {}", question.body);
    let expired = host.until(&id, step_event("intervention_expired", "choose")).await;
    assert_eq!(expired.body["interventionId"], question.id.as_str());
    assert_eq!(expired.body["actor"], "engine");
    assert!(expired.body["at"].as_str() >= question.body["deadline"].as_str(), "not before its time");
    let error =
        host.answer(&id, &question, json!({ "it": "yea" })).await.refused(409, "INTERVENTION_ANSWERED");
    assert_eq!(error["details"]["response"], json!({ "it": "nay" }), "who comes late is told what holds");
}

#[tokio::test]
async fn a_step_that_nobody_answers_fails() {
    let (host, id, question) = asking("{ after: 200ms, fail: true }").await;
    let failure = host.until(&id, failed()).await;
    assert_eq!(failure["code"], "NOT_ANSWERED");
    assert!(failure["message"].as_str().unwrap().contains("Now?"), "{failure}");
    let late = host.answer(&id, &question, json!({ "it": "yea" })).await;
    assert_eq!(late.status, 409, "{late:?}");
    late.is_an_error().unwrap();
}

#[tokio::test]
async fn another_role_is_asked_when_nobody_answers() {
    let (host, id, question) = asking("{ after: 200ms, escalate: boss }").await;
    assert_eq!(question.body["assigneeRole"], "clerk");
    host.until(&id, step_event("intervention_expired", "choose")).await;
    let inbox = host.get("/api/v1/interventions?role=boss").await.is(200);
    assert_eq!(inbox["items"][0]["id"], question.id.as_str(), "the same question");
    assert_eq!(inbox["items"][0].get("deadline"), None, "and it waits as long as it takes");
    assert_eq!(host.get("/api/v1/interventions?role=clerk").await.is(200)["items"], json!([]));
    assert_eq!(host.status(&id).await["status"], "waiting");
    let host = host.kill_and_restart().await;
    host.answer(&id, &question, json!({ "it": "yea" })).await.accepted();
    host.until(&id, completed()).await;
}

#[tokio::test]
async fn an_answer_in_time_stops_the_clock() {
    let (host, id, question) = asking("{ after: 1h, answer: { it: nay } }").await;
    assert!(host.status(&id).await["wakesAt"].is_string());
    host.answer(&id, &question, json!({ "it": "yea" })).await.accepted();
    assert_eq!(host.until(&id, completed()).await, json!({ "it": "yea" }));
    assert_eq!(host.status(&id).await.get("wakesAt"), None);
    assert!(host.history(&id).await.iter().all(|event| event.kind != "intervention_expired"));
}

#[tokio::test]
async fn a_deadline_that_passes_while_the_host_is_down_is_kept_at_the_next_start() {
    let (host, id, question) = asking("{ after: 700ms, answer: { it: nay } }").await;
    let stopped = host.kill();
    // The deadline passes while nobody is there to see it.
    let deadline: jiff::Timestamp = question.body["deadline"].as_str().unwrap().parse().unwrap();
    orgata_tests::patience::until(async || (clock() > deadline).then_some(())).await.unwrap();
    let host = stopped.start().await;
    assert_eq!(host.until(&id, step_completed("choose")).await, json!({ "it": "nay" }));
}

#[tokio::test]
async fn a_far_deadline_survives_a_restart_and_is_met() {
    let (host, id, question) = asking("{ after: 3s, answer: { it: nay } }").await;
    let host = host.kill_and_restart().await;
    host.until(&id, asked("choose")).await;
    let expired = host.until(&id, event("intervention_expired")).await;
    let at = |text: &serde_json::Value| text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let late = at(&expired.body["at"]).duration_since(at(&question.body["deadline"]));
    assert!(!late.is_negative() && late.as_secs() < 2, "it expired {late:?} after its time");
    host.until(&id, completed()).await;
}

/// The time of this machine, by which the host goes too.
#[expect(clippy::disallowed_methods, reason = "the story is about a time that passes while the host is down")]
fn clock() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
