//! `onFailure`: fail, continue, intervene and goto; at the top, in groups and in iterations; beside other steps.

use orgata_model::execution::Fact;
use serde_json::json;

use crate::history::*;
use crate::story::Story;

fn one(on_failure: &str) -> String {
    format!(
        "steps:\n  - {{ name: a, onFailure: {on_failure}, operation: x/a, params: {{ v: 1 }} }}\n  - {{ name: b, \
         operation: x/b, params: {{ a: $steps.a.result, how: $steps.a.status }} }}\n  - {{ name: c, operation: x/c }}\n"
    )
}

#[test]
fn a_step_that_fails_fails_the_execution() {
    let mut story = Story::of(&one("fail"), json!({}));
    story.goes();
    assert_eq!(story.fails("a"), ["fail over a: BROKEN"]);
    assert_eq!((story.status(), story.stands("b")), ("failed", "pending"));
}

#[test]
fn with_continue_its_result_is_null_and_its_failure_can_be_read() {
    let mut story = Story::of(&one("continue"), json!({}));
    story.goes();
    assert_eq!(story.fails("a"), ["run b"]);
    assert_eq!(*story.attempt("b").input, json!({ "a": null, "how": "failed" }));
}

#[test]
fn with_goto_the_steps_between_are_skipped() {
    let mut story = Story::of(&one("{ goto: c }"), json!({}));
    story.goes();
    assert_eq!(story.fails("a"), ["run c"]);
    assert_eq!(story.stands("b"), "skipped");
    let mut story = Story::of(&one("{ goto: c }"), json!({}));
    story.goes();
    assert_eq!(story.done("a", json!(1)), ["run b"], "it failed not");
}

fn asked_about_a() -> Story {
    let mut story = Story::of(&one("intervene"), json!({}));
    story.goes();
    assert_eq!(story.fails("a"), ["ask a"]);
    assert_eq!(story.status(), "waiting");
    story
}

#[test]
fn with_intervene_an_operator_is_told_why_and_may_retry() {
    let mut story = asked_about_a();
    let question = &story.state().open[0];
    assert!(question.prompt.contains("Step `a` failed: it broke."), "{}", question.prompt);
    assert_eq!(question.context.as_ref().unwrap()["input"], json!({ "v": 1 }));
    assert_eq!(story.answer("a", json!({ "decision": "retry" })), ["run a #2"]);
    assert_eq!(*story.attempt("a").input, json!({ "v": 1 }));
    assert_eq!(story.fails("a"), ["ask a"], "it may be asked again");
    assert_eq!(story.answer("a", json!({ "decision": "retry" })), ["run a #3"]);
    assert_eq!(story.done("a", json!(1)), ["run b"]);
}

#[test]
fn an_operator_may_change_the_input() {
    let mut story = asked_about_a();
    story.answer("a", json!({ "decision": "retry", "input": { "v": 2 } }));
    assert_eq!(*story.attempt("a").input, json!({ "v": 2 }));
}

