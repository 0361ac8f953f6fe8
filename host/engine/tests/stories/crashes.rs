//! A crash at every boundary: before and after each commit, each call and each effect.

use std::time::Duration;

use orgata_engine::Settings;
use orgata_engine::ports::PendingIntervention;
use orgata_model::Failure;
use orgata_model::execution::{Event, Fact, Status};
use orgata_model::intervention::Origin;
use orgata_model::operation::EffectClass;
use serde_json::{Value, json};

use crate::support::host::{ada, is_interrupted, request, runtime, within};
use crate::support::life::Life;
use crate::support::operations::{begins_durably, question};
use crate::support::{Scripted, TestHost};

/// Every kind of step: pure, observing, effects of both kinds, questions of a person and of operations, a retry.
const EVERYTHING: &str = r#"
name: story
timeout: 1d
steps:
  - { name: reckon, operation: calc/echo, params: { v: $input.v } }
  - { name: see, operation: look/see, params: { v: $steps.reckon.result.v } }
  - { name: send, operation: mail/send, params: { v: $steps.see.result.v } }
  - { name: between, operation: calc/echo, params: { v: $steps.send.result.v } }
  - name: put
    operation: mail/put
    params: { v: $steps.between.result.v }
    # An attempt that a crash cut off counts as one: two crashes and a failure must fit.
    retries: { max: 4, initial: 10s, jitter: none }
  - name: person
    intervention: { prompt: Well?, response: { type: object, required: [ok] } }
  - { name: confirm, operation: mail/confirm, params: { v: $steps.put.result.v } }
  - { name: ask, operation: calc/ask, params: { ok: $steps.person.result.ok } }
  - { name: last, operation: mail/send, params: { v: $input.v } }
output: { v: $steps.last.result.v, ok: $steps.person.result.ok, said: $steps.ask.result }
"#;

/// What an operator says of a step that was cut off.
fn reply(decision: &'static str) -> impl FnMut(&PendingIntervention) -> Option<Value> {
    move |open| {
        Some(match decision {
            _ if !is_interrupted(open) => json!({ "ok": true }),
            "complete" => json!({ "decision": "complete", "result": { "v": 1 } }),
            decision => json!({ "decision": decision }),
        })
    }
}

async fn prepared(life: Life) -> TestHost {
    let host = TestHost::with_life(Settings::default(), Life::new(0)).await;
    // Outside of what is counted: the playbook is there when the life begins.
    host.publish(EVERYTHING).await;
    let mut host = host;
    host.life.kill();
    host.world.script("mail/put", [Scripted::Fail(Failure::transient("BUSY", "try later"))]);
    // A confirmation asks twice, once after the other; each question's answer goes back into it.
    host.world.answers("mail/confirm", |resume| match resume {
        None => Scripted::Ask(question("sure?", json!(1))),
        Some(resume) if resume.state == json!(1) => Scripted::Ask(question("really?", json!(2))),
        Some(resume) => Scripted::Done(json!({ "said": &*resume.answer })),
    });
    host.world.answers("calc/ask", |resume| match resume {
        None => Scripted::Ask(question("color?", json!("c"))),
        Some(resume) => Scripted::Done((*resume.answer).clone()),
    });
    host.begin(life).await.unwrap();
    host
}

/// One telling of the story, with a crash at these boundaries of its lives. Returns whether they were all come to.
async fn tell(crashes: &[u64], decision: &'static str) -> bool {
    let mut host = prepared(Life::new(crashes.first().copied().unwrap_or(0))).await;
    let engine = host.engine.clone();
    let life = host.life.clone();
    let (who, place) = (ada(), runtime());
    let acknowledged = tokio::select! {
        biased;
        started = within(engine.start(&who, &place, request(json!({ "v": 7 })))) => {
            Some(started.unwrap().summary.id)
        }
        () = life.over() => None,
    };
    let mut died = 0;
    loop {
        host.play(Duration::from_secs(3_600), reply(decision)).await;
        if !host.life.is_over() {
            break;
        }
        died += 1;
        host.begin(Life::new(crashes.get(died).copied().unwrap_or(0))).await.unwrap();
    }
    let told = format!("crashes at {crashes:?}, operators say {decision}");
    assert!(acknowledged.is_none_or(|id| host.store.ids() == [id]), "{told}: what was acknowledged is there");
    for id in host.store.ids() {
        check(&host, id, decision, &told);
    }
    died == crashes.len()
}

