//! How things fail, by what may be done about it.
//!
//! A [`Failure`] is data: it is recorded in events and shown to people and programs. It keeps its whole
//! cause. Not here: errors of the host itself (`engine::EngineError`), which are never recorded.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What may be done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The input cannot work: never retried.
    InvalidInput,
    /// It may work later: retried as the policy says.
    Transient,
    /// It will not work: not retried.
    Permanent,
}

impl FailureKind {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::Transient => "transient",
            Self::Permanent => "permanent",
        }
    }
}

/// Why a step or an execution failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// What may be done about it.
    pub kind: FailureKind,
    /// A stable word for programs: the guest's own, or one of the host's in SCREAMING_SNAKE.
    pub code: String,
    /// A sentence for people: what, where, what to do.
    pub message: String,
    /// For programs; a limit's name and size for `LIMIT_EXCEEDED`.
    #[serde(default, deserialize_with = "crate::recorded::present", skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// What lies behind it, nearest cause first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
}

/// The host's own failure codes. Guests may use any other.
pub mod code {
    /// A limit of the sandbox was reached; `details.limit` names it.
    pub const LIMIT_EXCEEDED: &str = "LIMIT_EXCEEDED";
    /// The guest trapped or panicked.
    pub const TRAPPED: &str = "TRAPPED";
    /// The input does not satisfy the operation's schema.
    pub const INPUT_MISMATCH: &str = "INPUT_MISMATCH";
    /// The output does not satisfy the operation's own schema, or is not JSON.
    pub const OUTPUT_MISMATCH: &str = "OUTPUT_MISMATCH";
    /// An expression of the playbook could not be computed.
    pub const EXPRESSION: &str = "EXPRESSION_FAILED";
    /// Nobody answered in time.
    pub const NOT_ANSWERED: &str = "NOT_ANSWERED";
    /// The pinned version of the plugin can no longer be had.
    pub const PLUGIN_GONE: &str = "PLUGIN_GONE";
    /// The host stopped while the step was at work, and an operator gave it up.
    pub const INTERRUPTED: &str = "INTERRUPTED";
    /// An operation asked where nobody can be asked.
    pub const CANNOT_ASK: &str = "CANNOT_ASK";
    /// An operator stopped the step.
    pub const INTERVENED: &str = "INTERVENED";
    /// An outside event did not come in time.
    pub const EVENT_NOT_RECEIVED: &str = "EVENT_NOT_RECEIVED";
    /// A child execution could not be started, or did not succeed; its own failure is kept where it has one.
    pub const CHILD_FAILED: &str = "CHILD_FAILED";
    /// A part of the language that this version cannot run.
    pub const NOT_AVAILABLE: &str = "NOT_AVAILABLE";
    /// A simulation does not know what the operation would give.
    pub const NOT_SIMULATED: &str = "NOT_SIMULATED";
    /// What the plugin was granted in the runtime was revoked, or its version is not confirmed there.
    pub const NOT_GRANTED: &str = "NOT_GRANTED";
    /// Something went wrong in the host itself.
    pub const INTERNAL: &str = "INTERNAL";
}

impl Failure {
    /// A failure of the given kind.
    pub fn new(kind: FailureKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, code: code.into(), message: message.into(), details: None, causes: Vec::new() }
    }

    /// A failure that no retry mends.
    pub fn permanent(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Permanent, code, message)
    }

    /// A failure that may pass.
    pub fn transient(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Transient, code, message)
    }

    /// A failure of the input.
    pub fn invalid_input(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(FailureKind::InvalidInput, code, message)
    }

    /// A limit was reached: `limit` is its setting's name, `maximum` its size with unit.
    pub fn limit(kind: FailureKind, limit: &str, maximum: &str, hint: &str) -> Self {
        Self {
            details: Some(serde_json::json!({ "limit": limit, "maximum": maximum })),
            ..Self::new(
                kind,
                code::LIMIT_EXCEEDED,
                format!("the operation reached its limit `{limit}` ({maximum}); {hint}"),
            )
        }
    }

    /// The same with details for programs.
    #[must_use]
    pub fn with_details(self, details: Value) -> Self {
        Self { details: Some(details), ..self }
    }

    /// The same with everything that lies behind it.
    #[must_use]
    pub fn caused_by(mut self, error: &dyn std::error::Error) -> Self {
        let mut next = Some(error);
        while let Some(cause) = next {
            self.causes.push(cause.to_string());
            next = cause.source();
        }
        self
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
