//! What runs when: the order written, `parallel`, `dependsOn`, and what steps read.

use serde_json::json;

use crate::history::*;
use crate::story::Story;

/// The names of the steps that a step needs.
fn needs(source: &str, step: &str) -> Vec<String> {
    let playbook = playbook(source);
    let (_, step) = playbook.step(&name(step)).unwrap();
    step.needs.iter().map(|need| playbook.steps[*need].name.to_string()).collect()
}

#[test]
fn steps_run_in_the_order_written() {
    let mut story =
        Story::of("steps:\n  - { name: a, operation: x/a }\n  - { name: b, operation: x/b }\n", json!({}));
    assert_eq!(story.goes(), ["run a"]);
    assert_eq!(story.done("a", json!(1)), ["run b"]);
    assert_eq!(story.done("b", json!(2)), ["finish with 2"]);
}

const BESIDE: &str = r"
steps:
  - { name: first, operation: x/first }
  - { name: left, operation: x/left }
  - { name: right, parallel: true, operation: x/right }
  - { name: last, operation: x/last }
";

#[test]
fn parallel_steps_begin_together_and_the_next_waits_for_all() {
    let mut story = Story::of(BESIDE, json!({}));
    assert_eq!(story.goes(), ["run first"]);
    assert_eq!(story.done("first", json!(1)), ["run left", "run right"]);
    assert_eq!(story.done("right", json!(1)), [""; 0]);
    assert_eq!(story.done("left", json!(1)), ["run last"]);
    assert_eq!(needs(&format!("name: p{BESIDE}"), "last"), ["left", "right"]);
}

#[test]
fn depends_on_takes_the_place_of_the_order_written() {
    let source = r"
steps:
  - { name: a, operation: x/a }
  - { name: b, operation: x/b }
  - { name: c, dependsOn: [a], operation: x/c }
  - { name: free, dependsOn: [], operation: x/free }
  - { name: last, operation: x/last }
";
    let mut story = Story::of(source, json!({}));
    assert_eq!(story.goes(), ["run a", "run free"]);
    assert_eq!(story.done("a", json!(1)), ["run b", "run c"]);
    let whole = format!("name: p{source}");
    assert_eq!(needs(&whole, "c"), ["a"]);
    assert_eq!(needs(&whole, "last"), ["b", "c", "free"], "what others wait for, it waits for through them");
}

#[test]
fn a_step_may_depend_on_one_that_is_written_later() {
    let mut story = Story::of(
        "steps:\n  - { name: a, dependsOn: [b], operation: x/a }\n  - { name: b, dependsOn: [], operation: x/b }\n",
        json!({}),
    );
    assert_eq!(story.goes(), ["run b"]);
    assert_eq!(story.done("b", json!(1)), ["run a"]);
}

#[test]
fn what_a_step_reads_it_waits_for() {
    let source = r#"
steps:
  - { name: a, operation: x/a }
  - { name: b, parallel: true, operation: x/b, params: { of: $steps.a.result.n } }
  - name: c
    parallel: true
    when: steps.b.status == "succeeded"
    operation: x/c
    params: { text: "it was {{ steps.a.result.n }}" }
"#;
    let mut story = Story::of(source, json!({}));
    assert_eq!(story.goes(), ["run a"]);
    assert_eq!(story.done("a", json!({ "n": 4 })), ["run b"]);
    assert_eq!(*story.attempt("b").input, json!({ "of": 4 }));
    assert_eq!(story.done("b", json!(1)), ["run c"]);
    assert_eq!(*story.attempt("c").input, json!({ "text": "it was 4" }));
    assert_eq!(needs(&format!("name: p{source}"), "c"), ["a", "b"]);
}

#[test]
fn a_step_waits_for_whatever_sets_a_variable_that_it_reads() {
    let source = r"
steps:
  - { name: a, operation: x/a }
  - { name: keep, set: { n: $steps.a.result } }
  - { name: free, dependsOn: [], operation: x/free, params: { n: $vars.n } }
";
    let mut story = Story::of(source, json!({}));
    assert_eq!(story.goes(), ["run a"]);
    assert_eq!(story.done("a", json!(7)), ["complete keep with {\"n\":7}", "run free"]);
}

#[test]
fn in_a_group_the_order_is_the_groups_own() {
    let source = r"
steps:
  - { name: a, operation: x/a }
  - name: group
    parallel: true
    steps:
      - { name: b, operation: x/b }
      - { name: c, parallel: true, operation: x/c, params: { a: $steps.a.result } }
  - { name: d, operation: x/d, params: { b: $steps.b.result } }
";
    let mut story = Story::of(source, json!({}));
    assert_eq!(story.goes(), ["run a", "enter group", "run b"]);
    assert_eq!(story.done("a", json!(1)), ["run c"]);
    assert_eq!(story.done("b", json!(2)), [""; 0]);
    assert_eq!(story.done("c", json!(3)), ["complete group with 3", "run d"]);
    assert_eq!(*story.attempt("d").input, json!({ "b": 2 }));
}

#[test]
fn nothing_begins_before_its_turn_whoever_says_so() {
    let mut story = Story::of(BESIDE, json!({}));
    story.goes();
    assert!(
        story.refuses(step_started("last", 1)).contains("it is not the turn of step `last`: step `left`")
    );
    story.record(asked("last", 900, orgata_model::intervention::Origin::Operator));
    assert_eq!(
        story.answer("last", json!({ "decision": "proceed" })),
        [""; 0],
        "asked early, it begins in its turn"
    );
    story.done("first", json!(1));
    story.done("left", json!(1));
    assert_eq!(story.done("right", json!(1)), ["run last"]);
}

#[test]
fn the_workflow_that_orgata_was_asked_for_is_read_unchanged() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/playbooks/good");
    let source = std::fs::read_to_string(folder.join("send_coached_sms.yaml")).unwrap();
    assert_eq!(needs(&source, "get_contact"), [""; 0]);
    assert_eq!(needs(&source, "get_coach_info"), [""; 0]);
    assert_eq!(needs(&source, "send_sms"), ["get_contact", "get_coach_info"]);
    let playbook = playbook(&source);
    assert_eq!(playbook.timeout.unwrap().as_secs(), 180);
    assert_eq!(playbook.steps[0].timeout.unwrap().as_secs(), 15);
    assert_eq!(playbook.steps[0].retries.max, 2);
    assert!(playbook.steps[2].compensation.is_some());
}
