//! Events and questions as a client sees them: read from JSON, whichever way it came.

use std::fmt;

use serde_json::Value;

/// The id of an execution, as the host gave it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExecutionId(pub String);

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One event of an execution's history.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// 1 for the first.
    pub seq: u64,
    /// Such as `step_completed`.
    pub kind: String,
    /// All that the event says, `type` included.
    pub body: Value,
}

impl Event {
    /// Reads what history lists, SSE sends and WebSocket frames carry: `{seq, event: {type, …}}`.
    /// Nothing when it is no event.
    pub fn read(wire: &Value) -> Option<Self> {
        let body = wire.get("event")?;
        let kind = body.get("type")?.as_str()?.to_owned();
        Some(Self { seq: wire.get("seq")?.as_u64()?, kind, body: body.clone() })
    }

    /// The step that it is about.
    pub fn step(&self) -> Option<&str> {
        let own = self.body.get("step").or_else(|| self.body.pointer("/intervention/step"));
        own.and_then(Value::as_str)
    }

    /// True for this kind of event about this step.
    pub fn is(&self, kind: &str, step: &str) -> bool {
        self.kind == kind && self.step() == Some(step)
    }

    /// True when nothing can follow.
    pub fn is_end(&self) -> bool {
        const ENDS: [&str; 6] = [
            "execution_completed",
            "execution_failed",
            "execution_cancelled",
            "execution_timed_out",
            "execution_compensated",
            "compensation_failed",
        ];
        ENDS.contains(&self.kind.as_str())
    }
}

/// `step_completed spread`: what happened, without what differs from run to run.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        self.step().map_or(Ok(()), |step| write!(f, " {step}"))
    }
}

/// Events as lines, to show or to compare.
pub fn lines(events: &[Event]) -> String {
    events.iter().map(Event::to_string).collect::<Vec<_>>().join("\n")
}

/// An open question.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Under which it is answered.
    pub id: String,
    /// The step that waits.
    pub step: String,
    /// Such as `human_decision`.
    pub kind: String,
    /// What to decide.
    pub prompt: String,
    /// Choices to offer.
    pub options: Vec<String>,
    /// All that is said of it.
    pub body: Value,
}

impl Question {
    /// Reads an `intervention_required` event. Nothing when it is another, or lacks an id or a type.
    pub fn read(event: &Event) -> Option<Self> {
        if event.kind != "intervention_required" {
            return None;
        }
        let body = event.body.get("intervention")?;
        let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let options = body.get("options").and_then(Value::as_array).into_iter().flatten();
        Some(Self {
            id: text("id")?,
            step: event.step().unwrap_or_default().to_owned(),
            kind: text("type")?,
            prompt: text("prompt").unwrap_or_default(),
            options: options.filter_map(Value::as_str).map(str::to_owned).collect(),
            body: body.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_question_is_read_from_its_event() {
        let wire = json!({"seq": 4, "event": {"type": "intervention_required", "intervention": {
            "id": "int_1", "step": "choose", "type": "human_decision", "prompt": "Which?", "options": ["a", "b"]
        }}});
        let event = Event::read(&wire).unwrap();
        assert_eq!(event.to_string(), "intervention_required choose");
        let question = Question::read(&event).unwrap();
        assert_eq!((question.id.as_str(), question.step.as_str()), ("int_1", "choose"));
        assert_eq!(question.options, ["a", "b"]);
    }

    #[test]
    fn other_json_is_no_event() {
        assert_eq!(Event::read(&json!({"type": "pong"})), None);
    }
}
