//! Compensation: completed steps are undone, newest first.

use orgata_model::Failure;
use orgata_model::execution::{Cause, Fact};
use serde_json::json;

use crate::history::*;
use crate::story::Story;

const ORDER: &str = r"
timeout: 1h
steps:
  - name: book
    operation: x/book
    compensation: { operation: x/unbook, params: { id: $steps.book.result.id } }
  - { name: look, operation: x/look }
  - name: pay
    operation: x/pay
    compensation: { operation: x/refund, params: { amount: $input.amount, book: $steps.book.result.id } }
  - { name: ship, operation: x/ship, compensation: { operation: x/recall } }
";

/// `book`, `look` and `pay` are done.
fn paid() -> Story {
    let mut story = Story::of(ORDER, json!({ "amount": 12 }));
    story.goes();
    story.done("book", json!({ "id": 1 }));
    story.done("look", json!(1));
    story.done("pay", json!(1));
    story
}

fn undone(story: &mut Story, step: &str) -> Vec<String> {
    story.record(Fact::StepCompensated { step: path(step) });
    story.goes()
}

fn not_undone(story: &mut Story, step: &str) -> Vec<String> {
    let failure = Failure::permanent("CLOSED", "the bank is closed");
    story.record(Fact::StepCompensationFailed { step: path(step), failure });
    story.goes()
}

