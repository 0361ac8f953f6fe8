//! Pause, resume, cancel.

use orgata_tests::matchers::{asked, completed, event, step_completed, step_started};
use orgata_tests::{ExecutionId, Witness};
use serde_json::json;

use crate::{desk, desk_with, kinds, waiting, with_hostile};

#[tokio::test]
async fn what_is_at_work_when_it_is_paused_goes_on_to_its_end_and_nothing_follows() {
    let witness = Witness::start().await;
    let host = desk_with(&witness).await;
    witness.hold("/pay");
    let id = host.begin("call", json!({ "url": witness.url("/pay") })).await;
    witness.until("/pay", 1).await;

    let paused = host.control(&id, "pause", "lunch").await.is(200);
    assert_eq!((&paused["status"], &paused["executionId"]), (&json!("paused"), &json!(id.0)));
    witness.release("/pay");
    host.until(&id, step_completed("call")).await;
    assert_eq!(host.status(&id).await["status"], "paused");

    // A restart changes nothing of it.
    let host = host.kill_and_restart().await;
    assert_eq!(host.status(&id).await["status"], "paused");
    let state = host.get(&format!("/api/v1/executions/{id}/state")).await.is(200);
    assert_eq!(state["steps"][1]["status"], "pending", "{state}");

    assert_eq!(host.control(&id, "resume", "back").await.is(200)["status"], "running");
    assert_eq!(host.until(&id, completed()).await, json!({ "ok": true }));
    let history = host.history(&id).await;
    assert_eq!(
        kinds(&history),
        [
            "execution_started",
            "step_started",
            "execution_paused",
            "step_completed",
            "execution_resumed",
            "step_started",
            "step_completed",
            "execution_completed",
        ]
    );
    let (paused, resumed) = (&history[2].body, &history[4].body);
    assert_eq!((&paused["reason"], &paused["actor"]), (&json!("lunch"), &json!("local")));
    assert_eq!((&resumed["reason"], &resumed["actor"]), (&json!("back"), &json!("local")));
    assert_eq!(witness.seen("/pay").len(), 1);
}

#[tokio::test]
async fn a_paused_execution_takes_answers_and_acts_on_them_when_it_is_resumed() {
    let host = desk().await;
    let id = waiting(&host).await;
    host.control(&id, "pause", "").await.is(200);
    let question = host.until(&id, asked("choose")).await;
    let inbox = host.get("/api/v1/interventions").await.is(200);
    assert_eq!(inbox["items"][0]["id"], question.id.as_str(), "it can still be answered");
    host.answer(&id, &question, json!("yea")).await.accepted();
    assert_eq!(host.status(&id).await["status"], "paused");
    host.control(&id, "resume", "").await.is(200);
    assert_eq!(host.until(&id, completed()).await, "yea");
    let history = host.history(&id).await;
    let at = |kind: &str| kinds(&history).iter().position(|own| *own == kind).unwrap();
    assert!(at("intervention_resolved") < at("execution_resumed"));
    assert!(
        history.iter().position(|event| event.is("step_started", "act")).unwrap() > at("execution_resumed")
    );
}

#[tokio::test]
async fn controls_that_change_nothing_are_refused() {
    let host = desk().await;
    let id = waiting(&host).await;
    host.control(&id, "resume", "").await.refused(409, "STATE_CONFLICT");
    // The body may be left out.
    let bare = host.client().post(host.url(&format!("/api/v1/executions/{id}/pause")));
    orgata_tests::Reply::read("pause", bare).await.is(200);
    host.control(&id, "pause", "").await.refused(409, "STATE_CONFLICT");
    host.control(&id, "cancel", &"because ".repeat(1_000)).await.is(200);
    for verb in ["pause", "resume", "cancel"] {
        let error = host.control(&id, verb, "").await.refused(409, "EXECUTION_ENDED");
        assert_eq!(error["details"]["status"], "cancelled");
    }
    let cancelled = host.until(&id, event("execution_cancelled")).await;
    assert_eq!(cancelled.body["reason"].as_str().unwrap().len(), 1_000, "a reason is no novel");
    assert_eq!(host.history(&id).await.len(), 6, "refusals leave no trace");
}

