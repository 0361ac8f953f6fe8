//! Operations tried with an input, and how that went: for whoever writes them.
//!
//! A [`Tryout`] makes the same calls that a step makes, outside of any execution: nothing is recorded, nothing is retried,
//! and it reaches nothing but what its [`Ground`] grants. An operation may ask on the way; whoever holds the tryout answers,
//! or leaves the question open.
//!
//! Not here: which operations are tried with what (`authoring`, the command line).

mod difference;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orgata_model::operation::{Example, Operation};
use orgata_model::runtime::{Environment, Grants};
use orgata_model::schema::{Schema, Violation};
use orgata_model::{ExecutionId, Failure, PluginName, RuntimeId, StepName};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

pub use difference::Difference;
use difference::differences;

use crate::error::EngineError;
use crate::ports::{
    Call, CallReport, LogLine, Operations, Outcome, Progress, Question, Resume, Session, SessionContext,
};
use crate::sampling::Sampling;

/// What the clocks show to examples, so that they see the same each time: the beginning of 2026.
const EXAMPLE_TIME: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// More reports of progress than this are dropped.
const MOST_REPORTS: usize = 100;

/// Questions that one tryout answers at most: an operation that asks for ever ends.
const MOST_QUESTIONS: usize = 20;

/// Where an operation is tried.
#[derive(Debug, Clone)]
pub struct Ground {
    /// What the operation is told of its runtime.
    pub runtime: RuntimeId,
    /// And of its environment.
    pub environment: Environment,
    /// What it may reach.
    pub grants: BTreeMap<PluginName, Grants>,
    /// What `config.get` gives.
    pub config: Arc<BTreeMap<PluginName, BTreeMap<String, Value>>>,
    /// The AI model that it may ask, where it is granted: a scripted one, or none.
    pub model: Option<Arc<Sampling>>,
    /// What its clocks show.
    pub now: Timestamp,
}

impl Ground {
    /// Nothing is granted there.
    pub fn bare(now: Timestamp) -> Result<Self, EngineError> {
        let runtime = named("test")?;
        let environment = Environment::Development;
        Ok(Self { runtime, environment, grants: BTreeMap::new(), config: Arc::default(), model: None, now })
    }
}

/// What an operation is tried with.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What it is called; the example's name.
    pub name: Option<String>,
    /// Whether it is one of the operation's own.
    pub example: bool,
    /// What the operation is given.
    pub input: Value,
    /// What it should give; anything will do when absent.
    pub expected: Option<Value>,
}

impl From<&Example> for Case {
    fn from(example: &Example) -> Self {
        Self {
            name: Some(example.name.clone()),
            example: true,
            input: example.input.clone(),
            expected: Some(example.output.clone()),
        }
    }
}

/// How it went.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    /// `plugin/operation`.
    pub operation: String,
    /// The example's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// The name of a case that somebody gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// What came of it.
    pub verdict: Verdict,
    /// Why it was skipped, or why its answer was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Where that is not what it should be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// How it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Asked, and not answered.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_view")]
    pub question: Option<Question>,
    /// What it logged and printed.
    pub log: Vec<LogLine>,
    /// Lines over the limit.
    pub log_dropped: u64,
    /// What it reported of how far it was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub progress: Vec<String>,
    /// Wall time of its calls.
    #[serde(rename = "tookMs", serialize_with = "as_millis")]
    pub took: Duration,
    /// The most that one of its calls held, in bytes.
    pub memory: u64,
}

/// What came of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It gave what it should.
    Passed,
    /// It did not.
    Failed,
    /// It was not run.
    Skipped,
    /// It waits for an answer that nobody gave.
    Asked,
}

impl Trial {
    /// Not run.
    pub fn skipped(operation: &Operation, reason: &str) -> Self {
        Self { verdict: Verdict::Skipped, reason: Some(reason.to_owned()), ..Self::empty(operation, None) }
    }

