//! A playbook: what to do, in which order, and whom to ask.
//!
//! [`Playbook::parse`] reads YAML, checks it and compiles everything in it: what it returns can run. All
//! mistakes that can be seen at once are told at once, with their places.
//!
//! Not here: whether the operations exist (the engine asks its catalog when an execution starts).

mod answer;
mod check;
mod file;
mod nearest;
mod unreadable;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::diagnostic::Diagnostics;
use crate::expression::{Expression, Template};
use crate::ids::{Digest, OperationName, PlaybookName, RoleName, StepName};
use crate::intervention::OnDeadline;
use crate::retry::RetryPolicy;
use crate::schema::Schema;

pub use file::json_schema;

/// Largest playbook, in bytes of YAML.
pub const MAX_SOURCE: usize = 1 << 20;
/// Most steps in one playbook.
pub const MAX_STEPS: usize = 1_000;

/// A checked playbook, ready to run.
#[derive(Debug)]
pub struct Playbook {
    /// Unique in its runtime.
    pub name: PlaybookName,
    /// Free text of its author.
    pub version: String,
    /// For people and assistants.
    pub description: Option<String>,
    /// Of the source: the identity of this version.
    pub digest: Digest,
    /// The YAML that it was read from.
    pub source: Arc<str>,
    /// What it takes; absent when it takes anything.
    pub input_schema: Option<Arc<Value>>,
    /// `input_schema`, compiled.
    pub input: Option<Schema>,
    /// How long a whole execution may take.
    pub timeout: Option<Duration>,
    /// The roles that it declares, and those of its steps.
    pub roles: Vec<RoleName>,
    /// In the order in which they run.
    pub steps: Vec<Step>,
    /// What it gives: the result of the last step when absent.
    pub output: Option<Template>,
}

/// One step.
#[derive(Debug)]
pub struct Step {
    /// Unique in its playbook.
    pub name: StepName,
    /// For people.
    pub description: Option<String>,
    /// Who performs it.
    pub role: Option<RoleName>,
    /// It is skipped when this does not hold.
    pub when: Option<Expression>,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// What follows a failed attempt.
    pub retries: RetryPolicy,
    /// What it does.
    pub work: Work,
}

/// What a step does.
#[derive(Debug)]
pub enum Work {
    /// Runs an operation.
    Operation {
        /// Which.
        operation: OperationName,
        /// Its input.
        params: Template,
    },
    /// Asks a person.
    Intervention(Box<Ask>),
}

/// What a step asks a person.
#[derive(Debug)]
pub struct Ask {
    /// `human_decision`, `approval`, …
    pub kind: String,
    /// What to decide.
    pub prompt: Template,
    /// Choices to offer.
    pub options: Vec<String>,
    /// What an answer must satisfy: the author's schema, or one derived from the options and from what
    /// other steps read of the answer.
    pub response_schema: Option<Arc<Value>>,
    /// Shown beside the question.
    pub context: Option<Template>,
    /// When to stop waiting, and what then.
    pub deadline: Option<(Duration, OnDeadline)>,
}

impl Playbook {
    /// Reads, checks and compiles a playbook. `file` names it in diagnostics.
    pub fn parse(file: &str, source: &str) -> Result<Self, Diagnostics> {
        check::parse(file, source)
    }

    /// The step of this name, and its place.
    pub fn step(&self, name: &StepName) -> Option<(usize, &Step)> {
        self.steps.iter().enumerate().find(|(_, step)| step.name == *name)
    }

    /// The operations that its steps run, each once.
    pub fn operations(&self) -> impl Iterator<Item = &OperationName> {
        let named = self.steps.iter().filter_map(|step| match &step.work {
            Work::Operation { operation, .. } => Some(operation),
            Work::Intervention(_) => None,
        });
        named.collect::<std::collections::BTreeSet<_>>().into_iter()
    }
}