/// What holds of the story, however often the host died over it.
fn check(host: &TestHost, id: orgata_model::ExecutionId, decision: &str, told: &str) {
    let summary = host.summary(id);
    let journal = host.journal(id);
    let by_host = |event: &Event| match &event.fact {
        Fact::InterventionRequired { intervention } => intervention.origin == Origin::Interrupted,
        _ => false,
    };
    let cut_off = host.history(id).iter().any(by_host);
    match decision {
        "fail" if cut_off => assert_eq!(summary.status, Status::Failed, "{told}: {journal:?}"),
        _ => {
            assert_eq!(summary.status, Status::Succeeded, "{told}: {:?} {journal:?}", summary.failure);
            let output = summary.output.unwrap();
            assert_eq!(output["said"], json!({ "ok": true }), "{told}");
        }
    }
    let mut retried = 0;
    for event in host.history(id) {
        if let Fact::InterventionResolved { response, .. } = &event.fact {
            retried += usize::from(response["decision"] == "retry");
        }
    }
    let effects = host.world.effects();
    let sent = |step: &str| {
        effects
            .iter()
            .filter(|effect| effect.operation == "mail/send" && effect.key == format!("{id}/{step}"))
            .count()
    };
    assert!(sent("send") + sent("last") <= 2 + retried, "{told}: {effects:?}");
    assert!(sent("send") <= 1 + retried && sent("last") <= 1 + retried, "{told}");
    for operation in ["mail/put", "mail/confirm"] {
        let done = effects.iter().filter(|effect| effect.operation == operation).count();
        assert!(done <= 1, "{told}: {operation} did {done} things under one key");
    }
    for call in host.world.calls() {
        assert_eq!(call.key, format!("{id}/{}", call.step), "{told}: the key is stable");
        let effectful = call.operation.starts_with("mail/");
        assert!(!effectful || begins_durably(&call), "{told}: {call:#?}");
        let completed =
            |event: &Event| matches!(&event.fact, Fact::StepCompleted { step, .. } if *step == call.step);
        assert!(
            !call.durable.iter().any(completed),
            "{told}: {} ran after its result was durable",
            call.step
        );
    }
    assert_eq!(host.engine.active(), 0, "{told}");
}

#[tokio::test]
async fn without_a_crash_the_story_ends_well() {
    assert!(tell(&[], "fail").await);
}

#[tokio::test]
async fn a_crash_at_any_boundary_loses_nothing_and_repeats_no_completed_effect() {
    for decision in ["retry", "complete", "fail"] {
        let mut boundary = 1;
        while tell(&[boundary], decision).await {
            boundary += 1;
        }
        assert!(boundary > 40, "the story has many boundaries, not {boundary}");
    }
}

#[tokio::test]
async fn two_crashes_at_any_boundaries_lose_nothing_either() {
    let mut first = 1;
    while tell(&[first], "complete").await {
        // Each third pair, in an order that comes to every boundary of the second life.
        let mut second = 1 + first % 3;
        while tell(&[first, second], if second % 2 == 0 { "retry" } else { "complete" }).await {
            second += 3;
        }
        first += 2;
    }
    assert!(first > 40, "the story has many boundaries, not {first}");
}

#[tokio::test]
async fn dying_again_and_again_at_the_first_boundaries_is_outlived() {
    for boundary in 1..8 {
        assert!(tell(&[boundary; 1], "complete").await);
        tell(&[boundary; 6], "complete").await;
    }
}

fn one(operation: &str, rest: &str) -> String {
    format!("name: story\nsteps:\n  - {{ name: a, operation: {operation}, params: {{ v: 1 }}{rest} }}\n")
}

/// A host that died while this operation ran.
async fn died_during(operation: &str, rest: &str) -> (TestHost, orgata_model::ExecutionId) {
    let mut host = TestHost::new().await;
    host.publish(&one(operation, rest)).await;
    host.world.hold(operation);
    let id = host.start(json!({})).await;
    host.until(|| host.world.called(operation) == 1).await;
    // Watchers were told of the start, so it is durable; of a pure step that takes the flush interval.
    host.advance(Duration::from_millis(20)).await;
    host.world.release(operation);
    host.crash().await;
    host.settle().await;
    (host, id)
}