    fn empty(operation: &Operation, case: Option<&Case>) -> Self {
        let name = |example: bool| case.filter(|case| case.example == example)?.name.clone();
        Self {
            operation: operation.name.to_string(),
            example: name(true),
            case: name(false),
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

    fn add(&mut self, report: &mut CallReport, mut reports: mpsc::Receiver<Progress>) {
        self.log.append(&mut report.log);
        self.log_dropped += report.log_dropped;
        self.took += report.took;
        self.memory = self.memory.max(report.memory);
        while let Ok(Progress { fraction, message }) = reports.try_recv() {
            self.progress.push(format!("{:.0} % {message}", fraction * 100.0));
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.verdict = Verdict::Failed;
        self.failure = Some(failure);
    }

    fn done(&mut self, expected: Option<&Value>, output: &Value) {
        if let Some(expected) = expected {
            self.differences = differences(expected, output);
        }
        self.verdict = if self.differences.is_empty() { Verdict::Passed } else { Verdict::Failed };
        self.output = Some(output.clone());
    }
}

/// An operation on its way through one case.
pub struct Tryout {
    operation: Arc<Operation>,
    case: Case,
    now: Timestamp,
    session: Box<dyn Session>,
    resume: Option<Resume>,
    questions: usize,
    trial: Trial,
}

impl Tryout {
    /// Makes ready for it. The version must be one that `operations` can run.
    pub fn new(operations: &dyn Operations, ground: &Ground, operation: &Arc<Operation>, case: Case) -> Self {
        let session = operations.open(SessionContext {
            execution: ExecutionId::new(Uuid::nil()),
            runtime: ground.runtime.clone(),
            environment: ground.environment,
            grants: Arc::new(ground.grants.clone().into()),
            config: Arc::clone(&ground.config),
            // Whoever writes a draft chooses its name: neither secrets nor state are for whatever bears it.
            secrets: Arc::default(),
            states: None,
            model: ground.model.clone(),
        });
        let now = if case.example { EXAMPLE_TIME } else { ground.now };
        let trial = Trial::empty(operation, Some(&case));
        Self { operation: Arc::clone(operation), case, now, session, resume: None, questions: 0, trial }
    }

    /// Runs it until it ends, or asks: answer then, and go on; or end it.
    pub async fn go_on(&mut self) -> Result<Option<Question>, EngineError> {
        let (progress, reports) = mpsc::channel(MOST_REPORTS);
        let call = self.call(progress)?;
        let mut report = self.session.call(call).await;
        self.trial.add(&mut report, reports);
        match report.outcome {
            Err(failure) => self.trial.fail(failure),
            Ok(Outcome::Done(output)) => self.trial.done(self.case.expected.as_ref(), &output),
            Ok(Outcome::Ask(question)) => {
                // An example says what the operation gives without asking.
                self.trial.verdict = if self.case.example { Verdict::Failed } else { Verdict::Asked };
                self.trial.question = Some(question.clone());
                self.questions += 1;
                let may_ask = !self.case.example && self.questions <= MOST_QUESTIONS;
                return Ok(may_ask.then_some(question));
            }
        }
        Ok(None)
    }

    fn call(&mut self, progress: mpsc::Sender<Progress>) -> Result<Call, EngineError> {
        Ok(Call {
            iterations: Vec::new(),
            undoes: false,
            digest: self.operation.digest,
            operation: self.operation.name.clone(),
            step: named::<StepName>("test")?,
            attempt: 1,
            idempotency_key: "test".to_owned(),
            role: None,
            started_at: self.now,
            timeout: None,
            input: Arc::new(self.case.input.clone()),
            resume: self.resume.take(),
            progress: Some(progress),
        })
    }

    /// Answers the open question. An answer that does not fit is refused, and the question stays open.
    pub fn answer(&mut self, answer: Value) -> Result<(), Vec<Violation>> {
        let Some(question) = &self.trial.question else { return Ok(()) };
        let schema = question.response_schema.as_ref().map(Schema::compile);
        if let Some(Ok(schema)) = schema {
            schema.check(&answer)?;
        }
        if let Some(question) = self.trial.question.take() {
            self.resume = Some(Resume { state: question.resume_state, answer: Arc::new(answer) });
        }
        Ok(())
    }

    /// How it went so far.
    pub fn end(self) -> Trial {
        self.trial
    }

    /// The same, with why it could not go on.
    pub fn end_because(mut self, reason: String) -> Trial {
        self.trial.reason = Some(reason);
        self.trial
    }
}

/// A question as people and programs are shown it.
pub fn question_view(question: &Question) -> Value {
    json!({
        "type": question.kind,
        "prompt": question.prompt,
        "options": question.options,
        "responseSchema": question.response_schema,
        "assigneeRole": question.assignee_role,
        "resumeState": question.resume_state,
    })
}

/// A name that is written here, and so is one.
fn named<T: std::str::FromStr<Err: std::fmt::Display>>(name: &str) -> Result<T, EngineError> {
    name.parse().map_err(|error: T::Err| EngineError::Internal(error.to_string()))
}

fn as_millis<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((time.as_secs_f64() * 1e6).round() / 1e3)
}

fn as_view<S: serde::Serializer>(question: &Option<Question>, serializer: S) -> Result<S::Ok, S::Error> {
    question.as_ref().map(question_view).serialize(serializer)
}
