//! The fold takes every legal move and no other, and what it made live it makes again from what was recorded.

use std::sync::Arc;

use orgata_model::Failure;
use orgata_model::execution::{Action, Event, Fact, State, Status, StepState};
use orgata_model::intervention::{OnDeadline, Origin};
use orgata_model::playbook::Playbook;
use serde_json::{Value, json};

use crate::history::*;

// ---- the table of legal moves of a step ----

/// Histories that bring the step `work` into each place that a step can be in.
fn places() -> Vec<(&'static str, History)> {
    let begun = History::begin(&playbook(WALK), json!({ "v": 3 }));
    let running = begun.clone().with(step_started("work", 1));
    let asked_by_operation = running.clone().with(asked("work", 1, by_operation()));
    let resumed = asked_by_operation
        .clone()
        .with(answered("work", 1, json!("red")))
        .with(Fact::StepResumed { step: path("work"), attempt: 1 });
    let cut_off =
        |history: &History| history.clone().with(Fact::StepInterrupted { step: path("work"), attempt: 1 });
    let asked_operator = |history: &History| cut_off(history).with(asked("work", 2, Origin::Interrupted));
    let told_operator =
        |history: &History| asked_operator(history).with(answered("work", 2, json!({ "decision": "retry" })));
    let until = running.clone().with(asked_until("work", 1, by_operation(), Some(at(9)), OnDeadline::Fail));
    vec![
        ("pending", begun.clone()),
        ("running", running.clone()),
        ("retrying", running.clone().with(retry("work", 2, 60))),
        ("retrying after an answer", resumed.clone().with(retry("work", 2, 60))),
        ("interrupted", cut_off(&running)),
        ("interrupted after an answer", cut_off(&resumed)),
        ("waiting", asked_by_operation.clone()),
        ("answered", asked_by_operation.with(answered("work", 1, json!("red")))),
        ("unanswered", until.with(expired("work", 1))),
        ("told by an operator", told_operator(&running)),
        ("told by an operator, after an answer", told_operator(&resumed)),
        ("failed", running.with(failed("work"))),
    ]
}

/// What may happen to the step `work`.
fn moves() -> Vec<(&'static str, Fact)> {
    vec![
        ("started", step_started("work", 2)),
        ("resumed", Fact::StepResumed { step: path("work"), attempt: 2 }),
        ("progress", Fact::StepProgress { step: path("work"), fraction: 0.5, message: "half".to_owned() }),
        ("completed", completed("work", json!(1))),
        ("failed", failed("work")),
        ("retry", retry("work", 3, 90)),
        ("skipped", skipped("work")),
        ("interrupted", Fact::StepInterrupted { step: path("work"), attempt: 2 }),
        ("asked by the playbook", asked("work", 7, Origin::Step)),
        ("asked by the operation", asked("work", 7, by_operation())),
        ("asked by the host", asked("work", 7, Origin::Interrupted)),
    ]
}

#[test]
fn a_step_takes_these_moves_and_refuses_every_other() {
    let table = [
        ("pending", "started failed skipped, asked by the playbook"),
        ("running", "progress completed failed retry interrupted, asked by the operation"),
        ("retrying", "started failed skipped"),
        ("retrying after an answer", "started resumed failed skipped"),
        ("interrupted", "started failed skipped, asked by the host"),
        ("interrupted after an answer", "started resumed failed skipped, asked by the host"),
        ("waiting", ""),
        ("answered", "resumed completed failed skipped"),
        ("unanswered", "failed skipped"),
        ("told by an operator", "started completed failed skipped"),
        ("told by an operator, after an answer", "started resumed completed failed skipped"),
        ("failed", "skipped"),
    ];
    let places = places();
    assert_eq!(places.len(), table.len());
    for ((place, history), (row, legal)) in places.into_iter().zip(table) {
        assert_eq!(place, row);
        let mut taken = Vec::new();
        for (word, fact) in moves() {
            let event = history.next(fact);
            match history.state.clone().after(&event) {
                Ok(_) => taken.push(word),
                Err(refused) => assert_names_both_sides(&refused.to_string(), &event, &history.state),
            }
        }
        let (words, asked) = legal.split_once(", ").unwrap_or((legal, ""));
        let legal: Vec<&str> = words.split(' ').chain([asked]).filter(|word| !word.is_empty()).collect();
        assert_eq!(taken, legal, "{place}");
    }
}

#[track_caller]
pub(crate) fn assert_names_both_sides(refusal: &str, event: &Event, before: &State) {
    assert!(refusal.contains(event.fact.name()), "{refusal}");
    let stands = before
        .playbook
        .steps
        .iter()
        .zip(before.frame.slots())
        .any(|(step, state)| refusal.contains(&format!("step `{}` is {}", step.name, state.as_str())));
    let known = [
        "the execution",
        "the history",
        "the playbook has no step",
        "nothing is undone",
        "is not open",
        "was asked by",
        "was asked already",
        "has no deadline",
        "did not fail",
    ];
    assert!(stands || known.iter().any(|word| refusal.contains(word)), "{refusal}");
}

