//! Recorded histories: what a released version wrote, every later one reads, to the last event.
//!
//! `histories/v0_1.jsonl` holds whole histories of the playbook beside it, one event a line, each beginning at
//! seq 1. The files of released versions are never changed. What later versions added is in
//! `histories_v0_2` and `histories_v0_3`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use orgata_model::Failure;
use orgata_model::execution::{Event, Fact};
use orgata_model::intervention::{OnDeadline, Origin};
use serde_json::{Value, json};

use crate::history::*;

/// The version that first wrote an event. A new one does not compile until it is listed here.
fn since(fact: &Fact) -> &'static str {
    match fact {
        Fact::ExecutionStarted { .. }
        | Fact::StepStarted { .. }
        | Fact::StepResumed { .. }
        | Fact::StepProgress { .. }
        | Fact::StepCompleted { .. }
        | Fact::StepFailed { .. }
        | Fact::StepRetryScheduled { .. }
        | Fact::StepSkipped { .. }
        | Fact::StepInterrupted { .. }
        | Fact::InterventionRequired { .. }
        | Fact::InterventionResolved { .. }
        | Fact::InterventionExpired { .. }
        | Fact::ExecutionPaused { .. }
        | Fact::ExecutionResumed { .. }
        | Fact::ExecutionCancelled { .. }
        | Fact::ExecutionTimedOut { .. }
        | Fact::ExecutionFailed { .. }
        | Fact::ExecutionCompleted { .. } => "0.1",
        Fact::StepAdopted { .. }
        | Fact::StepEntered { .. }
        | Fact::LoopStarted { .. }
        | Fact::StepWaiting { .. }
        | Fact::ChildStarted { .. }
        | Fact::EventReceived { .. }
        | Fact::InterventionApproved { .. }
        | Fact::InterventionReminded { .. }
        | Fact::InterventionWithdrawn { .. }
        | Fact::ExecutionRetried { .. }
        | Fact::CompensationStarted { .. }
        | Fact::StepCompensationStarted { .. }
        | Fact::StepCompensationRetryScheduled { .. }
        | Fact::StepCompensated { .. }
        | Fact::StepCompensationFailed { .. }
        | Fact::ExecutionCompensated { .. }
        | Fact::CompensationFailed { .. } => "0.2",
        Fact::ModelAsked { .. } | Fact::CancellationRequested { .. } => "0.3",
    }
}

/// Every event of version 0.1.
fn names() -> BTreeSet<&'static str> {
    let samples = samples();
    let facts = samples.iter().flat_map(|history| history.events.iter().map(|event| &event.fact));
    let names: BTreeSet<_> = facts.filter(|fact| since(fact) == "0.1").map(Fact::name).collect();
    assert_eq!(names.len(), 18);
    names
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/histories")
}