#[test]
fn when_a_step_fails_those_before_it_are_undone_newest_first() {
    let mut story = paid();
    let words = story.fails("ship");
    assert_eq!(words, ["undo all: ship failed: BROKEN", r#"undo pay with {"amount":12,"book":1}"#]);
    assert_eq!(story.status(), "compensating");
    assert_eq!(undone(&mut story, "pay"), [r#"undo book with {"id":1}"#]);
    assert_eq!(undone(&mut story, "book"), ["all is undone"]);
    assert_eq!(story.status(), "compensated");
    assert_eq!(story.state().end.as_ref().unwrap().failure.as_ref().unwrap().code, "BROKEN");
}

#[test]
fn without_anything_to_undo_it_simply_fails() {
    let mut story = Story::of(ORDER, json!({}));
    story.goes();
    assert_eq!(story.fails("book"), ["fail over book: BROKEN"]);
}

#[test]
fn what_undoes_is_given_what_held_when_the_step_completed() {
    let source = r"
steps:
  - { name: first, set: { n: 1 } }
  - name: a
    operation: x/a
    compensation: { operation: x/undo, params: { n: $vars.n, of: $steps.a.result } }
  - { name: second, set: { n: 2 } }
  - { name: b, operation: x/b }
";
    let mut story = Story::of(source, json!({}));
    story.goes();
    story.done("a", json!("x"));
    assert_eq!(story.fails("b")[1], r#"undo a with {"n":1,"of":"x"}"#);
}

#[test]
fn a_loop_is_undone_iteration_by_iteration() {
    let source = r"
steps:
  - name: pay
    forEach: $input.lines
    as: line
    maxConcurrency: 2
    operation: x/pay
    compensation: { operation: x/refund, params: { line: $line, at: $index } }
  - { name: last, operation: x/last }
";
    let mut story = Story::of(source, json!({ "lines": ["a", "b"] }));
    story.goes();
    story.done("pay[1]", json!(1));
    story.done("pay[0]", json!(1));
    assert_eq!(story.fails("last")[1], r#"undo pay[0] with {"at":0,"line":"a"}"#);
    assert_eq!(undone(&mut story, "pay[0]"), [r#"undo pay[1] with {"at":1,"line":"b"}"#]);
    assert_eq!(undone(&mut story, "pay[1]"), ["all is undone"]);
}

#[test]
fn a_group_is_undone_before_what_is_inside_of_it() {
    let source = r"
steps:
  - name: group
    compensation: { operation: x/undo-group }
    steps:
      - { name: a, operation: x/a, compensation: { operation: x/undo-a } }
  - { name: last, operation: x/last }
";
    let mut story = Story::of(source, json!({}));
    story.goes();
    story.done("a", json!(1));
    assert_eq!(story.fails("last")[1], "undo group with {}");
    assert_eq!(undone(&mut story, "group"), ["undo a with {}"]);
}

#[test]
fn an_attempt_to_undo_is_tried_again() {
    let mut story = paid();
    story.fails("ship");
    let failure = Failure::transient("BUSY", "try later");
    let (step, at) = (path("pay"), at(60));
    story.record(Fact::StepCompensationRetryScheduled { step, attempt: 2, at, failure });
    assert_eq!((story.goes(), story.state().wakes_at()), (vec![], Some(at)));
    assert_eq!(story.goes_at(60), ["undo pay #2"]);
    undone(&mut story, "pay");
}

#[test]
fn an_attempt_to_undo_that_was_cut_off_is_made_again() {
    let mut story = paid();
    story.fails("ship");
    let (operation, input) = ("x/refund".parse().unwrap(), json!({}).into());
    story.record(Fact::StepCompensationStarted { step: path("pay"), attempt: 2, operation, input });
    assert_eq!(undone(&mut story, "pay"), [r#"undo book with {"id":1}"#]);
}

#[test]
fn an_operator_decides_about_a_step_that_cannot_be_undone() {
    let mut story = paid();
    story.fails("ship");
    assert_eq!(not_undone(&mut story, "pay"), ["ask pay"]);
    assert_eq!((story.status(), story.state().wakes_at()), ("waiting", None));
    assert!(story.state().open[0].prompt.contains("could not be undone: the bank is closed."));
    assert_eq!(story.answer("pay", json!({ "decision": "retry" })), ["undo pay #2"]);
    assert_eq!(not_undone(&mut story, "pay"), ["ask pay"]);
    let words = story.answer("pay", json!({ "decision": "skip" }));
    assert_eq!(words, ["pay is undone", r#"undo book with {"id":1}"#]);
    assert_eq!(not_undone(&mut story, "book"), ["ask book"]);
    assert_eq!(story.answer("book", json!({ "decision": "abort" })), ["give up undoing book"]);
    assert_eq!(story.status(), "compensation_failed");
    assert_eq!(story.state().end.as_ref().unwrap().failure.as_ref().unwrap().code, "CLOSED");
}

#[test]
fn a_retry_that_cannot_begin_is_asked_about_again() {
    let mut story = paid();
    story.fails("ship");
    let failure = Failure::transient("BUSY", "try later");
    story.record(Fact::StepCompensationRetryScheduled { step: path("pay"), attempt: 2, at: at(60), failure });
    assert_eq!(not_undone(&mut story, "pay"), ["ask pay"], "its plugin is gone");
}

#[test]
fn what_cannot_be_computed_is_asked_about_and_never_skipped_in_silence() {
    let source = r"
steps:
  - { name: a, operation: x/a, compensation: { operation: x/undo, params: { id: $steps.a.result.id } } }
  - { name: b, operation: x/b }
";
    let mut story = Story::of(source, json!({}));
    story.goes();
    story.done("a", json!({}));
    let words = story.fails("b");
    assert_eq!(words[1..], ["cannot undo a: EXPRESSION_FAILED", "ask a"]);
    assert_eq!(
        story.answer("a", json!({ "decision": "retry" })),
        ["cannot undo a: EXPRESSION_FAILED", "ask a"]
    );
    assert_eq!(story.answer("a", json!({ "decision": "skip" })), ["a is undone", "all is undone"]);
}

#[test]
fn an_execution_that_is_cancelled_or_late_is_undone_too() {
    let mut story = paid();
    story.record(Fact::CompensationStarted { cause: Cause::Cancelled { reason: None } });
    assert_eq!(story.goes(), [r#"undo pay with {"amount":12,"book":1}"#]);
    assert!(story.refuses(completed("ship", json!(1))).contains("completed steps are being undone"));
    assert!(story.state().running().is_empty(), "what was at work is of no interest any more");
    let mut story = paid();
    assert_eq!(story.goes_at(3_600), ["undo all: time is up", r#"undo pay with {"amount":12,"book":1}"#]);
    undone(&mut story, "pay");
    undone(&mut story, "book");
    assert_eq!((story.status(), story.state().end.as_ref().unwrap().failure.clone()), ("compensated", None));
}

#[test]
fn what_is_undone_can_be_paused() {
    let mut story = paid();
    story.fails("ship");
    story.record(Fact::ExecutionPaused { reason: None });
    assert_eq!(undone(&mut story, "pay"), [""; 0]);
    let (operation, input) = ("x/unbook".parse().unwrap(), json!({}).into());
    let again = Fact::StepCompensationStarted { step: path("book"), attempt: 1, operation, input };
    assert!(story.refuses(again).contains("the execution is paused"));
    story.record(Fact::ExecutionResumed { reason: None });
    assert_eq!(story.goes(), [r#"undo book with {"id":1}"#]);
}

#[test]
fn a_step_whose_result_somebody_gave_is_not_undone() {
    let source = r"
steps:
  - { name: a, onFailure: intervene, operation: x/a, compensation: { operation: x/undo } }
  - { name: b, operation: x/b }
";
    let mut story = Story::of(source, json!({}));
    story.goes();
    story.fails("a");
    story.answer("a", json!({ "decision": "skip", "result": 1 }));
    assert_eq!(story.fails("b"), ["fail over b: BROKEN"]);
}
