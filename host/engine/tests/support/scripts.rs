//! What operations are told to do, and what is remembered of their calls.

use orgata_engine::ports::{Call, Question, Resume};
use orgata_model::execution::{Event, Fact};
use orgata_model::{Digest, ExecutionId, Failure, StepName};
use serde_json::Value;

/// What a panic says that a script wants.
pub const SCRIPTED: &str = "as the script says";

/// What an operation does when it is called.
#[derive(Clone, Debug)]
pub enum Scripted {
    /// Gives this.
    Done(Value),
    /// Fails.
    Fail(Failure),
    /// Asks a person.
    Ask(Question),
    /// Reports its progress, then gives its input back.
    Progress(Vec<(f64, &'static str)>),
    /// Takes so long, then does the other; or is cut off by its step's timeout.
    Slow(std::time::Duration, Box<Scripted>),
    /// Never ends by itself: it is cut off by its step's timeout, if there is one.
    Hang,
    /// Takes the whole driver with it.
    Panic,
}

/// A call, as the world saw it begin.
#[derive(Clone, Debug)]
pub struct CallRecord {
    pub execution: ExecutionId,
    pub operation: String,
    pub digest: Digest,
    pub step: StepName,
    pub attempt: u32,
    pub key: String,
    pub input: Value,
    pub resume: Option<Resume>,
    pub timeout: Option<std::time::Duration>,
    /// The history that was durable when the call began.
    pub durable: Vec<Event>,
    /// The calls that were under way when it began, by their place in the record.
    pub beside: Vec<usize>,
}

/// Something that cannot be taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    pub operation: String,
    pub key: String,
}

/// What an operation asks, with these options.
pub fn question(prompt: &str, resume_state: Value) -> Question {
    Question {
        kind: "human_decision".to_owned(),
        prompt: prompt.to_owned(),
        options: Vec::new(),
        response_schema: None,
        assignee_role: None,
        timeout: None,
        resume_state,
    }
}

/// A step's attempt that is durably begun, and nothing after it.
pub fn begins_durably(call: &CallRecord) -> bool {
    match call.durable.last().map(|event| &event.fact) {
        Some(Fact::StepStarted { step, attempt, .. } | Fact::StepResumed { step, attempt }) => {
            *step == call.step && *attempt == call.attempt
        }
        _ => false,
    }
}
