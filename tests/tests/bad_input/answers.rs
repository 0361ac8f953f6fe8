//! Answers that come twice, too late, or do not fit.

use orgata_tests::matchers::{asked, completed};
use serde_json::json;

use crate::host;

#[tokio::test]
async fn an_answer_that_does_not_fit_is_refused_and_the_question_stays_open() {
    let host = host().await;
    let id = host.begin("ask", json!({ "n": 1 })).await;
    let question = host.until(&id, asked("choose")).await;
    for (wrong, pointer) in [
        (json!("yes"), ""),
        (json!({}), ""),
        (json!({ "sure": "yes" }), "/sure"),
        (json!({ "sure": true, "very": true }), ""),
        (json!(null), ""),
    ] {
        let error = host.answer(&id, &question, wrong.clone()).await.refused(422, "RESPONSE_INVALID");
        assert_eq!(error["details"]["violations"][0]["pointer"], pointer, "{wrong}: {error}");
        let open = host.get(&format!("/api/v1/executions/{id}/interventions")).await.is(200);
        assert_eq!(open["items"][0]["id"], question.id.as_str(), "the question is open after {wrong}");
    }
    let large = json!({ "sure": "x".repeat(300 * 1024) });
    host.answer(&id, &question, large).await.refused(422, "RESPONSE_INVALID");
    host.answer(&id, &question, json!({ "sure": true })).await.is(200);
    assert_eq!(host.until(&id, completed()).await, json!({ "sure": true }));
    let resolved = host.history(&id).await.into_iter().filter(|event| event.kind == "intervention_resolved");
    assert_eq!(resolved.count(), 1, "what was refused left no trace");
}

#[tokio::test]
async fn a_second_answer_is_told_what_the_first_one_was() {
    let host = host().await;
    let id = host.begin("ask", json!({ "n": 1 })).await;
    let question = host.until(&id, asked("choose")).await;
    host.answer(&id, &question, json!({ "sure": true })).await.is(200);
    for late in [json!({ "sure": false }), json!({ "sure": true }), json!("nonsense")] {
        let error = host.answer(&id, &question, late).await.refused(409, "INTERVENTION_ANSWERED");
        assert_eq!(error["details"]["response"], json!({ "sure": true }));
        assert_eq!(error["details"]["answeredBy"], "local");
        assert!(error["details"]["answeredAt"].is_string(), "{error}");
    }
    // The same after a restart, when nothing of it is in memory.
    let host = host.kill_and_restart().await;
    host.answer(&id, &question, json!({ "sure": false })).await.refused(409, "INTERVENTION_ANSWERED");
}

#[tokio::test]
async fn of_many_answers_at_once_one_is_taken() {
    let host = host().await;
    let id = host.begin("ask", json!({ "n": 1 })).await;
    let question = host.until(&id, asked("choose")).await;
    let answers = (0..20).map(|n| host.answer(&id, &question, json!({ "sure": n % 2 == 0 })));
    let replies = futures_util::future::join_all(answers).await;
    let taken: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
    assert_eq!(taken.len(), 1, "{replies:#?}");
    let output = host.until(&id, completed()).await;
    for refused in replies.into_iter().filter(|reply| reply.status != 200) {
        let error = refused.refused(409, "INTERVENTION_ANSWERED");
        assert_eq!(error["details"]["response"], output, "all are told of the same one");
    }
}

#[tokio::test]
async fn a_question_of_another_execution_or_of_nobody_cannot_be_answered() {
    let host = host().await;
    let (one, other) =
        (host.begin("ask", json!({ "n": 1 })).await, host.begin("ask", json!({ "n": 2 })).await);
    let question = host.until(&one, asked("choose")).await;
    host.until(&other, asked("choose")).await;
    host.answer(&other, &question, json!({ "sure": true })).await.refused(404, "INTERVENTION_NOT_FOUND");
    host.until(&one, asked("choose")).await;

    host.control(&one, "cancel", "").await.is(200);
    host.answer(&one, &question, json!({ "sure": true })).await.refused(409, "EXECUTION_ENDED");
}
