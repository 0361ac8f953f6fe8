//! Failures of steps and executions, as clients see them.

use orgata_model::Failure;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Why a step or an execution failed.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailureView<'a> {
    /// `invalid_input`, `transient` or `permanent`: what may be done about it.
    pub kind: &'static str,
    /// A stable word: the operation's own, or the host's in SCREAMING_SNAKE.
    pub code: &'a str,
    /// For people.
    pub message: &'a str,
    /// For programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub details: Option<&'a Value>,
    /// What lies behind it, nearest first.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    #[schema(required = false)]
    pub causes: &'a [String],
}

impl<'a> From<&'a Failure> for FailureView<'a> {
    fn from(failure: &'a Failure) -> Self {
        Self {
            kind: failure.kind.as_str(),
            code: &failure.code,
            message: &failure.message,
            details: failure.details.as_ref(),
            causes: &failure.causes,
        }
    }
}