// ---- single moves ----

fn refusal(history: &History, fact: Fact) -> String {
    history.state.clone().after(&history.next(fact)).unwrap_err().to_string()
}

#[test]
fn a_history_begins_with_its_start_and_the_playbook_that_it_names() {
    let playbook = playbook(WALK);
    let begun = History::begin(&playbook, json!({ "v": 3 }));
    let begin = |event: &Event, playbook: &Arc<Playbook>| {
        State::begin(execution(), Arc::clone(playbook), event).unwrap_err().to_string()
    };
    assert!(begin(&begun.next(step_started("work", 1)), &playbook).contains("begins with execution_started"));
    let late = Event { seq: 2, ..begun.events[0].clone() };
    assert!(begin(&late, &playbook).contains("begins with seq 1"));
    let other = crate::history::playbook(&WALK.replace("1.2.3", "1.2.4"));
    assert!(begin(&begun.events[0], &other).contains("another version of the playbook"));
}

#[test]
fn seqs_have_no_gaps_and_no_repeats() {
    let begun = History::begin(&playbook(WALK), json!({ "v": 3 }));
    for seq in [0, 1, 3, u64::MAX] {
        let event = Event { seq, ..begun.next(step_started("work", 1)) };
        assert!(
            begun.state.clone().after(&event).unwrap_err().to_string().contains("the history has come to 1")
        );
    }
}

#[test]
fn after_a_failed_step_no_other_step_begins() {
    let failed =
        History::begin(&playbook(WALK), json!({ "v": 3 })).with(step_started("work", 1)).with(failed("work"));
    assert!(refusal(&failed, asked("ask", 1, Origin::Step)).contains("step `work` is failed"));
    assert_eq!(failed.state.summary().current_step, Some(name("work")));
    assert_eq!(failed.state.status(), Status::Running);
}

#[test]
fn an_execution_completes_only_when_every_step_is_done() {
    let half = History::begin(&playbook(WALK), json!({ "v": 3 })).with(step_started("work", 1));
    let output = Fact::ExecutionCompleted { output: Arc::new(Value::Null) };
    assert!(refusal(&half, output.clone()).contains("step `work` is running"));
    let done = half
        .with(completed("work", json!(1)))
        .with(asked("ask", 1, Origin::Step))
        .with(answered("ask", 1, json!("red")))
        .with(completed("ask", json!("red")))
        .with(skipped("last"));
    assert!(refusal(&done, step_started("last", 1)).contains("step `last` is skipped"));
    assert_eq!(done.with(output).state.status(), Status::Succeeded);
}

#[test]
fn an_execution_fails_over_the_step_that_failed() {
    let fails = |step: Option<&str>| Fact::ExecutionFailed {
        step: step.map(path),
        failure: Failure::permanent("BROKEN", "it broke"),
    };
    let running = History::begin(&playbook(WALK), json!({ "v": 3 })).with(step_started("work", 1));
    assert!(refusal(&running, fails(Some("work"))).contains("step `work` is running"));
    let failed = running.with(failed("work"));
    assert!(refusal(&failed, fails(None)).contains("step `work` is failed"));
    assert!(refusal(&failed, fails(Some("ask"))).contains("step `ask` is pending"));
    assert_eq!(failed.with(fails(Some("work"))).state.status(), Status::Failed);
}

#[test]
fn nothing_follows_an_end() {
    let ended =
        History::begin(&playbook(WALK), json!({ "v": 3 })).with(Fact::ExecutionCancelled { reason: None });
    for fact in [step_started("work", 1), Fact::ExecutionPaused { reason: None }, Fact::ExecutionTimedOut {}]
    {
        assert!(refusal(&ended, fact).contains("the execution has ended: cancelled"));
    }
}

#[test]
fn while_it_is_paused_what_runs_may_end_and_nothing_begins() {
    let paused = |history: History| history.with(Fact::ExecutionPaused { reason: Some("lunch".to_owned()) });
    let begun = History::begin(&playbook(WALK), json!({ "v": 3 }));
    let waits = paused(begun.clone());
    for fact in [step_started("work", 1), skipped("work")] {
        assert!(refusal(&waits, fact).contains("the execution is paused"));
    }
    assert!(refusal(&waits, Fact::ExecutionPaused { reason: None }).contains("the execution is paused"));
    let at_work = paused(begun.clone().with(step_started("work", 1)));
    let asks = at_work.clone().with(asked("work", 1, by_operation())).with(answered("work", 1, json!("red")));
    assert!(refusal(&asks, Fact::StepResumed { step: path("work"), attempt: 1 }).contains("paused"));
    let done = at_work.with(completed("work", json!(1)));
    assert!(refusal(&done, asked("ask", 1, Origin::Step)).contains("paused"));
    let resumed = done.with(Fact::ExecutionResumed { reason: None });
    assert!(refusal(&resumed, Fact::ExecutionResumed { reason: None }).contains("not paused"));
    assert_eq!(resumed.with(asked("ask", 1, Origin::Step)).state.status(), Status::Waiting);
}

