//! What a story waits for, by name.
//!
//! A matcher looks at an execution's history so far and gives what it found: the question, the result, the
//! output. The same matchers serve history over REST, SSE and WebSocket.

use serde_json::Value;

use crate::event::{Event, Question};

/// Finds something in a history.
pub struct Matcher<T> {
    /// What is waited for, for the message when it does not come.
    pub what: String,
    find: Box<Find<T>>,
}

type Find<T> = dyn Fn(&[Event]) -> Option<T> + Send + Sync;

impl<T> Matcher<T> {
    /// A matcher that looks at the whole history.
    pub fn new(
        what: impl Into<String>,
        find: impl Fn(&[Event]) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        Self { what: what.into(), find: Box::new(find) }
    }

    /// What is found in this history.
    pub fn find(&self, history: &[Event]) -> Option<T> {
        (self.find)(history)
    }
}

/// Finds the last event that `wanted` accepts.
fn last(what: String, wanted: impl Fn(&Event) -> bool + Send + Sync + 'static) -> Matcher<Event> {
    Matcher::new(what, move |history| history.iter().rfind(|event| wanted(event)).cloned())
}

/// Any event of this kind.
pub fn event(kind: &str) -> Matcher<Event> {
    let kind = kind.to_owned();
    last(format!("an event {kind}"), move |event| event.kind == kind)
}

/// An event of this kind about this step.
pub fn step_event(kind: &str, step: &str) -> Matcher<Event> {
    let (kind, step) = (kind.to_owned(), step.to_owned());
    last(format!("{kind} of step {step}"), move |event| event.is(&kind, &step))
}

/// The step is at work.
pub fn step_started(step: &str) -> Matcher<Event> {
    step_event("step_started", step)
}

/// The step gave its result: that result.
pub fn step_completed(step: &str) -> Matcher<Value> {
    let found = step_event("step_completed", step);
    Matcher::new(found.what.clone(), move |history| {
        found.find(history).map(|event| event.body["data"].clone())
    })
}

/// The step waits for a person, and nobody has answered: the question.
pub fn asked(step: &str) -> Matcher<Question> {
    let step = step.to_owned();
    Matcher::new(format!("an open question of step {step}"), move |history| {
        let asked = history.iter().rposition(|event| event.is("intervention_required", &step))?;
        let question = Question::read(history.get(asked)?)?;
        let closed = |event: &Event| {
            let ends = ["intervention_resolved", "intervention_expired", "intervention_withdrawn"];
            let ended = ends.contains(&event.kind.as_str());
            ended && event.body.to_string().contains(&question.id)
        };
        (!history.iter().skip(asked).any(closed)).then_some(question)
    })
}

/// The execution ended well: its output.
pub fn completed() -> Matcher<Value> {
    let found = event("execution_completed");
    Matcher::new("a good end", move |history| found.find(history).map(|event| event.body["output"].clone()))
}

/// The execution failed: why.
pub fn failed() -> Matcher<Value> {
    let found = event("execution_failed");
    Matcher::new("a failure", move |history| found.find(history).map(|event| event.body["failure"].clone()))
}

/// The step waits for time or for an outside event.
pub fn waiting(step: &str) -> Matcher<Event> {
    step_event("step_waiting", step)
}

/// What was done is undone, and the execution ended with that.
pub fn compensated() -> Matcher<Event> {
    event("execution_compensated")
}

/// The execution ended, well or not: its last event.
pub fn ended() -> Matcher<Event> {
    last("an end".to_owned(), Event::is_end)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn history<const N: usize>(bodies: [Value; N]) -> Vec<Event> {
        let wire = bodies.iter().enumerate().map(|(at, body)| json!({"seq": at + 1, "event": body}));
        wire.map(|wire| Event::read(&wire).unwrap()).collect()
    }

    #[test]
    fn a_question_that_was_answered_is_not_open() {
        let asked_once = json!({"type": "intervention_required",
            "intervention": {"id": "int_1", "step": "choose", "type": "human_decision"}});
        let answered = json!({"type": "intervention_resolved", "step": "choose", "interventionId": "int_1"});
        assert!(asked("choose").find(&history([asked_once.clone()])).is_some());
        assert!(asked("other").find(&history([asked_once.clone()])).is_none());
        assert!(asked("choose").find(&history([asked_once, answered])).is_none());
    }

    #[test]
    fn a_result_comes_with_its_step() {
        let seen = history([json!({"type": "step_completed", "step": "a", "data": {"n": 1}})]);
        assert_eq!(step_completed("a").find(&seen), Some(json!({"n": 1})));
        assert_eq!(step_completed("b").find(&seen), None);
    }
}
