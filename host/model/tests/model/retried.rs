//! An execution that failed goes on: `execution_retried`, and results that are adopted from another.

use orgata_model::execution::Fact;
use serde_json::json;

use crate::history::*;
use crate::story::Story;

const TWO: &str =
    "steps:\n  - { name: a, operation: x/a, params: { v: 1 } }\n  - { name: b, operation: x/b }\n";

fn with_input(step: &str) -> Fact {
    Fact::ExecutionRetried { step: path(step), input: Some(json!({ "v": 2 }).into()), reason: None }
}

#[test]
fn the_step_that_failed_begins_anew() {
    let mut story = Story::of(TWO, json!({}));
    story.goes();
    story.done("a", json!(1));
    story.fails("b");
    assert!(
        story
            .refuses(Fact::ExecutionRetried { step: path("a"), input: None, reason: None })
            .contains("step `a` is not what failed")
    );
    assert_eq!(story.retried("b"), ["run b"]);
    assert_eq!(story.done("b", json!(2)), ["finish with 2"]);
}

#[test]
fn an_execution_that_did_not_fail_is_not_retried() {
    let mut story = Story::of(TWO, json!({}));
    story.goes();
    assert!(story.refuses(with_input("a")).contains("the execution has not failed"));
    story.record(Fact::ExecutionCancelled { reason: None });
    assert!(story.refuses(with_input("a")).contains("the execution has ended: cancelled"));
}

#[test]
fn it_may_be_given_other_input_and_simply_runs() {
    let mut story = Story::of(TWO, json!({}));
    story.goes();
    story.fails("a");
    story.record(with_input("a"));
    assert_eq!(story.goes(), ["run a #2"], "nobody is asked whether an effect happened");
    assert_eq!(*story.attempt("a").input, json!({ "v": 2 }));
}

#[test]
fn other_input_for_a_child_starts_another_child() {
    let mut story = Story::of("steps:\n  - { name: call, playbook: other }\n", json!({}));
    story.goes();
    story.fails("call");
    story.record(with_input("call"));
    assert_eq!(story.goes(), ["start other for call #2"]);
}

#[test]
fn what_takes_no_input_is_not_given_any() {
    let source = "steps:\n  - { name: a, forEach: $input.list, operation: x/a }\n";
    let mut story = Story::of(source, json!({ "list": 1 }));
    story.goes();
    assert!(story.refuses(with_input("a")).contains("step `a` takes no input"));
    let mut story = Story::of("steps:\n  - { name: a, wait: { until: $input.x } }\n", json!({}));
    story.goes();
    assert!(story.refuses(with_input("a")).contains("step `a` takes no input"));
}

const DEEP: &str = r"
steps:
  - name: group
    steps:
      - { name: before, operation: x/before }
      - name: each
        forEach: [1, 2, 3]
        maxConcurrency: 3
        steps:
          - { name: a, operation: x/a }
          - { name: b, operation: x/b, params: { a: $steps.a.result } }
";

/// `b[1]` failed; the others are done.
fn failed_inside() -> Story {
    let mut story = Story::of(DEEP, json!({}));
    story.goes();
    story.done("before", json!(1));
    for iteration in 0..3 {
        story.done(&format!("a[{iteration}]"), json!(iteration));
    }
    story.done("b[0]", json!("x"));
    assert_eq!(story.fails("b[1]"), ["fail each[1]: BROKEN"], "the third is at work");
    let words = story.done("b[2]", json!("z"));
    assert_eq!(words, ["fail each: BROKEN", "fail group: BROKEN", "fail over group: BROKEN",]);
    story
}

#[test]
fn inside_of_groups_and_loops_only_what_failed_begins_anew() {
    let mut story = failed_inside();
    assert_eq!(story.state().failed_step(), Some(path("b[1]")));
    let words = story.retried("b[1]");
    assert!(words.contains(&"run b[1]".to_owned()), "{words:?}");
    assert_eq!(*story.attempt("b[1]").input, json!({ "a": 1 }));
    story.done("b[1]", json!("y"));
    assert_eq!(story.output(), json!(["x", "y", "z"]));
}