#[test]
fn an_answer_names_the_question_and_the_step_that_asked() {
    let open = History::begin(&playbook(WALK), json!({ "v": 3 })).with(step_started("work", 1)).with(asked(
        "work",
        1,
        by_operation(),
    ));
    assert!(refusal(&open, answered("work", 2, json!("red"))).contains("is not open"));
    assert!(refusal(&open, answered("ask", 1, json!("red"))).contains("was asked by step `work`, not `ask`"));
    assert!(refusal(&open, expired("work", 1)).contains("has no deadline"));
    let closed = open.with(answered("work", 1, json!("red")));
    assert!(refusal(&closed, answered("work", 1, json!("blue"))).contains("is not open"));
    assert_eq!(closed.state.resolved[&question(1)].response, json!("red"));
}

#[test]
fn a_question_is_asked_once() {
    let asked_once = History::begin(&playbook(WALK), json!({ "v": 3 }))
        .with(step_started("work", 1))
        .with(asked("work", 1, by_operation()))
        .with(answered("work", 1, json!("red")))
        .with(Fact::StepResumed { step: path("work"), attempt: 1 });
    assert!(refusal(&asked_once, asked("work", 1, by_operation())).contains("was asked already"));
    let _ = asked_once.with(asked("work", 2, by_operation()));
}

#[test]
fn an_escalated_question_goes_to_the_other_role_and_waits_without_a_deadline() {
    let to = OnDeadline::Escalate("manager".parse().unwrap());
    let escalated = History::begin(&playbook(WALK), json!({ "v": 3 }))
        .with(step_started("work", 1))
        .with(asked_until("work", 1, by_operation(), Some(at(60)), to))
        .with(expired("work", 1));
    let question = &escalated.state.open[0];
    assert_eq!(question.assignee_role.as_ref().unwrap().as_str(), "manager");
    assert_eq!((question.deadline, escalated.state.status()), (None, Status::Waiting));
    assert!(refusal(&escalated, expired("work", 1)).contains("has no deadline"));
}

#[test]
fn a_default_answer_counts_as_an_answer_of_the_engine() {
    let defaulted = History::begin(&playbook(WALK), json!({ "v": 3 }))
        .with(step_started("work", 1))
        .with(asked_until("work", 1, by_operation(), Some(at(60)), OnDeadline::Answer(json!("red"))))
        .with(expired("work", 1));
    assert_eq!(defaulted.state.resolved[&question(1)].by, "engine");
    let (_, stands) = defaulted.state.stands(&path("work")).unwrap();
    assert!(matches!(stands, StepState::Answered { answer: Some(_), .. }));
}

#[test]
fn a_failed_attempt_keeps_the_answer_that_it_was_given() {
    let again = History::begin(&playbook(WALK), json!({ "v": 3 }))
        .with(step_started("work", 1))
        .with(asked("work", 1, by_operation()))
        .with(answered("work", 1, json!("red")))
        .with(Fact::StepResumed { step: path("work"), attempt: 1 })
        .with(retry("work", 2, 60));
    let Some(Action::Run { attempt, .. }) = again.state.ready(at(60)) else {
        panic!("{:?}", again.state.ready(at(60)));
    };
    let resumption = attempt.resumption.unwrap();
    assert_eq!((attempt.number, resumption.state), (2, json!({ "page": 2 })));
    assert_eq!(*resumption.answer, json!("red"));
    let resumed = again.with(Fact::StepResumed { step: path("work"), attempt: 2 });
    let Some((_, StepState::Running(attempt))) = resumed.state.stands(&path("work")) else { panic!() };
    assert!(attempt.number == 2 && attempt.resumption.is_some());
}

#[test]
fn every_end_closes_the_questions() {
    let open = History::begin(&playbook(WALK), json!({ "v": 3 })).with(step_started("work", 1)).with(asked(
        "work",
        1,
        by_operation(),
    ));
    for end in [Fact::ExecutionCancelled { reason: None }, Fact::ExecutionTimedOut {}] {
        let ended = open.clone().with(end);
        assert!(ended.state.open.is_empty() && ended.state.wakes_at().is_none());
    }
}
