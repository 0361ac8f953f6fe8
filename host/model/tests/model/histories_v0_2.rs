//! Recorded histories of version 0.2: every event that there is, in the form in which it is read for ever.
//!
//! `histories/v0_2.jsonl` holds whole histories of the playbook beside it, one event a line, each beginning at seq 1. It
//! was made by [`samples`], which still makes the same. Once this version is released, neither is changed any more.

use std::collections::BTreeSet;
use std::path::PathBuf;

use orgata_model::execution::{Cause, Event, Fact, Fork, Parent};
use orgata_model::intervention::Origin;
use orgata_model::{ExecutionId, Failure};
use serde_json::{Value, json};

use crate::histories::histories;
use crate::history::*;
use crate::story::Story;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/histories")
}

fn source() -> String {
    std::fs::read_to_string(folder().join("v0_2.yaml")).unwrap()
}

fn begin(input: Value) -> Story {
    Story::begun(History::begin(&playbook(&source()), input))
}

fn other_execution(number: u128) -> ExecutionId {
    ExecutionId::new(uuid::Uuid::from_u128(0x0192_f3a0_0000_7000_a000_0000_0000_0000 + number))
}

fn broken() -> Failure {
    let failure = Failure::permanent("BROKEN", "it broke").with_details(json!({ "limit": "memory" }));
    Failure { causes: vec!["the bread is stale".to_owned()], ..failure }
}

/// The first step, with everything that can happen to an attempt on the way.
fn booked(story: &mut Story) {
    story.goes();
    story.record(retry("book", 2, 60));
    story.goes_at(60);
    story.record(Fact::StepProgress { step: path("book"), fraction: 0.1, message: "\"half\"\n".to_owned() });
    story.record(asked("book", 900, by_operation()));
    story.answer("book", json!({ "cut": "diagonally" }));
    story.record(Fact::StepInterrupted { step: path("book"), attempt: 2 });
    story.goes();
    story.answer("book", json!({ "decision": "retry" }));
    story.done("book", json!({ "id": 17 }));
}

/// From the loop to the wait for an event.
fn until_paid(story: &mut Story) {
    story.done("each[1]", json!(2));
    story.done("each[0]", json!(1));
    story.done("child", json!({ "from": "child" }));
}

fn that_succeeds() -> Story {
    let mut story = begin(json!({ "n": 2, "items": [1, 2], "asks": true, "last": false, "π": 0.1 }));
    booked(&mut story);
    until_paid(&mut story);
    story.hears("paid", json!({ "amount": 1e300 }));
    story.goes_at(60 + 300);
    story.goes_at(60 + 300 + 3600);
    let (intervention, step) = story.question("approve");
    let response = json!({ "decision": "approve" }).into();
    let notes = Some("as always".to_owned());
    story.record_of("ann", Fact::InterventionApproved { intervention, step, response, notes });
    story.goes_at(60 + 300 + 5400);
    story.answer("approve", json!({ "decision": "approve" }));
    story.record(Fact::ExecutionPaused { reason: Some("lunch".to_owned()) });
    story.record(Fact::ExecutionResumed { reason: None });
    story.goes();
    story.answer("ask", json!("red"));
    story.done("side", json!(null));
    story
}

fn that_is_undone() -> Story {
    let mut story = begin(json!({ "n": 1, "items": [1, 2], "asks": false }));
    booked(&mut story);
    until_paid(&mut story);
    // The event does not come.
    story.goes_at(60 + 3600);
    let (step, failure) = (path("book"), Failure::transient("BUSY", "try later"));
    story.record(Fact::StepCompensationRetryScheduled { step, attempt: 2, at: at(3700), failure });
    story.goes_at(3700);
    story.record(Fact::StepCompensated { step: path("book") });
    story.goes();
    story
}

fn that_cannot_be_undone() -> Story {
    let mut story = begin(json!({ "n": 1, "items": [1], "asks": false }));
    booked(&mut story);
    let reason = Some("enough".to_owned());
    story.record_of("bob", Fact::CompensationStarted { cause: Cause::Cancelled { reason } });
    story.goes();
    story.record(Fact::StepCompensationFailed { step: path("book"), failure: broken() });
    story.goes();
    story.answer("book", json!({ "decision": "abort" }));
    story
}

