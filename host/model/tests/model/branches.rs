//! `switch`, groups, `set` and `fail`.

use serde_json::json;

use crate::story::Story;

const SWITCH: &str = r#"
steps:
  - name: choose
    switch:
      - when: input.kind == "gold"
        steps:
          - { name: gift, operation: x/gift }
      - when: input.n > 1
        steps:
          - { name: small, operation: x/small }
      - steps:
          - { name: none, operation: x/none }
  - name: after
    operation: x/after
    params: { gift: $steps.gift.result, small: $steps.small.result, of: $steps.choose.result }
"#;

#[test]
fn the_first_case_that_holds_is_taken_and_the_others_read_as_null() {
    let mut story = Story::of(SWITCH, json!({ "kind": "gold", "n": 2 }));
    assert_eq!(story.goes(), ["enter choose, case 0", "run gift"]);
    assert_eq!(story.done("gift", json!("a pen")), ["complete choose with \"a pen\"", "run after"]);
    assert_eq!(*story.attempt("after").input, json!({ "gift": "a pen", "small": null, "of": "a pen" }));
    let mut story = Story::of(SWITCH, json!({ "kind": "tin", "n": 2 }));
    assert_eq!(story.goes(), ["enter choose, case 1", "run small"]);
}

#[test]
fn the_last_case_may_do_without_a_condition() {
    let mut story = Story::of(SWITCH, json!({ "kind": "tin", "n": 0 }));
    assert_eq!(story.goes(), ["enter choose, case 2", "run none"]);
}

#[test]
fn when_no_case_holds_the_result_is_null() {
    let source = r"
steps:
  - name: choose
    switch:
      - when: input.n > 5
        steps:
          - { name: a, operation: x/a }
  - { name: after, operation: x/after, params: { a: $steps.a.result, of: $steps.choose.result } }
";
    let mut story = Story::of(source, json!({ "n": 1 }));
    assert_eq!(story.goes(), ["enter choose", "complete choose with null", "run after"]);
    assert_eq!(*story.attempt("after").input, json!({ "a": null, "of": null }));
    assert_eq!(story.stands("a"), "skipped");
}

#[test]
fn goto_skips_the_steps_between() {
    let source = r"
steps:
  - name: choose
    switch:
      - { when: input.n > 5, goto: end }
  - { name: between, operation: x/between }
  - { name: end, operation: x/end, params: { v: $steps.between.result } }
";
    let mut story = Story::of(source, json!({ "n": 9 }));
    assert_eq!(story.goes(), ["enter choose, case 0", "complete choose with null", "run end"]);
    assert_eq!((story.stands("between"), &*story.attempt("end").input), ("skipped", &json!({ "v": null })));
    let mut story = Story::of(source, json!({ "n": 1 }));
    assert_eq!(story.goes(), ["enter choose", "complete choose with null", "run between"]);
}

#[test]
fn a_question_of_an_operator_about_a_step_that_is_not_run_is_withdrawn() {
    let mut story = Story::of(SWITCH, json!({ "kind": "gold", "n": 2 }));
    story.record(crate::history::asked("small", 900, orgata_model::intervention::Origin::Operator));
    assert_eq!(story.goes(), ["enter choose, case 0", "withdraw small", "run gift"]);
    assert!(story.state().open.is_empty());
}

#[test]
fn a_group_gives_its_last_result_and_is_skipped_as_a_whole() {
    let source = r"
steps:
  - name: group
    when: input.go
    steps:
      - { name: a, operation: x/a }
      - { name: b, when: false, operation: x/b }
  - { name: after, operation: x/after, params: { a: $steps.a.result, b: $steps.b.result } }
";
    let mut story = Story::of(source, json!({ "go": true }));
    assert_eq!(story.goes(), ["enter group", "run a"]);
    assert_eq!(story.done("a", json!(1)), ["skip b", "complete group with 1", "run after"]);
    let mut story = Story::of(source, json!({ "go": false }));
    assert_eq!(story.goes(), ["skip group", "run after"]);
    assert_eq!(*story.attempt("after").input, json!({ "a": null, "b": null }));
}

#[test]
fn set_computes_values_for_those_after_it_and_later_ones_win() {
    let source = r#"
steps:
  - { name: one, set: { n: "{{ input.n + 1 }}", who: $input.who } }
  - { name: two, set: { n: "{{ vars.n * 10 }}" } }
output: { n: $vars.n, who: $vars.who, of: $steps.one.result.n }
"#;
    let mut story = Story::of(source, json!({ "n": 1, "who": ["ada"] }));
    story.goes();
    assert_eq!(story.output(), json!({ "n": 20, "who": ["ada"], "of": 2 }));
}

#[test]
fn fail_ends_in_failure_with_the_authors_words() {
    let source = r#"
steps:
  - { name: stop, when: input.n > 5, fail: { code: NO_STOCK, message: "only ${input.n}" } }
  - { name: go, operation: x/go }
"#;
    let mut story = Story::of(source, json!({ "n": 9 }));
    assert_eq!(story.goes(), ["fail stop: NO_STOCK", "fail over stop: NO_STOCK"]);
    assert_eq!(story.state().end.as_ref().unwrap().failure.as_ref().unwrap().message, "only 9");
    assert_eq!(Story::of(source, json!({ "n": 1 })).goes(), ["skip stop", "run go"]);
}