#[test]
fn an_operator_may_give_the_result() {
    let mut story = asked_about_a();
    let words = story.answer("a", json!({ "decision": "skip", "result": { "n": 5 } }));
    assert_eq!(words, [r#"skip a with {"n":5}"#, "run b"]);
    assert_eq!(*story.attempt("b").input, json!({ "a": { "n": 5 }, "how": "succeeded" }));
}

#[test]
fn an_operator_may_give_it_up() {
    let mut story = asked_about_a();
    assert_eq!(story.answer("a", json!({ "decision": "abort" })), ["fail a: BROKEN", "fail over a: BROKEN"]);
}

#[test]
fn a_retry_that_cannot_even_begin_is_asked_about_again() {
    let source =
        "steps:\n  - { name: a, onFailure: intervene, operation: x/a, params: { v: $input.missing } }\n";
    let mut story = Story::of(source, json!({}));
    assert_eq!(story.goes(), ["fail a: EXPRESSION_FAILED", "ask a"]);
    assert_eq!(story.answer("a", json!({ "decision": "retry" })), ["fail a: EXPRESSION_FAILED", "ask a"]);
    assert_eq!(story.answer("a", json!({ "decision": "retry", "input": { "v": 1 } })), ["run a"]);
    assert_eq!(*story.attempt("a").input, json!({ "v": 1 }));
}

#[test]
fn a_loop_without_a_list_takes_no_input_in_its_place() {
    let source = "steps:\n  - { name: a, forEach: $input.list, onFailure: intervene, operation: x/a }\n";
    let mut story = Story::of(source, json!({ "list": 5 }));
    assert_eq!(story.goes(), ["fail a: EXPRESSION_FAILED", "ask a"]);
    let words = story.answer("a", json!({ "decision": "retry", "input": { "v": 1 } }));
    assert_eq!(words, ["fail a: EXPRESSION_FAILED", "ask a"]);
    assert_eq!(story.answer("a", json!({ "decision": "skip", "result": [] }))[0], "skip a with []");
}

const GROUP: &str = r"
steps:
  - name: group
    onFailure: HOW
    steps:
      - { name: a, operation: x/a }
      - { name: b, operation: x/b }
  - { name: c, operation: x/c, params: { a: $steps.a.result, b: $steps.b.result, how: $steps.b.status } }
";

#[test]
fn a_group_fails_with_its_step_and_may_be_gone_on_after() {
    let mut story = Story::of(&GROUP.replace("HOW", "continue"), json!({}));
    story.goes();
    story.done("a", json!(1));
    assert_eq!(story.fails("b"), ["fail group: BROKEN", "run c"]);
    assert_eq!(*story.attempt("c").input, json!({ "a": 1, "b": null, "how": "failed" }));
}

#[test]
fn a_group_that_is_tried_again_repeats_nothing_that_succeeded() {
    let mut story = Story::of(&GROUP.replace("HOW", "intervene"), json!({}));
    story.goes();
    story.done("a", json!(1));
    assert_eq!(story.fails("b"), ["fail group: BROKEN", "ask group"]);
    assert_eq!(story.answer("group", json!({ "decision": "retry" })), ["enter group", "run b"]);
    assert_eq!(story.done("b", json!(2)), ["complete group with 2", "run c"]);
}

#[test]
fn a_loop_in_a_group_that_is_tried_again_goes_on_where_it_failed() {
    let source = r"
steps:
  - name: group
    onFailure: intervene
    steps:
      - { name: choose, switch: [{ when: false, steps: [{ name: never, operation: x/never }] }] }
      - { name: pay, forEach: [1, 2], operation: x/pay, params: { v: $steps.never.result } }
";
    let mut story = Story::of(source, json!({}));
    story.goes();
    story.done("pay[0]", json!("a"));
    assert_eq!(story.fails("pay[1]"), ["fail pay: BROKEN", "fail group: BROKEN", "ask group"]);
    assert_eq!(story.answer("group", json!({ "decision": "retry" })), ["enter group", "run pay[1]"]);
    story.done("pay[1]", json!("b"));
    assert_eq!(story.output(), json!(["a", "b"]));
}

#[test]
fn in_an_iteration_goto_leads_to_a_step_of_the_iteration() {
    let source = r"
steps:
  - name: each
    forEach: [1, 2]
    steps:
      - { name: a, onFailure: { goto: c }, operation: x/a }
      - { name: b, operation: x/b }
      - { name: c, operation: x/c }
";
    let mut story = Story::of(source, json!({}));
    story.goes();
    assert_eq!(story.fails("a[0]"), ["run c[0]"]);
    assert_eq!(story.done("c[0]", json!(1)), ["complete each[0] with 1", "enter each[1]", "run a[1]"]);
}

// ---- beside other steps ----

const BESIDE: &str = r"
steps:
  - { name: a, operation: x/a }
  - { name: b, parallel: true, operation: x/b, retries: 3 }
  - { name: ask, parallel: true, intervention: { prompt: Which? } }
  - { name: child, parallel: true, playbook: other }
  - { name: rest, parallel: true, wait: 5m }
  - { name: last, operation: x/last }
";

#[test]
fn beside_a_step_that_failed_all_comes_to_rest() {
    let mut story = Story::of(BESIDE, json!({}));
    assert_eq!(story.goes(), ["run a", "run b", "ask ask", "start other for child", "wait rest until 300"]);
    assert_eq!(story.fails("a"), ["withdraw ask", "stop the child of child"]);
    assert_eq!(story.status(), "running", "b is still at work");
    assert_eq!(story.state().wakes_at(), None, "the wait beside it is of no interest");
    assert_eq!(story.done("b", json!(1)), ["fail over a: BROKEN"]);
}

#[test]
fn a_retry_beside_a_step_that_failed_is_not_made() {
    let mut story = Story::of(BESIDE, json!({}));
    story.goes();
    story.fails("a");
    story.record(retry("b", 2, 60));
    assert_eq!(story.goes(), ["fail over a: BROKEN"]);
}

#[test]
fn whether_an_effect_happened_is_settled_before_the_failure() {
    let mut story = Story::of(BESIDE, json!({}));
    story.goes();
    story.record(Fact::StepInterrupted { step: path("b"), attempt: 1 });
    story.record(failed("a"));
    let words = story.goes();
    assert_eq!(words, ["recover b", "withdraw ask", "stop the child of child"]);
    assert_eq!(story.status(), "waiting");
    let words = story.answer("b", json!({ "decision": "complete", "result": 1 }));
    assert_eq!(words, ["complete b with 1", "fail over a: BROKEN"]);
}

#[test]
fn steps_that_are_gone_on_after_do_not_stop_others() {
    let source = r"
steps:
  - { name: a, onFailure: continue, operation: x/a }
  - { name: b, parallel: true, operation: x/b }
  - { name: c, operation: x/c }
";
    let mut story = Story::of(source, json!({}));
    story.goes();
    assert_eq!(story.fails("a"), [""; 0]);
    assert_eq!(story.done("b", json!(1)), ["run c"]);
}
