//! Every kind of event as clients see it. A change here is a change for every client.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may say so by panicking"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use orgata_api::wire::frame::ServerFrame;
use orgata_model::execution::{Cause, Event, Fact, Fork, Parent, PlaybookRef};
use orgata_model::intervention::{Intervention, OnDeadline, Origin};
use orgata_model::runtime::Environment;
use orgata_model::{Digest, ExecutionId, Failure, InterventionId, StepPath};
use serde_json::{Value, json};
use uuid::Uuid;

fn execution() -> ExecutionId {
    ExecutionId::new(Uuid::from_u128(0x0195_f3a0_0000_7000_8000_0000_0000_0001))
}

fn question() -> InterventionId {
    InterventionId::new(Uuid::from_u128(0x0195_f3a0_0000_7000_8000_0000_0000_002b))
}

fn step() -> StepPath {
    "gather-ingredients".parse().unwrap()
}

fn frame(fact: Fact) -> String {
    let at = Timestamp::from_microsecond(1_772_366_400_250_000).unwrap();
    let event = Event { seq: 7, at, actor: "engine".into(), fact };
    ServerFrame::event(execution(), &event).to_json()
}

fn failure() -> Failure {
    let failure = Failure::transient("HTTP_503", "the shop is closed").with_details(json!({ "status": 503 }));
    Failure { causes: vec!["connection refused".into()], ..failure }
}

fn every_fact() -> Vec<Fact> {
    let step = step();
    let value = Arc::new(json!({ "ingredients": ["bread", "peanut-butter", "jelly"] }));
    let reason = Some("lunch".to_owned());
    vec![
        Fact::ExecutionStarted {
            runtime: "kitchen-v1".parse().unwrap(),
            environment: Environment::Development,
            playbook: PlaybookRef {
                name: "pbj-sandwich".parse().unwrap(),
                version: "1.0.0".into(),
                digest: Digest::from([1; 32]),
            },
            input: Arc::new(json!({ "sandwichType": "classic" })),
            plugins: BTreeMap::from([("kitchen".parse().unwrap(), Digest::from([2; 32]))]),
            deadline: Some(Timestamp::from_second(1_772_370_000).unwrap()),
            labels: BTreeMap::from([("customer".to_owned(), "1042".to_owned())]),
            parent: Some(Parent { execution: execution(), step: "lunch[2]".parse().unwrap() }),
            fork: Some(Fork { execution: execution(), step: step.clone() }),
        },
        Fact::StepAdopted { step: step.clone(), result: Some(Arc::clone(&value)) },
        Fact::StepEntered { step: step.clone(), case: Some(1) },
        Fact::LoopStarted { step: step.clone(), items: Arc::new(json!([1, 2])) },
        Fact::StepWaiting {
            step: "gather-ingredients[1]".parse().unwrap(),
            until: Some(Timestamp::from_second(1_772_370_000).unwrap()),
            event: Some("delivery.arrived".into()),
        },
        Fact::ChildStarted {
            step: step.clone(),
            attempt: 1,
            playbook: "spread".parse().unwrap(),
            execution: execution(),
            input: Arc::clone(&value),
        },
        Fact::EventReceived { event: "delivery.arrived".into(), payload: Arc::clone(&value) },
        Fact::StepStarted {
            step: step.clone(),
            attempt: 1,
            operation: "kitchen/gather-ingredients".parse().unwrap(),
            input: Arc::new(json!({ "type": "classic" })),
        },
        Fact::StepResumed { step: step.clone(), attempt: 1 },
        Fact::StepProgress { step: step.clone(), fraction: 0.5, message: "half the bread".into() },
        Fact::ModelAsked {
            step: step.clone(),
            provider: orgata_model::sampling::Provider::Openai,
            model: Some("small-1".into()),
            input_tokens: 21,
            output_tokens: 4,
            cost: Some(0.000_1),
            took_ms: 250,
            failure: None,
        },
        Fact::StepCompleted { step: step.clone(), result: Arc::clone(&value), cached: false },
        Fact::StepFailed { step: step.clone(), failure: failure() },
        Fact::StepRetryScheduled {
            step: step.clone(),
            attempt: 2,
            at: Timestamp::from_second(1_772_366_401).unwrap(),
            failure: failure(),
        },
        Fact::StepSkipped { step: step.clone(), result: Some(Arc::clone(&value)), reason: reason.clone() },
        Fact::StepInterrupted { step: step.clone(), attempt: 1 },
        Fact::InterventionRequired {
            intervention: Intervention {
                id: question(),
                step: step.clone(),
                kind: "human_decision".into(),
                prompt: "Which jelly flavor?".into(),
                options: ["grape", "strawberry", "apricot"].map(str::to_owned).to_vec(),
                response_schema: Some(json!({ "type": "object", "required": ["jelly_flavor"] })),
                assignee_role: Some("customer".parse().unwrap()),
                context: Some(json!({ "shelf": 3 })),
                deadline: Some(Timestamp::from_second(1_772_370_000).unwrap()),
                on_deadline: OnDeadline::Answer(json!({ "jelly_flavor": "grape" })),
                reminder: None,
                approvals: 2,
                approved: Vec::new(),
                self_approval: false,
                humans_only: false,
                origin: Origin::Operation { resume_state: json!({ "internal": "never shown" }) },
            },
        },
        Fact::InterventionResolved {
            intervention: question(),
            step: step.clone(),
            response: Arc::new(json!({ "jelly_flavor": "grape" })),
            notes: Some("Customer preference".into()),
        },
        Fact::InterventionApproved {
            intervention: question(),
            step: step.clone(),
            response: Arc::new(json!({ "decision": "approve" })),
            notes: None,
        },
        Fact::InterventionReminded { intervention: question(), step: step.clone() },
        Fact::InterventionWithdrawn { intervention: question(), step: step.clone() },
        Fact::InterventionExpired { intervention: question(), step: step.clone() },
        Fact::ExecutionPaused { reason: reason.clone() },
        Fact::ExecutionResumed { reason: None },
        Fact::ExecutionRetried {
            step: step.clone(),
            input: Some(Arc::clone(&value)),
            reason: reason.clone(),
        },
        Fact::CancellationRequested { compensate: true, reason: reason.clone() },
        Fact::CompensationStarted { cause: Cause::Failed { step: Some(step.clone()), failure: failure() } },
        Fact::CompensationStarted { cause: Cause::Cancelled { reason: reason.clone() } },
        Fact::CompensationStarted { cause: Cause::TimedOut },
        Fact::StepCompensationStarted {
            step: step.clone(),
            attempt: 1,
            operation: "kitchen/discard".parse().unwrap(),
            input: Arc::clone(&value),
        },
        Fact::StepCompensationRetryScheduled {
            step: step.clone(),
            attempt: 2,
            at: Timestamp::from_second(1_772_366_401).unwrap(),
            failure: failure(),
        },
        Fact::StepCompensated { step: step.clone() },
        Fact::StepCompensationFailed { step: step.clone(), failure: failure() },
        Fact::ExecutionCompensated {},
        Fact::CompensationFailed { step: step.clone(), failure: failure() },
        Fact::ExecutionCancelled { reason },
        Fact::ExecutionTimedOut {},
        Fact::ExecutionFailed { step: Some(step), failure: failure() },
        Fact::ExecutionCompleted { output: value },
    ]
}

