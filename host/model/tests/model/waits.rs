//! `wait`: for a while, until a time, for an outside event.

use serde_json::json;

use crate::history::*;
use crate::story::Story;
use orgata_model::execution::Fact;

#[test]
fn a_wait_ends_when_its_time_has_passed() {
    let mut story =
        Story::of("steps:\n  - { name: rest, wait: 5m }\n  - { name: go, operation: x/go }\n", json!({}));
    assert_eq!(story.goes(), ["wait rest until 300"]);
    assert_eq!((story.status(), story.state().wakes_at()), ("waiting", Some(at(300))));
    assert_eq!(story.goes_at(299), [""; 0]);
    assert_eq!(story.goes_at(300), ["complete rest with null", "run go"]);
}

#[test]
fn a_wait_until_a_time_takes_it_from_a_text_or_an_expression() {
    for until in ["2026-03-01T08:10:00Z", "$input.when", "input.when"] {
        let source = format!("steps:\n  - {{ name: rest, wait: {{ until: \"{until}\" }} }}\n");
        let mut story = Story::of(&source, json!({ "when": "2026-03-01T09:10:00+01:00" }));
        assert_eq!(story.goes(), ["wait rest until 600"], "{until}");
        assert_eq!(story.goes_at(600), ["complete rest with null", "finish with null"]);
    }
}

#[test]
fn a_time_that_has_passed_is_not_waited_for() {
    let mut story =
        Story::of("steps:\n  - { name: rest, wait: { until: \"2020-01-01T00:00:00Z\" } }\n", json!({}));
    assert_eq!(story.goes().len(), 3);
    assert_eq!(story.status(), "succeeded");
}

#[test]
fn what_is_no_time_fails_the_step() {
    let mut story =
        Story::of("steps:\n  - { name: rest, wait: { until: $input.when } }\n", json!({ "when": 5 }));
    assert_eq!(story.goes()[0], "fail rest: EXPRESSION_FAILED");
    let failure = story.state().end.as_ref().unwrap().failure.clone().unwrap();
    assert!(failure.message.contains("`until` gave 5, which is no time such as"), "{failure}");
}

const PAID: &str = r"
steps:
  - { name: order, operation: x/order }
  - name: payment
    wait: { event: paid, match: event.order == steps.order.result.id, timeout: 10m }
  - { name: ship, operation: x/ship, params: { paid: $steps.payment.result.amount } }
";

#[test]
fn an_event_that_matches_is_the_result() {
    let mut story = Story::of(PAID, json!({}));
    story.goes();
    assert_eq!(story.done("order", json!({ "id": 7 })), ["wait payment for paid"]);
    assert_eq!((story.status(), story.state().awaited()), ("waiting", vec!["paid".to_owned()]));
    assert!(!story.state().awaits("paid", &json!({ "order": 8 }).into()));
    assert!(story.state().awaits("paid", &json!({ "order": 7 }).into()));
    assert_eq!(story.hears("paid", json!({ "order": 8 })), [""; 0], "another's");
    assert_eq!(story.hears("shipped", json!({ "order": 7 })), [""; 0], "another event");
    let words = story.hears("paid", json!({ "order": 7, "amount": 12 }));
    assert_eq!(words, [r#"complete payment with {"amount":12,"order":7}"#, "run ship"]);
    assert_eq!(story.state().mailbox.len(), 2, "those that nobody took are kept");
    assert!(story.state().awaited().is_empty());
}

#[test]
fn an_event_that_came_early_waits_in_the_mailbox_and_is_taken_once() {
    let source = r"
steps:
  - { name: one, wait: { event: paid } }
  - { name: two, wait: { event: paid } }
";
    let mut story = Story::of(source, json!({}));
    story.record(Fact::EventReceived { event: "paid".to_owned(), payload: json!(1).into() });
    assert_eq!(story.goes(), ["wait one for paid", "complete one with 1", "wait two for paid"]);
    assert_eq!(story.hears("paid", json!(2)), ["complete two with 2", "finish with 2"]);
}

#[test]
fn the_mailbox_keeps_the_newest_hundred() {
    let mut story = Story::of(PAID, json!({}));
    story.goes();
    for number in 0..120 {
        story.record(Fact::EventReceived { event: "paid".to_owned(), payload: json!(number).into() });
    }
    assert_eq!(story.state().mailbox.len(), 100);
    assert_eq!(*story.state().mailbox[0].payload, json!(20));
}

#[test]
fn an_event_that_does_not_come_in_time_fails_the_step() {
    let mut story = Story::of(PAID, json!({}));
    story.goes();
    story.done("order", json!({ "id": 7 }));
    assert_eq!(
        story.goes_at(600),
        ["fail payment: EVENT_NOT_RECEIVED", "fail over payment: EVENT_NOT_RECEIVED"]
    );
    assert!(!story.state().awaits("paid", &json!({ "order": 7 }).into()), "it has ended");
}

#[test]
fn a_paused_wait_goes_on_when_it_is_resumed() {
    let mut story = Story::of("steps:\n  - { name: rest, wait: 5m }\n", json!({}));
    story.goes();
    story.record(Fact::ExecutionPaused { reason: None });
    assert_eq!((story.goes_at(400), story.state().wakes_at()), (vec![], None));
    story.record(Fact::ExecutionResumed { reason: None });
    assert_eq!(story.goes(), ["complete rest with null", "finish with null"]);
}