#[tokio::test]
async fn it_can_be_cancelled_while_it_waits_while_it_is_paused_and_between_two_attempts() {
    let fails = "name: fails\nsteps:\n  - name: fail\n    operation: hostile/fail\n    \
                 retries: { max: 9, initial: 1h, jitter: none }\n";
    let host = with_hostile(json!({})).playbook("fails", fails).start().await;
    let waits = waiting(&host).await;
    let paused = waiting(&host).await;
    host.control(&paused, "pause", "").await.is(200);
    let retries = host.begin("fails", json!({})).await;
    host.until(&retries, event("step_retry_scheduled")).await;
    for id in [waits, paused, retries] {
        let view = host.control(&id, "cancel", "the kitchen is closed").await.is(200);
        assert_eq!(view["status"], "cancelled");
        assert!(view["endedAt"].is_string() && view.get("wakesAt").is_none(), "{view}");
        let last = host.history(&id).await.pop().unwrap();
        assert_eq!(last.kind, "execution_cancelled");
        assert_eq!(last.body["reason"], "the kitchen is closed");
        assert_eq!(last.body["actor"], "local");
    }
    assert_eq!(host.get("/api/v1/interventions").await.is(200)["items"], json!([]));
    // And so it stays: nobody wakes it.
    let host = host.kill_and_restart().await;
    let cancelled = host.get("/api/v1/executions?status=cancelled").await.is(200);
    assert_eq!(cancelled["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_guest_that_never_ends_is_stopped_when_its_execution_is_cancelled() {
    let host = with_hostile(json!({ "sandbox": { "instances": 1 } })).start().await;
    for _ in 0..3 {
        let id = host.begin("loop", json!({})).await;
        host.until(&id, step_started("spin")).await;
        assert_eq!(host.control(&id, "cancel", "").await.is(200)["status"], "cancelled");
    }
    // There is a place for one guest: it is free again.
    let id = host.begin("ask", json!({})).await;
    host.until(&id, asked("choose")).await;
}

#[tokio::test]
async fn what_comes_back_from_an_effect_after_the_end_is_not_recorded() {
    let witness = Witness::start().await;
    let host = desk_with(&witness).await;
    witness.hold("/pay");
    let id = host.begin("call", json!({ "url": witness.url("/pay") })).await;
    witness.until("/pay", 1).await;
    host.control(&id, "cancel", "too slow").await.is(200);
    witness.release("/pay");
    // Another one goes all the way meanwhile.
    let other = host.begin("call", json!({ "url": witness.url("/pay") })).await;
    host.until(&other, completed()).await;
    assert_eq!(kinds(&host.history(&id).await), ["execution_started", "step_started", "execution_cancelled"]);
}

#[tokio::test]
async fn of_many_controls_at_once_each_is_done_or_refused_and_the_history_agrees() {
    let host = desk().await;
    let id = waiting(&host).await;
    let verbs = ["pause", "resume", "pause", "resume", "pause", "pause", "resume", "cancel"];
    let replies = futures_util::future::join_all(verbs.map(|verb| host.control(&id, verb, "race"))).await;
    let mut done = vec![];
    for (verb, reply) in verbs.into_iter().zip(replies) {
        match reply.status {
            200 => done.push(verb),
            _ => assert!(reply.status == 409 && reply.is_an_error().is_ok(), "{verb}: {reply:?}"),
        }
    }
    let history = host.history(&id).await;
    let recorded = |kind: &str| history.iter().filter(|event| event.kind == kind).count();
    for (verb, kind) in
        [("pause", "execution_paused"), ("resume", "execution_resumed"), ("cancel", "execution_cancelled")]
    {
        assert_eq!(recorded(kind), done.iter().filter(|own| **own == verb).count(), "{verb}");
    }
    assert_eq!(recorded("execution_cancelled"), 1);
}

#[tokio::test]
async fn nothing_is_changed_by_controls_of_what_is_not_there() {
    let host = desk().await;
    let nobody = ExecutionId("exec_00000000000070008000000000000000".to_owned());
    for verb in ["pause", "resume", "cancel"] {
        host.control(&nobody, verb, "").await.refused(404, "EXECUTION_NOT_FOUND");
    }
    assert_eq!(host.get("/api/v1/executions").await.is(200)["items"], json!([]));
}