#[test]
fn every_event_looks_like_this() {
    let frames: Vec<String> = every_fact().into_iter().map(frame).collect();
    insta::assert_snapshot!(frames.join("\n"));
}

#[test]
fn every_event_has_the_models_name_and_camel_case() {
    fn check(value: &Value) {
        let data = [
            "input",
            "data",
            "output",
            "response",
            "responseSchema",
            "context",
            "items",
            "payload",
            "labels",
            "plugins",
            "details",
        ];
        for (key, value) in value.as_object().into_iter().flatten() {
            assert!(!key.contains('_'), "{key}");
            if !data.contains(&key.as_str()) {
                check(value);
            }
        }
    }
    for fact in every_fact() {
        let name = fact.name();
        let frame: Value = serde_json::from_str(&frame(fact)).unwrap();
        assert_eq!(frame["event"]["type"], name);
        check(&frame);
    }
}

#[test]
fn a_completed_step_reads_as_the_clients_were_promised() {
    let result = Arc::new(json!({ "ingredients": ["bread", "peanut-butter", "jelly"] }));
    let frame: Value =
        serde_json::from_str(&frame(Fact::StepCompleted { step: step(), result, cached: false })).unwrap();
    assert_eq!(frame["type"], "execution_event");
    assert_eq!(frame["event"]["type"], "step_completed");
    assert_eq!(frame["event"]["step"], "gather-ingredients");
    assert_eq!(frame["event"]["data"], json!({ "ingredients": ["bread", "peanut-butter", "jelly"] }));
}

#[test]
fn what_an_operation_keeps_for_itself_is_never_shown() {
    for fact in every_fact() {
        let frame = frame(fact);
        assert!(!frame.contains("never shown"), "{frame}");
    }
}
