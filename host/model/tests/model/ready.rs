//! What an execution wants done next: each place of a step, in each situation.

use jiff::Timestamp;
use orgata_model::execution::{Action, Fact, State};
use orgata_model::failure::code;
use orgata_model::intervention::{OnDeadline, Origin};
use serde_json::json;

use crate::history::*;
use crate::story::in_words;

/// What is ready, in a few words.
fn words(state: &State, now: Timestamp) -> String {
    state.ready(now).map_or_else(|| "nothing".to_owned(), |action| in_words(state, &action))
}

/// What is ready at second 20 in these situations: as it is, paused, at second 60, past the deadline, cancelled.
fn situations(history: &History) -> [String; 5] {
    let paused = history.clone().with(Fact::ExecutionPaused { reason: None });
    let cancelled = history.clone().with(Fact::ExecutionCancelled { reason: None });
    [
        words(&history.state, at(20)),
        words(&paused.state, at(20)),
        words(&history.state, at(60)),
        words(&history.state, at(3_600)),
        words(&cancelled.state, at(3_600)),
    ]
}

#[test]
fn each_place_of_a_step_wants_this_in_each_situation() {
    let begun = History::begin(&playbook(WALK), json!({ "v": 3 }));
    let running = begun.clone().with(step_started("work", 1));
    let asks = running.clone().with(asked_until("work", 1, by_operation(), Some(at(60)), OnDeadline::Fail));
    let interrupted =
        |history: &History| history.clone().with(Fact::StepInterrupted { step: path("work"), attempt: 1 });
    let resumed = asks
        .clone()
        .with(answered("work", 1, json!("red")))
        .with(Fact::StepResumed { step: path("work"), attempt: 1 });
    let told = |decision: serde_json::Value| {
        interrupted(&running).with(asked("work", 2, Origin::Interrupted)).with(answered("work", 2, decision))
    };
    let told_resumed = interrupted(&resumed).with(asked("work", 2, Origin::Interrupted)).with(answered(
        "work",
        2,
        json!({ "decision": "retry" }),
    ));
    let worked = running.clone().with(completed("work", json!({ "n": 1 })));
    let asked_person = worked.clone().with(asked_until(
        "ask",
        3,
        Origin::Step,
        Some(at(60)),
        OnDeadline::Answer(json!("red")),
    ));
    let person_said = asked_person.clone().with(answered("ask", 3, json!("blue")));
    let colored = person_said.clone().with(completed("ask", json!("blue")));
    let all_done = colored.clone().with(step_started("last", 1)).with(completed("last", json!(null)));
    let unlucky = History::begin(&playbook(WALK), json!({ "v": 1 }))
        .with(step_started("work", 1))
        .with(completed("work", json!(1)))
        .with(asked("ask", 3, Origin::Step))
        .with(answered("ask", 3, json!("blue")))
        .with(completed("ask", json!("blue")));

    let table = [
        ("pending", begun, ["run work", "nothing", "run work"]),
        ("running", running.clone(), ["nothing"; 3]),
        ("retrying", running.clone().with(retry("work", 2, 60)), ["nothing", "nothing", "run work #2"]),
        (
            "retrying, due",
            running.clone().with(retry("work", 2, 20)),
            ["run work #2", "nothing", "run work #2"],
        ),
        (
            "retrying after an answer",
            resumed.clone().with(retry("work", 2, 60)),
            ["nothing", "nothing", "run work #2, resumed"],
        ),
        ("interrupted", interrupted(&running), ["recover work", "nothing", "recover work"]),
        (
            "interrupted after an answer",
            interrupted(&resumed),
            ["recover work #1, resumed", "nothing", "recover work #1, resumed"],
        ),
        ("waiting for an answer", asks.clone(), ["nothing", "nothing", "expire work"]),
        (
            "answered",
            asks.clone().with(answered("work", 1, json!("red"))),
            ["run work #1, resumed", "nothing", "run work #1, resumed"],
        ),
        (
            "unanswered",
            asks.with(expired("work", 1)),
            ["fail work: NOT_ANSWERED", "nothing", "fail work: NOT_ANSWERED"],
        ),
        ("told to retry", told(json!({ "decision": "retry" })), ["run work #2", "nothing", "run work #2"]),
        (
            "told to retry, after an answer",
            told_resumed,
            ["run work #2, resumed", "nothing", "run work #2, resumed"],
        ),
        (
            "told to complete",
            told(json!({ "decision": "complete", "result": 7 })),
            ["complete work with 7", "nothing", "complete work with 7"],
        ),
        (
            "told to fail",
            told(json!({ "decision": "fail" })),
            ["fail work: INTERRUPTED", "nothing", "fail work: INTERRUPTED"],
        ),
        (
            "failed",
            running.with(failed("work")),
            ["fail over work: BROKEN", "nothing", "fail over work: BROKEN"],
        ),
        ("the next pending", worked, ["ask ask", "nothing", "ask ask"]),
        ("a person asked", asked_person, ["nothing", "nothing", "expire ask"]),
        (
            "a person said",
            person_said,
            ["complete ask with \"blue\"", "nothing", "complete ask with \"blue\""],
        ),
        ("a condition that holds", colored, ["run last", "nothing", "run last"]),
        ("a condition that does not hold", unlucky, ["skip last", "nothing", "skip last"]),
        (
            "all done",
            all_done,
            [
                "finish with {\"color\":\"blue\",\"worked\":{\"n\":1}}",
                "nothing",
                "finish with {\"color\":\"blue\",\"worked\":{\"n\":1}}",
            ],
        ),
    ];
    for (place, history, [now, paused, later]) in table {
        assert_eq!(situations(&history), [now, paused, later, "time out", "nothing"], "{place}");
    }
}

