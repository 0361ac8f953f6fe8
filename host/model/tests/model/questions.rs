//! Questions: several approvers, reminders, escalation, and questions of operators.

use std::sync::Arc;

use orgata_model::execution::Fact;
use orgata_model::intervention::Origin;
use serde_json::json;

use crate::history::*;
use crate::story::Story;

fn approved(story: &Story, step: &str) -> Fact {
    let (intervention, step) = story.question(step);
    let response = Arc::new(json!({ "decision": "approve" }));
    Fact::InterventionApproved { intervention, step, response, notes: None }
}

#[test]
fn several_people_must_approve_each_once() {
    let source = "steps:\n  - { name: ok, intervention: { type: approval, prompt: Fine?, approvals: 3 of manager } }\n";
    let mut story = Story::of(source, json!({}));
    story.goes();
    assert_eq!(story.state().open[0].assignee_role.as_ref().unwrap().as_str(), "manager");
    assert_eq!(story.state().open[0].options, ["approve", "reject"]);
    story.record_of("ada", approved(&story, "ok"));
    let event =
        orgata_model::execution::Event { actor: "ada".into(), ..story.history.next(approved(&story, "ok")) };
    let refused = story.state().clone().after(&event).unwrap_err();
    assert!(refused.reason.contains("ada has approved already"), "{refused}");
    story.record_of("bob", approved(&story, "ok"));
    assert_eq!((story.goes(), story.state().open[0].approved.len()), (vec![], 2));
    assert!(story.refuses(approved(&story, "ok")).contains("has as many approvals as it needs"));
    let words = story.answer("ok", json!({ "decision": "approve" }));
    assert_eq!(words[0], r#"complete ok with {"decision":"approve"}"#);
}

#[test]
fn one_rejection_ends_the_question() {
    let source = "steps:\n  - { name: ok, intervention: { type: approval, prompt: Fine?, approvals: 2 } }\n";
    let mut story = Story::of(source, json!({}));
    story.goes();
    assert_eq!(
        story.answer("ok", json!({ "decision": "reject" }))[0],
        r#"complete ok with {"decision":"reject"}"#
    );
}

#[test]
fn whoever_should_answer_is_reminded_again_and_again() {
    let source = "steps:\n  - { name: ok, intervention: { prompt: Fine?, reminders: 10s, timeout: { after: 25s } } }\n";
    let mut story = Story::of(source, json!({}));
    story.goes();
    assert_eq!(story.state().wakes_at(), Some(at(10)));
    assert_eq!(story.goes_at(10), ["remind ok"]);
    assert_eq!(story.state().wakes_at(), Some(at(20)));
    assert_eq!(story.goes_at(24), ["remind ok"], "late, it is one reminder");
    assert_eq!(story.goes_at(25), ["expire ok", "fail ok: NOT_ANSWERED", "fail over ok: NOT_ANSWERED"]);
}

#[test]
fn a_question_that_is_escalated_is_still_reminded_of() {
    let source = "steps:\n  - { name: ok, role: clerk, intervention: { prompt: Fine?, reminders: 10s, timeout: { after: 15s, escalate: manager } } }\n";
    let mut story = Story::of(source, json!({}));
    story.goes();
    assert_eq!(story.goes_at(15), ["expire ok"].into_iter().chain(["remind ok"]).collect::<Vec<_>>());
    assert_eq!(story.state().open[0].assignee_role.as_ref().unwrap().as_str(), "manager");
    assert_eq!(story.answer("ok", json!("yes"))[0], "complete ok with \"yes\"");
}

#[test]
fn a_default_answer_is_taken_while_the_execution_is_paused_and_used_later() {
    let source =
        "steps:\n  - { name: ok, intervention: { prompt: Fine?, timeout: { after: 15s, answer: fine } } }\n";
    let mut story = Story::of(source, json!({}));
    story.goes();
    story.record(Fact::ExecutionPaused { reason: None });
    assert_eq!(story.goes_at(15), ["expire ok"]);
    story.record(Fact::ExecutionResumed { reason: None });
    assert_eq!(story.goes(), ["complete ok with \"fine\"", "finish with \"fine\""]);
}

const TWO: &str = "steps:\n  - { name: a, operation: x/a }\n  - { name: b, operation: x/b }\n";

#[test]
fn an_operator_asks_before_a_step_begins() {
    let mut story = Story::of(TWO, json!({}));
    story.record(asked("a", 900, Origin::Operator));
    assert_eq!((story.goes(), story.status()), (vec![], "waiting"));
    assert_eq!(story.answer("a", json!({ "decision": "proceed" })), ["run a"]);
    story.record(asked("b", 901, Origin::Operator));
    assert_eq!(story.done("a", json!(1)), [""; 0]);
    assert_eq!(
        story.answer("b", json!({ "decision": "fail" })),
        ["fail b: INTERVENED", "fail over b: INTERVENED"]
    );
}

#[test]
fn a_question_of_an_operation_goes_back_into_it() {
    let mut story = Story::of(TWO, json!({}));
    story.goes();
    story.record(asked("a", 900, by_operation()));
    assert_eq!((story.goes(), story.status()), (vec![], "waiting"));
    assert_eq!(story.answer("a", json!("red")), ["run a #1, resumed"]);
    let resumption = story.attempt("a").resumption.unwrap();
    assert_eq!((resumption.state, &*resumption.answer), (json!({ "page": 2 }), &json!("red")));
}

#[test]
fn two_questions_are_answered_in_any_order() {
    let source = "steps:\n  - { name: a, intervention: { prompt: A? } }\n  - { name: b, parallel: true, intervention: { prompt: B? } }\n";
    let mut story = Story::of(source, json!({}));
    assert_eq!(story.goes(), ["ask a", "ask b"]);
    assert_eq!(story.answer("b", json!(2)), ["complete b with 2"]);
    assert_eq!(story.answer("a", json!(1)), ["complete a with 1", "finish with 2"]);
}
