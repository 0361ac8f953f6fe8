//! Trials of operations as clients see them.

use orgata_engine::ports::{LogLine, Question};
use orgata_engine::{Difference, Trial, Verdict};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::failure::FailureView;

/// How one trial went.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrialView<'a> {
    /// `plugin/operation`.
    pub operation: &'a str,
    /// The example's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<&'a str>,
    /// The name of a case that was handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<&'a str>,
    /// `passed`, `failed`, `asked` (it waits for an answer that nobody gave) or `skipped`.
    pub verdict: &'static str,
    /// Why it was skipped, or why its answer was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// What it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<&'a Value>,
    /// Where that is not what it should be.
    pub differences: Vec<DifferenceView<'a>>,
    /// How it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView<'a>>,
    /// What it asked, and nobody answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<AskedView<'a>>,
    /// What it logged and printed.
    pub log: Vec<LogView<'a>>,
    /// Lines over the limit.
    pub log_dropped: u64,
    /// What it reported of how far it was.
    pub progress: &'a [String],
    /// Wall time of its calls, in milliseconds.
    pub took_ms: f64,
    /// The most that one of its calls held, in bytes.
    pub memory: u64,
}

impl<'a> From<&'a Trial> for TrialView<'a> {
    fn from(trial: &'a Trial) -> Self {
        Self {
            operation: &trial.operation,
            example: trial.example.as_deref(),
            case: trial.case.as_deref(),
            verdict: match trial.verdict {
                Verdict::Passed => "passed",
                Verdict::Failed => "failed",
                Verdict::Skipped => "skipped",
                Verdict::Asked => "asked",
            },
            reason: trial.reason.as_deref(),
            output: trial.output.as_ref(),
            differences: trial.differences.iter().map(DifferenceView::from).collect(),
            failure: trial.failure.as_ref().map(FailureView::from),
            question: trial.question.as_ref().map(AskedView::from),
            log: trial.log.iter().map(LogView::from).collect(),
            log_dropped: trial.log_dropped,
            progress: &trial.progress,
            took_ms: (trial.took.as_secs_f64() * 1e6).round() / 1e3,
            memory: trial.memory,
        }
    }
}

/// One place where two values differ.
#[derive(Debug, Serialize, ToSchema)]
pub struct DifferenceView<'a> {
    /// JSON pointer; empty for the whole.
    pub pointer: &'a str,
    /// What should be there; absent when nothing should.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<&'a Value>,
    /// What is there; absent when nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<&'a Value>,
}

impl<'a> From<&'a Difference> for DifferenceView<'a> {
    fn from(difference: &'a Difference) -> Self {
        let Difference { pointer, expected, got } = difference;
        Self { pointer, expected: expected.as_ref(), got: got.as_ref() }
    }
}

/// A question of an operation that is tried.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AskedView<'a> {
    /// `human_decision`, `approval`, …
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// What to decide.
    pub prompt: &'a str,
    /// Choices to offer.
    pub options: &'a [String],
    /// JSON Schema that an answer must satisfy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_schema: Option<&'a Value>,
    /// What it will go on from: its author wants to see it.
    pub resume_state: &'a Value,
}

impl<'a> From<&'a Question> for AskedView<'a> {
    fn from(question: &'a Question) -> Self {
        Self {
            kind: &question.kind,
            prompt: &question.prompt,
            options: &question.options,
            response_schema: question.response_schema.as_ref(),
            resume_state: &question.resume_state,
        }
    }
}

/// One line of an operation's log.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogView<'a> {
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// The text.
    pub message: &'a str,
    /// What came with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<&'a Value>,
}

impl<'a> From<&'a LogLine> for LogView<'a> {
    fn from(line: &'a LogLine) -> Self {
        Self { level: line.level.as_str(), message: &line.message, fields: line.fields.as_ref() }
    }
}