#[test]
fn a_paused_question_still_expires_and_its_answer_waits() {
    let paused = History::begin(&playbook(WALK), json!({ "v": 3 }))
        .with(step_started("work", 1))
        .with(asked_until("work", 1, by_operation(), Some(at(60)), OnDeadline::Answer(json!("red"))))
        .with(Fact::ExecutionPaused { reason: None });
    assert_eq!(words(&paused.state, at(60)), "expire work");
    let answered = paused.with(expired("work", 1));
    assert_eq!(words(&answered.state, at(60)), "nothing");
    assert_eq!(
        words(&answered.with(Fact::ExecutionResumed { reason: None }).state, at(60)),
        "run work #1, resumed"
    );
}

#[test]
fn it_wakes_at_the_earliest_of_its_deadline_its_question_and_its_next_attempt() {
    let running = History::begin(&playbook(WALK), json!({ "v": 3 })).with(step_started("work", 1));
    assert_eq!(running.state.wakes_at(), Some(at(3_600)));
    let retrying = running.clone().with(retry("work", 2, 60));
    assert_eq!(retrying.state.wakes_at(), Some(at(60)));
    let paused = retrying.with(Fact::ExecutionPaused { reason: None });
    assert_eq!(paused.state.wakes_at(), Some(at(3_600)), "a paused execution makes no attempts");
    let asks = running.with(asked_until("work", 1, by_operation(), Some(at(90)), OnDeadline::Fail));
    assert_eq!(asks.state.wakes_at(), Some(at(90)));
    let answered = asks.with(answered("work", 1, json!("red")));
    assert_eq!(answered.state.wakes_at(), Some(at(3_600)));
}

#[test]
fn an_expression_that_cannot_be_computed_fails_the_step_and_says_which() {
    let cases = [
        ("params: { v: $input.v }", "params: { v: $input.none }", "`params` cannot be computed"),
        ("name: work\n", "name: work\n    when: input.none > 1\n", "`when` cannot be computed"),
    ];
    for (from, to, told) in cases {
        let begun = History::begin(&playbook(&WALK.replace(from, to)), json!({ "v": 3 }));
        let Some(Action::Record(Fact::StepFailed { failure, .. })) = begun.state.ready(at(0)) else {
            panic!("{to}")
        };
        assert_eq!(failure.code, code::EXPRESSION);
        assert!(failure.message.contains(told) && failure.message.contains("none"), "{failure}");
    }
}

#[test]
fn an_output_that_cannot_be_computed_fails_the_execution() {
    let source =
        "name: p\nsteps:\n  - name: work\n    operation: x/work\noutput: { v: $steps.work.result.none }\n";
    let done = History::begin(&playbook(source), json!({}))
        .with(step_started("work", 1))
        .with(completed("work", json!({ "v": 1 })));
    assert_eq!(words(&done.state, at(0)), "fail over the output: EXPRESSION_FAILED");
}

#[test]
fn without_an_output_the_last_result_is_the_output() {
    let source = "name: p\nsteps:\n  - name: work\n    operation: x/work\n  - name: last\n    when: false\n    operation: x/last\n";
    let done = History::begin(&playbook(source), json!({}))
        .with(step_started("work", 1))
        .with(completed("work", json!({ "v": 1 })));
    assert_eq!(words(&done.state, at(0)), "skip last");
    let skipped = done.with(skipped("last"));
    assert_eq!(words(&skipped.state, at(0)), "finish with {\"v\":1}");
}
