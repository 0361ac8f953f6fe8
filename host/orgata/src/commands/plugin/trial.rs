//! One operation tried with one input, and how it went.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orgata_engine::ports::{Call, LogLine, Outcome, Progress, Question, Resume};
use orgata_model::Failure;
use orgata_model::operation::Operation;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;

use super::difference::{Difference, differences};
use super::question;
use super::workbench::{self, Workbench};

/// What the clocks show to examples, so that they see the same each time: the beginning of 2026.
const EXAMPLE_TIME: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// More reports of progress than this are dropped.
const MOST_REPORTS: usize = 100;

/// What is tried.
pub(super) enum Case<'a> {
    /// An example of the operation: its output is known.
    Example(&'a orgata_model::operation::Example),
    /// An input that somebody gave.
    Input(Value),
}

/// How it went.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Trial {
    /// `plugin/operation`.
    pub(super) operation: String,
    /// The example's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) example: Option<String>,
    pub(super) verdict: Verdict,
    /// Why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) differences: Vec<Difference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<Failure>,
    /// Asked, and not answered.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_view")]
    pub(super) question: Option<Question>,
    pub(super) log: Vec<LogLine>,
    pub(super) log_dropped: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) progress: Vec<String>,
    #[serde(rename = "tookMs", serialize_with = "as_millis")]
    pub(super) took: Duration,
    /// Bytes.
    pub(super) memory: u64,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// It gave what it should.
    Passed,
    /// It did not.
    Failed,
    /// It was not run.
    Skipped,
    /// It waits for an answer, and there is nobody to ask.
    Asked,
}

impl Trial {
    /// Not run.
    pub(super) fn skipped(operation: &Operation, reason: &'static str) -> Self {
        Self { verdict: Verdict::Skipped, reason: Some(reason), ..Self::empty(operation, None) }
    }

    fn empty(operation: &Operation, example: Option<String>) -> Self {
        Self {
            operation: operation.name.to_string(),
            example,
            verdict: Verdict::Passed,
            reason: None,
            output: None,
            differences: Vec::new(),
            failure: None,
            question: None,
            log: Vec::new(),
            log_dropped: 0,
            progress: Vec::new(),
            took: Duration::ZERO,
            memory: 0,
        }
    }

    /// Runs it. Whoever sits at the terminal is asked what an operation asks of an input given by hand.
    pub(super) async fn of(
        workbench: &Workbench,
        operation: &Operation,
        case: Case<'_>,
    ) -> anyhow::Result<Self> {
        let (input, name) = match &case {
            Case::Example(example) => (example.input.clone(), Some(example.name.clone())),
            Case::Input(input) => (input.clone(), None),
        };
        let input = Arc::new(input);
        let mut trial = Self::empty(operation, name);
        let mut resume = None;
        loop {
            let outcome = trial.run(workbench, operation, &case, Arc::clone(&input), resume.take()).await?;
            match (outcome, &case) {
                (Err(failure), _) => trial.fail(failure),
                (Ok(Outcome::Done(output)), Case::Example(example)) => {
                    trial.compare(&example.output, &output)
                }
                (Ok(Outcome::Done(output)), Case::Input(_)) => trial.output = Some((*output).clone()),
                (Ok(Outcome::Ask(asked)), Case::Example(_)) => {
                    trial.verdict = Verdict::Failed;
                    trial.question = Some(asked);
                }
                (Ok(Outcome::Ask(asked)), Case::Input(_)) => {
                    if let Some(answer) = question::answered(&asked).await? {
                        resume = Some(Resume { state: asked.resume_state, answer: Arc::new(answer) });
                        continue;
                    }
                    trial.verdict = Verdict::Asked;
                    trial.question = Some(asked);
                }
            }
            return Ok(trial);
        }
    }

    /// Makes one call, and takes down what it took.
    async fn run(
        &mut self,
        workbench: &Workbench,
        operation: &Operation,
        case: &Case<'_>,
        input: Arc<Value>,
        resume: Option<Resume>,
    ) -> anyhow::Result<Result<Outcome, Failure>> {
        let (progress, mut reports) = mpsc::channel(MOST_REPORTS);
        let call = Call {
            digest: operation.digest,
            operation: operation.name.clone(),
            step: "test".parse()?,
            iterations: Vec::new(),
            undoes: false,
            attempt: 1,
            idempotency_key: "test".to_owned(),
            role: None,
            started_at: if matches!(case, Case::Example(_)) { EXAMPLE_TIME } else { workbench::now() },
            timeout: None,
            input,
            resume,
            progress: Some(progress),
        };
        let report = workbench.call(call).await?;
        self.log.extend(report.log);
        self.log_dropped += report.log_dropped;
        self.took += report.took;
        self.memory = self.memory.max(report.memory);
        while let Ok(Progress { fraction, message }) = reports.try_recv() {
            self.progress.push(format!("{:.0} % {message}", fraction * 100.0));
        }
        Ok(report.outcome)
    }

    fn fail(&mut self, failure: Failure) {
        self.verdict = Verdict::Failed;
        self.failure = Some(failure);
    }

    fn compare(&mut self, expected: &Value, output: &Value) {
        self.differences = differences(expected, output);
        self.verdict = if self.differences.is_empty() { Verdict::Passed } else { Verdict::Failed };
        self.output = Some(output.clone());
    }
}

fn as_millis<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((time.as_secs_f64() * 1e6).round() / 1e3)
}

fn as_view<S: serde::Serializer>(question: &Option<Question>, serializer: S) -> Result<S::Ok, S::Error> {
    question.as_ref().map(question::view).serialize(serializer)
}
