//! While an execution is paused, what is at work may end, and nothing begins; when it is resumed, all goes on.

use orgata_model::execution::Fact;
use serde_json::json;

use crate::history::*;
use crate::story::Story;

/// Each kind of step, and what it does first.
const KINDS: [(&str, &str); 9] = [
    ("operation: x/a", "run a"),
    ("playbook: other", "start other for a"),
    ("intervention: { prompt: Which? }", "ask a"),
    ("wait: 5m", "wait a until 300"),
    ("wait: { event: paid }", "wait a for paid"),
    ("set: { n: 1 }", "complete a with {\"n\":1}"),
    ("steps: [{ name: b, operation: x/b }]", "enter a"),
    ("switch: [{ steps: [{ name: b, operation: x/b }] }]", "enter a, case 0"),
    ("forEach: [1], operation: x/a", "loop a over [1]"),
];

#[test]
fn no_kind_of_step_begins_while_it_is_paused() {
    for (work, first) in KINDS {
        let mut story = Story::of(&format!("steps:\n  - {{ name: a, {work} }}\n"), json!({}));
        story.record(Fact::ExecutionPaused { reason: None });
        assert_eq!((story.goes(), story.status()), (vec![], "paused"), "{work}");
        story.record(Fact::ExecutionResumed { reason: None });
        let action = story.state().ready(at(0)).unwrap();
        story.record(Fact::ExecutionPaused { reason: None });
        if let orgata_model::execution::Action::Record(fact) = action {
            assert!(story.refuses(fact).contains("the execution is paused"), "{work}");
        }
        story.record(Fact::ExecutionResumed { reason: None });
        assert_eq!(story.goes()[0], first, "{work}");
    }
}

#[test]
fn what_is_at_work_ends_and_nothing_follows_until_it_is_resumed() {
    let source = r"
steps:
  - name: group
    steps:
      - { name: a, forEach: [1, 2], operation: x/a }
  - { name: b, parallel: true, onFailure: intervene, operation: x/b }
";
    let mut story = Story::of(source, json!({}));
    story.goes();
    story.record(Fact::ExecutionPaused { reason: None });
    assert_eq!(story.done("a[0]", json!(1)), [""; 0]);
    assert_eq!(story.fails("b"), [""; 0], "nobody is asked now");
    story.record(Fact::ExecutionResumed { reason: None });
    assert_eq!(story.goes(), ["run a[1]", "ask b"]);
    story.record(Fact::ExecutionPaused { reason: None });
    assert_eq!(story.answer("b", json!({ "decision": "retry" })), [""; 0], "its answer waits");
    story.record(Fact::ExecutionResumed { reason: None });
    assert_eq!(story.goes(), ["run b #2"]);
}

#[test]
fn a_failure_is_not_final_until_it_is_resumed() {
    let mut story = Story::of("steps:\n  - { name: a, operation: x/a }\n", json!({}));
    story.goes();
    story.record(Fact::ExecutionPaused { reason: None });
    assert_eq!((story.fails("a"), story.status()), (vec![], "paused"));
    let reason = Some("by hand".to_owned());
    story.record(Fact::StepSkipped { step: path("a"), result: Some(json!(1).into()), reason });
    story.record(Fact::ExecutionResumed { reason: None });
    assert_eq!(story.goes(), ["finish with 1"]);
}

#[test]
fn time_runs_out_for_a_paused_execution_too() {
    let mut story = Story::of("timeout: 1m\nsteps:\n  - { name: a, operation: x/a }\n", json!({}));
    story.goes();
    story.record(Fact::ExecutionPaused { reason: None });
    assert_eq!(story.state().wakes_at(), Some(at(60)));
    assert_eq!(story.goes_at(60), ["time out"]);
}