#[test]
fn a_group_or_loop_as_a_whole_begins_anew_where_it_failed() {
    for step in ["group", "each", "each[1]"] {
        let mut story = failed_inside();
        let words = story.retried(step);
        assert!(words.contains(&"run b[1]".to_owned()), "{step}: {words:?}");
        story.done("b[1]", json!("y"));
        assert_eq!(story.output(), json!(["x", "y", "z"]), "{step}");
    }
}

#[test]
fn inside_of_a_loop_it_may_be_given_other_input() {
    let mut story = failed_inside();
    story.record(with_input("b[1]"));
    let words = story.goes();
    assert!(words.contains(&"run b[1] #2".to_owned()), "{words:?}");
    assert_eq!(*story.attempt("b[1]").input, json!({ "v": 2 }));
}

#[test]
fn of_two_steps_that_failed_beside_each_other_both_are_retried() {
    for (source, one, two) in [
        (
            "steps:\n  - { name: a, operation: x/a }\n  - { name: b, parallel: true, operation: x/b }\n",
            "a",
            "b",
        ),
        ("steps:\n  - { name: a, forEach: [1, 2], maxConcurrency: 2, operation: x/a }\n", "a[0]", "a[1]"),
    ] {
        let mut story = Story::of(source, json!({}));
        story.goes();
        story.fails(one);
        story.fails(two);
        let words = story.retried(one);
        assert!(words[words.len() - 1].starts_with("fail over"), "the other stands in its way: {words:?}");
        let words = story.retried(two);
        assert_eq!(words[words.len() - 2..], [format!("run {one}"), format!("run {two}")]);
        story.done(one, json!(1));
        story.done(two, json!(2));
        assert_eq!(story.status(), "succeeded");
    }
}

#[test]
fn an_operator_may_say_that_the_failed_step_need_not_run() {
    let mut story = failed_inside();
    story.record(Fact::ExecutionRetried { step: path("b[1]"), input: None, reason: None });
    let (result, reason) = (Some(json!("by hand").into()), Some("done by hand".to_owned()));
    story.record(Fact::StepSkipped { step: path("b[1]"), result, reason });
    story.goes();
    assert_eq!(story.output(), json!(["x", "by hand", "z"]));
}

#[test]
fn questions_that_were_open_when_it_failed_are_asked_again() {
    let source = "steps:\n  - { name: a, operation: x/a }\n  - { name: ask, parallel: true, intervention: { prompt: Which? } }\n";
    let mut story = Story::of(source, json!({}));
    story.goes();
    assert_eq!(story.fails("a"), ["withdraw ask", "fail over a: BROKEN"]);
    assert_eq!(story.retried("a"), ["run a", "ask ask"]);
}

#[test]
fn a_step_can_have_the_result_that_it_had_elsewhere() {
    let source = r"
steps:
  - { name: a, operation: x/a, compensation: { operation: x/undo } }
  - { name: keep, set: { n: $steps.a.result } }
  - { name: skipped, operation: x/skipped }
  - { name: each, forEach: [1, 2], operation: x/each }
  - { name: b, operation: x/b, params: { n: $vars.n, s: $steps.skipped.result, e: $steps.each.result } }
";
    let mut story = Story::of(source, json!({}));
    for (step, result) in [
        ("a", Some(json!(5))),
        ("keep", Some(json!({ "n": 5 }))),
        ("skipped", None),
        ("each", Some(json!([1, null]))),
    ] {
        story.record(Fact::StepAdopted { step: path(step), result: result.map(Into::into) });
    }
    assert_eq!(story.goes(), ["run b"]);
    assert_eq!(*story.attempt("b").input, json!({ "n": 5, "s": null, "e": [1, null] }));
    assert_eq!(story.fails("b"), ["fail over b: BROKEN"], "what another execution did, it undoes itself");
}