/// Histories that hold every kind of event, with every optional part there and absent.
fn samples() -> Vec<History> {
    let begin = || {
        History::begin(
            &playbook(WALK),
            json!({ "v": 3, "π": [1.5, -0.1, 1e300, 18_446_744_073_709_551_615_u64] }),
        )
    };
    let failure = || {
        let failure = Failure::permanent("BROKEN", "it broke").with_details(json!({ "limit": "memory" }));
        Failure { causes: vec!["the bread is stale".to_owned()], ..failure }
    };
    let completed_one = begin()
        .with(step_started("work", 1))
        .with(retry("work", 2, 60))
        .with(step_started("work", 2))
        .with(Fact::StepProgress {
            step: path("work"),
            fraction: 0.1,
            message: "slicing \"bread\"\n".to_owned(),
        })
        .with(asked("work", 1, by_operation()))
        .with(Fact::ExecutionPaused { reason: Some("lunch".to_owned()) })
        .with(Fact::InterventionResolved {
            intervention: question(1),
            step: path("work"),
            response: json!({ "cut": "diagonally" }).into(),
            notes: Some("as always".to_owned()),
        })
        .with(Fact::ExecutionResumed { reason: None })
        .with(Fact::StepResumed { step: path("work"), attempt: 2 })
        .with(Fact::StepInterrupted { step: path("work"), attempt: 2 })
        .with(asked("work", 2, Origin::Interrupted))
        .with(answered("work", 2, json!({ "decision": "retry" })))
        .with(Fact::StepResumed { step: path("work"), attempt: 3 })
        .with(completed("work", json!({ "ok": true })))
        .with(asked_until("ask", 3, Origin::Step, Some(at(600)), OnDeadline::Answer(json!("red"))))
        .with(expired("ask", 3))
        .with(completed("ask", json!("red")))
        .with(skipped("last"))
        .with(Fact::ExecutionCompleted { output: json!({ "color": "red" }).into() });
    let failed_one = begin()
        .with(step_started("work", 1))
        .with(completed("work", json!(null)))
        .with(asked_until(
            "ask",
            1,
            Origin::Step,
            Some(at(600)),
            OnDeadline::Escalate("manager".parse().unwrap()),
        ))
        .with(expired("ask", 1))
        .with(answered("ask", 1, json!("blue")))
        .with(Fact::StepFailed { step: path("ask"), failure: failure() })
        .with(Fact::ExecutionFailed { step: Some(path("ask")), failure: failure() });
    let unanswered = begin()
        .with(step_started("work", 1))
        .with(asked_until("work", 1, by_operation(), Some(at(60)), OnDeadline::Fail))
        .with(expired("work", 1))
        .with(Fact::ExecutionPaused { reason: None })
        .with(Fact::ExecutionResumed { reason: Some("back".to_owned()) })
        .with(Fact::ExecutionCancelled { reason: Some("enough".to_owned()) });
    vec![
        completed_one,
        failed_one,
        unanswered,
        begin().with(Fact::ExecutionTimedOut {}),
        begin().with(Fact::ExecutionCancelled { reason: None }),
    ]
}

pub(crate) fn histories(text: &str) -> Vec<Vec<Event>> {
    let mut histories: Vec<Vec<Event>> = Vec::new();
    for line in text.lines() {
        let event: Event = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if event.seq == 1 {
            histories.push(Vec::new());
        }
        histories.last_mut().unwrap().push(event);
    }
    histories
}

#[test]
fn histories_of_version_0_1_are_read_and_fold_for_ever() {
    let playbook = playbook(&std::fs::read_to_string(folder().join("v0_1.yaml")).unwrap());
    let text = std::fs::read_to_string(folder().join("v0_1.jsonl")).unwrap();
    let histories = histories(&text);
    let seen: BTreeSet<_> = histories.iter().flatten().map(|event| event.fact.name()).collect();
    assert_eq!(seen, names());
    let ends: Vec<_> = histories.iter().map(|events| fold(&playbook, events).status().as_str()).collect();
    assert_eq!(ends, ["succeeded", "failed", "cancelled", "timed_out", "cancelled"]);
    // And nothing of them is lost in reading.
    for (line, event) in text.lines().zip(histories.iter().flatten()) {
        assert_eq!(serde_json::from_str::<Value>(line).unwrap(), serde_json::to_value(event).unwrap());
    }
}

#[test]
fn what_this_version_writes_is_what_the_file_has() {
    let written: Vec<String> = samples()
        .iter()
        .flat_map(|history| history.events.iter().map(|event| serde_json::to_string(event).unwrap()))
        .collect();
    let file = std::fs::read_to_string(folder().join("v0_1.jsonl")).unwrap();
    assert_eq!(written, file.lines().collect::<Vec<_>>());
}

#[test]
fn a_line_from_a_later_version_may_have_more_fields() {
    let line = json!({
        "seq": 2, "at": BEGIN, "actor": "engine", "type": "step_skipped", "step": "work", "colour": "new", "host": "b",
    });
    let event: Event = serde_json::from_value(line).unwrap();
    assert_eq!(event.fact, skipped("work"));
}