fn that_takes_too_long() -> Story {
    let mut story = begin(json!({ "n": 1, "items": [1], "asks": false }));
    booked(&mut story);
    story.goes_at(86_400);
    story.record(Fact::StepCompensated { step: path("book") });
    story.goes();
    story
}

/// A child, made from an earlier execution, whose steps it has; with a question of an operator.
fn that_is_a_fork() -> Story {
    let mut first =
        begin(json!({ "n": 1, "items": [], "asks": false, "last": true })).history.events.remove(0);
    if let Fact::ExecutionStarted { parent, fork, deadline, .. } = &mut first.fact {
        *parent = Some(Parent { execution: other_execution(1), step: path("line[2][0]") });
        *fork = Some(Fork { execution: other_execution(2), step: path("ask") });
        *deadline = None;
    }
    let playbook = playbook(&source());
    let state = orgata_model::execution::State::begin(execution(), playbook, &first).unwrap();
    let mut story = Story::begun(History { state, events: vec![first] });
    for (step, result) in [
        ("book", Some(json!({ "id": 3 }))),
        ("each", Some(json!([]))),
        ("group", Some(json!(null))),
        ("paid", Some(json!(1))),
        ("pick", Some(json!({ "n": 1 }))),
        ("approve", None),
    ] {
        story.record(Fact::StepAdopted { step: path(step), result: result.map(Into::into) });
    }
    story.record_of("bob", asked("last", 901, Origin::Operator));
    story.goes();
    // The question beside it is of no use any more.
    story.record(Fact::StepFailed { step: path("side"), failure: broken() });
    story.goes();
    story.record_of(
        "bob",
        Fact::ExecutionRetried {
            step: path("side"),
            input: Some(json!({ "v": 2 }).into()),
            reason: Some("mended".to_owned()),
        },
    );
    let (step, reason) = (path("side"), Some("by hand".to_owned()));
    story.record_of("bob", Fact::StepSkipped { step, result: Some(json!(null).into()), reason });
    story.record_of("bob", Fact::ExecutionCancelled { reason: None });
    story
}

fn that_does_nothing() -> Story {
    let mut story = begin(json!({ "n": 1 }));
    story.goes();
    story.goes_at(86_400);
    story
}

fn that_fails() -> Story {
    let mut story = begin(json!({ "n": 1, "items": [] }));
    story.goes();
    story.fails("book");
    story
}

fn samples() -> Vec<Story> {
    vec![
        that_succeeds(),
        that_is_undone(),
        that_cannot_be_undone(),
        that_takes_too_long(),
        that_is_a_fork(),
        that_does_nothing(),
        that_fails(),
    ]
}

#[test]
fn histories_of_version_0_2_are_read_and_fold_for_ever() {
    let playbook = playbook(&source());
    let text = std::fs::read_to_string(folder().join("v0_2.jsonl")).unwrap();
    let histories = histories(&text);
    let ends: Vec<_> = histories.iter().map(|events| fold(&playbook, events).status().as_str()).collect();
    let expected = [
        "succeeded",
        "compensated",
        "compensation_failed",
        "compensated",
        "cancelled",
        "timed_out",
        "failed",
    ];
    assert_eq!(ends, expected);
    for (line, event) in text.lines().zip(histories.iter().flatten()) {
        assert_eq!(serde_json::from_str::<Value>(line).unwrap(), serde_json::to_value(event).unwrap());
    }
}

#[test]
fn every_event_that_there_is_was_recorded() {
    let text = std::fs::read_to_string(folder().join("v0_2.jsonl")).unwrap();
    let seen: BTreeSet<_> = histories(&text).iter().flatten().map(|event| event.fact.name()).collect();
    assert_eq!(seen.len(), 35, "{seen:#?}");
}

#[test]
fn what_this_version_writes_is_what_the_file_has() {
    let events = samples().into_iter().flat_map(|story| story.history.events);
    let written: Vec<String> = events.map(|event: Event| serde_json::to_string(&event).unwrap()).collect();
    let path = folder().join("v0_2.jsonl");
    if std::env::var_os("ORGATA_ACCEPT").is_some() {
        std::fs::write(&path, written.join("\n") + "\n").unwrap();
    }
    let file = std::fs::read_to_string(path).unwrap();
    assert_eq!(written, file.lines().collect::<Vec<_>>());
}
