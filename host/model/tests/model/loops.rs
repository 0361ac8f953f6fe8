//! `forEach`: items, names, how many at once, results in order, loops inside of loops.

use serde_json::json;

use crate::history::*;
use crate::story::Story;

const ONE: &str = r"
steps:
  - name: pay
    forEach: $input.lines
    as: line
    maxConcurrency: 2
    operation: x/pay
    params: { price: $line.price, at: $index }
";

#[test]
fn iterations_run_so_many_at_once_and_their_results_keep_the_order() {
    let mut story = Story::of(ONE, json!({ "lines": [{ "price": 1 }, { "price": 2 }, { "price": 3 }] }));
    let words = story.goes();
    assert!(words[0].starts_with("loop pay over ["), "{words:?}");
    assert_eq!(words[1..], ["run pay[0]", "run pay[1]"]);
    assert_eq!(*story.attempt("pay[1]").input, json!({ "price": 2, "at": 1 }));
    assert_eq!(story.done("pay[1]", json!("b")), ["run pay[2]"]);
    assert_eq!(story.done("pay[2]", json!("c")), [""; 0]);
    let words = story.done("pay[0]", json!("a"));
    assert_eq!(words, [r#"complete pay with ["a","b","c"]"#, r#"finish with ["a","b","c"]"#]);
}

#[test]
fn without_a_number_one_runs_after_the_other() {
    let source = "steps:\n  - { name: pay, forEach: [5, 6], operation: x/pay, params: { v: $item } }\n";
    let mut story = Story::of(source, json!({}));
    assert_eq!(story.goes(), ["loop pay over [5,6]", "run pay[0]"]);
    assert_eq!(story.done("pay[0]", json!(1)), ["run pay[1]"]);
    assert_eq!(*story.attempt("pay[1]").input, json!({ "v": 6 }));
    assert_ne!(
        story.state().idempotency_key(&path("pay[0]")),
        story.state().idempotency_key(&path("pay[1]")),
        "each iteration is an effect of its own"
    );
}

#[test]
fn an_iteration_can_be_skipped() {
    let source = "steps:\n  - { name: pay, forEach: [5, 6, 7], when: item != 6, operation: x/pay }\n";
    let mut story = Story::of(source, json!({}));
    story.goes();
    assert_eq!(story.done("pay[0]", json!("a")), ["skip pay[1]", "run pay[2]"]);
    story.done("pay[2]", json!("c"));
    assert_eq!(story.output(), json!(["a", null, "c"]));
}

#[test]
fn loops_inside_of_loops_see_the_items_of_both() {
    let source = r#"
steps:
  - name: order
    forEach: $input.orders
    as: order
    steps:
      - name: line
        forEach: $order.lines
        as: line
        operation: x/line
        params: { text: "{{ order.id }}/{{ line }}/{{ index }}" }
"#;
    let mut story =
        Story::of(source, json!({ "orders": [{ "id": "A", "lines": [1, 2] }, { "id": "B", "lines": [3] }] }));
    let words = story.goes();
    assert_eq!(words[1..], ["enter order[0]", "loop line[0] over [1,2]", "run line[0][0]"]);
    assert_eq!(story.done("line[0][0]", json!(10)), ["run line[0][1]"]);
    assert_eq!(*story.attempt("line[0][1]").input, json!({ "text": "A/2/1" }));
    assert_eq!(
        story.done("line[0][1]", json!(20)),
        [
            "complete line[0] with [10,20]",
            "complete order[0] with [10,20]",
            "enter order[1]",
            "loop line[1] over [3]",
            "run line[1][0]",
        ]
    );
    story.done("line[1][0]", json!(30));
    assert_eq!(story.output(), json!([[10, 20], [30]]));
}

#[test]
fn a_list_that_is_null_or_empty_is_a_loop_without_iterations() {
    for input in [json!({ "lines": null }), json!({ "lines": [] })] {
        let mut story = Story::of(ONE, input);
        assert_eq!(story.goes(), ["loop pay over []", "complete pay with []", "finish with []"]);
    }
}

#[test]
fn what_is_no_list_fails_the_step_and_says_so() {
    for (input, told) in [
        (json!({ "lines": "three" }), "`forEach` needs a list, and got a text"),
        (json!({ "lines": vec![0; 10_001] }), "`forEach` has 10001 elements, 10000 at most"),
        (json!({}), "`forEach` cannot be computed"),
    ] {
        let mut story = Story::of(ONE, input);
        assert_eq!(story.goes(), ["fail pay: EXPRESSION_FAILED", "fail over pay: EXPRESSION_FAILED"]);
        let failure = story.state().end.as_ref().unwrap().failure.clone().unwrap();
        assert!(failure.message.contains(told), "{failure}");
    }
}

#[test]
fn when_an_iteration_fails_the_others_come_to_rest_and_then_the_loop_fails() {
    let mut story = Story::of(ONE, json!({ "lines": [{ "price": 1 }, { "price": 2 }, { "price": 3 }] }));
    story.goes();
    assert_eq!(story.fails("pay[1]"), [""; 0], "another is still at work");
    assert_eq!(story.done("pay[0]", json!("a")), ["fail pay: BROKEN", "fail over pay: BROKEN"]);
}

#[test]
fn iterations_that_may_fail_leave_null() {
    let source = "steps:\n  - { name: pay, forEach: [1, 2], onFailure: continue, operation: x/pay }\n";
    let mut story = Story::of(source, json!({}));
    story.goes();
    assert_eq!(story.fails("pay[0]"), ["run pay[1]"]);
    story.done("pay[1]", json!(2));
    assert_eq!(story.output(), json!([null, 2]));
}

#[test]
fn an_operator_is_asked_about_one_iteration_while_others_go_on() {
    let source = "steps:\n  - { name: pay, forEach: [1, 2, 3], maxConcurrency: 2, onFailure: intervene, operation: x/pay }\n";
    let mut story = Story::of(source, json!({}));
    story.goes();
    assert_eq!(story.fails("pay[0]"), ["ask pay[0]"]);
    assert_eq!(story.done("pay[1]", json!("b")), ["run pay[2]"]);
    assert_eq!(story.done("pay[2]", json!("c")), [""; 0]);
    let words = story.answer("pay[0]", json!({ "decision": "skip", "result": "a" }));
    assert_eq!(words[0], "skip pay[0] with \"a\"");
    assert_eq!(story.output(), json!(["a", "b", "c"]));
}

#[test]
fn what_an_iteration_sets_is_its_own() {
    let source = r"
steps:
  - { name: begin, set: { n: 100 } }
  - name: each
    forEach: [1, 2]
    maxConcurrency: 2
    steps:
      - { name: keep, set: { n: $item } }
      - { name: use, operation: x/use, params: { n: $vars.n } }
  - { name: last, operation: x/last, params: { n: $vars.n } }
";
    let mut story = Story::of(source, json!({}));
    story.goes();
    assert_eq!(*story.attempt("use[0]").input, json!({ "n": 1 }));
    assert_eq!(*story.attempt("use[1]").input, json!({ "n": 2 }));
    story.done("use[0]", json!(1));
    story.done("use[1]", json!(1));
    assert_eq!(*story.attempt("last").input, json!({ "n": 100 }));
}
