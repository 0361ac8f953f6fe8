//! What an operation answers: a result, a question for a person, or a failure.
//!
//! [`Failure`] and [`Question`] are the contract's own types; this file gives them constructors.

use schemars::JsonSchema;
use serde::Serialize;

use crate::bindings::orgata::plugin::types;
use crate::operation::{answer_schema, text_of};
use crate::{Failure, Fault, Question};

/// How a call went well.
pub enum Outcome<T> {
    /// The result.
    Done(T),
    /// A person must answer first; the operation's `resume` goes on from there.
    Ask(Question),
}

impl<T: Serialize> Outcome<T> {
    pub(crate) fn into_contract(self) -> Result<types::Outcome, Failure> {
        Ok(match self {
            Outcome::Done(output) => types::Outcome::Done(text_of(&output)?),
            Outcome::Ask(question) => types::Outcome::Ask(question),
        })
    }
}

impl Question {
    /// A question of a `kind` (`human_decision`, `approval`, `data_entry`, …).
    /// The answer must look like `A`; `state` is what `resume` gets back, even after a restart.
    pub fn new<A: JsonSchema>(kind: &str, prompt: &str, state: &impl Serialize) -> Result<Self, Failure> {
        Ok(Question {
            kind: kind.into(),
            prompt: prompt.into(),
            options: Vec::new(),
            response_schema: Some(answer_schema::<A>()),
            assignee_role: None,
            timeout_ms: None,
            resume_state: text_of(state)?,
        })
    }

    /// Choices to offer.
    #[must_use]
    pub fn options<S: Into<String>>(mut self, options: impl IntoIterator<Item = S>) -> Self {
        self.options = options.into_iter().map(Into::into).collect();
        self
    }

    /// Who may answer, where it is not whoever performs the step.
    #[must_use]
    pub fn assignee(mut self, role: &str) -> Self {
        self.assignee_role = Some(role.into());
        self
    }

    /// How long to wait before the step fails.
    #[must_use]
    pub fn timeout_ms(mut self, milliseconds: u64) -> Self {
        self.timeout_ms = Some(milliseconds);
        self
    }
}

impl Failure {
    /// The input cannot work. Never retried.
    pub fn invalid_input(code: &str, message: impl Into<String>) -> Self {
        Failure::InvalidInput(fault(code, message))
    }

    /// It may work later. Retried as the step's retry policy says.
    pub fn transient(code: &str, message: impl Into<String>) -> Self {
        Failure::Transient(fault(code, message))
    }

    /// It will not work. Not retried.
    pub fn permanent(code: &str, message: impl Into<String>) -> Self {
        Failure::Permanent(fault(code, message))
    }

    /// Adds what a program may want to know besides the code.
    #[must_use]
    pub fn details(mut self, details: &impl Serialize) -> Self {
        let (Failure::InvalidInput(fault) | Failure::Transient(fault) | Failure::Permanent(fault)) =
            &mut self;
        // Details that cannot be written are dropped: they must not hide the failure itself.
        fault.details = serde_json::to_string(details).ok();
        self
    }
}

fn fault(code: &str, message: impl Into<String>) -> Fault {
    Fault { code: code.into(), message: message.into(), details: None }
}