#[tokio::test]
async fn an_interrupted_effect_that_may_not_run_twice_is_asked_about_and_done_as_told() {
    for (decision, status, calls) in [
        (json!({ "decision": "retry" }), Status::Succeeded, 2),
        (json!({ "decision": "complete", "result": { "sent": 1 } }), Status::Succeeded, 1),
        (json!({ "decision": "fail" }), Status::Failed, 1),
    ] {
        let (host, id) = died_during("mail/send", "").await;
        let open = host.question(id).await;
        assert!(is_interrupted(&open) && open.intervention.prompt.contains("step `a`"));
        assert_eq!(open.intervention.options, ["retry", "complete", "fail"]);
        assert_eq!(host.engine.active(), 0, "it waits without a driver");
        for wrong in [json!("retry"), json!({ "decision": "later" }), json!({ "decision": "complete" })] {
            let refused = host.answer_to(&open, wrong).await.unwrap_err();
            assert_eq!(refused.code(), "RESPONSE_INVALID", "{refused}");
        }
        host.answer_to(&open, decision.clone()).await.unwrap();
        host.settle().await;
        assert_eq!((host.status(id), host.world.called("mail/send")), (Some(status), calls), "{decision}");
        let keys: Vec<_> = host.world.calls().into_iter().map(|call| call.key).collect();
        assert!(keys.iter().all(|key| *key == format!("{id}/a")));
        if decision["decision"] == "complete" {
            assert_eq!(*host.summary(id).output.unwrap(), json!({ "sent": 1 }));
        }
    }
}

#[tokio::test]
async fn an_interrupted_effect_that_is_idempotent_runs_again_with_the_same_key() {
    let (host, id) = died_during("mail/put", "").await;
    host.until_status(id, Status::Succeeded).await;
    let calls = host.world.calls();
    assert_eq!(calls.iter().map(|call| call.attempt).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(calls[0].key, calls[1].key);
    assert_eq!(calls[0].input, calls[1].input);
    assert_eq!(host.count(id, "step_interrupted"), 1);
}

#[tokio::test]
async fn an_interrupted_effect_with_attempts_left_runs_again() {
    let (host, id) = died_during("mail/send", ", retries: 1").await;
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(host.world.called("mail/send"), 2);
}

#[tokio::test]
async fn an_interrupted_step_that_has_no_effect_simply_runs_again() {
    for operation in ["calc/echo", "look/see"] {
        let (host, id) = died_during(operation, "").await;
        host.until_status(id, Status::Succeeded).await;
        assert_eq!(host.count(id, "step_interrupted"), 0);
        assert_eq!(host.world.calls().iter().map(|call| call.attempt).collect::<Vec<_>>(), [1, 1]);
    }
}

#[tokio::test]
async fn an_interrupted_step_whose_plugin_is_gone_says_so() {
    let mut host = TestHost::new().await;
    let digest = host.world.load("calc", 2, EffectClass::Pure, &[("echo", false)]);
    host.publish(&one("calc/echo", "")).await;
    host.world.hold("calc/echo");
    let id = host.start(json!({})).await;
    host.advance(Duration::from_millis(20)).await;
    host.world.lose(digest);
    host.world.release("calc/echo");
    host.crash().await;
    host.until_status(id, Status::Failed).await;
    assert_eq!(host.summary(id).failure.unwrap().code, "PLUGIN_GONE");
}

#[tokio::test]
async fn an_execution_keeps_its_plugin_and_its_playbook_whatever_comes_later() {
    let mut host = TestHost::new().await;
    host.publish("name: story\nsteps:\n  - { name: ask, intervention: { prompt: Well? } }\n  - { name: a, operation: calc/echo, params: { v: old } }\n").await;
    let id = host.start(json!({})).await;
    let open = host.question(id).await;
    host.world.load("calc", 2, EffectClass::Pure, &[("other", false)]);
    host.publish("name: story\nsteps:\n  - { name: a, operation: calc/other, params: { v: new } }\n").await;
    host.crash().await;
    host.answer_to(&open, json!("yes")).await.unwrap();
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(*host.summary(id).output.unwrap(), json!({ "v": "old" }));
    assert_eq!(*host.run(json!({})).await.output.unwrap(), json!({ "v": "new" }));
}
