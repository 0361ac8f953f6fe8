//! `playbook`: a step that runs another playbook as an execution of its own.

use orgata_model::execution::Fact;
use serde_json::json;

use crate::history::*;
use crate::story::Story;

const CHILD: &str = r"
steps:
  - { name: call, playbook: other, params: { n: $input.n }, retries: 2 }
output: $steps.call.result.m
";

#[test]
fn what_the_child_gives_is_the_result() {
    let mut story = Story::of(CHILD, json!({ "n": 3 }));
    assert_eq!(story.goes(), ["start other for call"]);
    assert_eq!(*story.attempt("call").input, json!({ "n": 3 }));
    assert_eq!(story.state().children().len(), 1);
    assert_eq!(story.done("call", json!({ "m": 4 })), ["finish with 4"]);
}

#[test]
fn a_child_that_failed_is_followed_by_another() {
    let mut story = Story::of(CHILD, json!({ "n": 3 }));
    story.goes();
    let first = story.state().children()[0].1;
    story.record(retry("call", 2, 10));
    assert_eq!(story.goes(), [""; 0]);
    assert_eq!(story.goes_at(10), ["start other for call #2"]);
    assert_ne!(story.state().children()[0].1, first);
    assert_eq!(story.fails("call"), ["fail over call: BROKEN"]);
}

#[test]
fn when_time_is_up_children_are_stopped_first() {
    let mut story = Story::of(&format!("timeout: 1m\n{CHILD}"), json!({ "n": 3 }));
    story.goes();
    assert_eq!(story.goes_at(60), ["stop the child of call", "time out"]);
    assert_eq!(story.status(), "timed_out");
}

#[test]
fn a_child_that_finished_before_it_was_stopped_counts() {
    let source =
        "steps:\n  - { name: a, operation: x/a }\n  - { name: call, parallel: true, playbook: other }\n";
    let mut story = Story::of(source, json!({}));
    story.goes();
    story.record(failed("a"));
    story.record(completed("call", json!(1)));
    assert_eq!(story.goes(), ["fail over a: BROKEN"]);
    assert!(story.state().children().is_empty());
}

#[test]
fn a_waiting_parent_is_not_taken_for_one_that_waits_for_a_person() {
    let mut story = Story::of(CHILD, json!({ "n": 3 }));
    story.goes();
    assert_eq!(story.status(), "running");
    story.record(Fact::ExecutionPaused { reason: None });
    assert_eq!(story.done("call", json!({ "m": 4 })), [""; 0], "its end is heard, and nothing follows");
    story.record(Fact::ExecutionResumed { reason: None });
    assert_eq!(story.goes(), ["finish with 4"]);
}

#[test]
fn an_execution_that_is_cancelled_ends_so_whatever_its_children_come_to() {
    let source = "steps:\n  - { name: a, operation: x/a, compensation: { operation: x/undo, params: { n: 1 } } }\n  - { name: call, playbook: other, retries: 2 }\n";
    let undone = ["stop the child of call", "undo all: cancelled", "undo a with {\"n\":1}"];
    for (compensate, rest) in [(true, &undone[..]), (false, &["stop the child of call", "cancel"])] {
        let mut story = Story::of(source, json!({}));
        story.goes();
        story.done("a", json!({}));
        story.record(Fact::ExecutionPaused { reason: None });
        story.record(Fact::CancellationRequested { compensate, reason: Some("enough".to_owned()) });
        assert_eq!(story.status(), "running", "a host that starts comes back to it");
        assert_eq!(story.state().wakes_at(), None);
        assert_eq!(story.goes(), rest);
    }
}
