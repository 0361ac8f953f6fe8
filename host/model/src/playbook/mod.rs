//! A playbook: what to do, in which order, and whom to ask.
//!
//! [`Playbook::parse`] reads YAML, checks it and compiles everything in it: what it returns can run. All
//! mistakes that can be seen at once are told at once, with their places.
//!
//! Steps lie in one list, each followed by the steps inside of it; [`Place`] says what is inside of what.
//! Not here: whether the operations exist (the engine asks its catalog when an execution starts).

mod answer;
mod check;
mod concurrency;
mod file;
pub mod graph;
mod nearest;
mod on_event;
pub mod scenario;
mod schedule;
mod unreadable;
mod values;
pub mod wiring;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::diagnostic::{Diagnostics, Mark};
use crate::expression::{Expression, Template};
use crate::ids::{Digest, OperationName, PlaybookName, RoleName, StepName};
use crate::intervention::OnDeadline;
use crate::retention::Retention;
use crate::retry::RetryPolicy;
use crate::schema::Schema;

pub use concurrency::{Concurrency, KEY_LABEL, Priority, Strategy};
pub use file::json_schema;
pub use on_event::OnEvent;
pub use schedule::{Missed, Overlap, Schedule};

/// Largest playbook, in bytes of YAML.
pub const MAX_SOURCE: usize = 1 << 20;
/// Most steps in one playbook, those inside of others included.
pub const MAX_STEPS: usize = 1_000;
/// Most iterations of one loop.
pub const MAX_ITERATIONS: usize = 10_000;

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
    /// When it starts by itself.
    pub schedule: Option<Schedule>,
    /// The outside event that starts it.
    pub on_event: Option<OnEvent>,
    /// How many executions may be at work at once.
    pub concurrency: Option<Concurrency>,
    /// How long its executions are kept after their end, if it says so.
    pub retention: Option<Retention>,
    /// Which executions go first while the host has as many at work as it takes.
    pub priority: Priority,
    /// The roles that it declares, and those of its steps.
    pub roles: Vec<RoleName>,
    /// As they are written, each followed by the steps inside of it.
    pub steps: Vec<Step>,
    /// What it gives: the result of the last step when absent.
    pub output: Option<Template>,
    /// Where `output` stands in the source.
    pub output_mark: Mark,
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
    /// It is skipped when this does not hold; in a loop, each iteration by itself.
    pub when: Option<Expression>,
    /// It runs once for every element of a list.
    pub each: Option<Each>,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// What follows a failed attempt.
    pub retries: RetryPolicy,
    /// What follows when it failed for good.
    pub on_failure: OnFailure,
    /// How it is undone.
    pub compensation: Option<Compensation>,
    /// What an effect of its operation is known by outside, instead of a key that the host makes.
    pub idempotency_key: Option<Template>,
    /// The results of its operation, which must be pure, are kept for those who give it the same input.
    pub cache: Option<Cache>,
    /// Steps with the same key run one after the other, in all executions of the runtime.
    pub concurrency_key: Option<Template>,
    /// What it does.
    pub work: Work,
    /// The steps that must have ended before it begins, by their places in [`Playbook::steps`].
    pub needs: Vec<usize>,
    /// Where it stands.
    pub place: Place,
    /// Where its parts stand in the source.
    pub marks: Marks,
}

/// Where the parts of a step stand in the source.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// What it does.
    pub work: Mark,
    /// That its results are kept.
    pub cache: Mark,
    /// What its work is given, by key.
    pub params: BTreeMap<String, Mark>,
    /// How it is undone.
    pub compensation: Mark,
    /// What its compensation is given, by key.
    pub undo_params: BTreeMap<String, Mark>,
}

/// What a step is inside of, and what is inside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The group or switch that it is directly inside of.
    pub parent: Option<usize>,
    /// The case of that switch, 0 for the first.
    pub case: usize,
    /// One behind the last step inside of it; the next place when there is none.
    pub end: usize,
    /// How many loops it is inside of, its own `forEach` not counted.
    pub depth: usize,
}

/// `forEach`.
#[derive(Debug)]
pub struct Each {
    /// Gives the list.
    pub items: Template,
    /// What expressions call an element.
    pub name: Arc<str>,
    /// Most iterations at work at once.
    pub at_once: usize,
}

/// What follows when a step failed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// What it is inside of fails, and in the end the execution.
    Fail,
    /// The playbook goes on; the step's result is null.
    Continue,
    /// An operator is asked: retry, skip with a result, or abort.
    Intervene,
    /// The playbook goes on with this later step, and skips those between.
    Goto(usize),
}

/// How long the results of a pure operation are kept, and used instead of calling it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// As long as there is room.
    WhileRoom,
    /// So long at most.
    For(Duration),
}

/// How a step is undone.
#[derive(Debug)]
pub struct Compensation {
    /// What undoes it.
    pub work: Undo,
    /// That operation's input, computed when the step completes.
    pub params: Template,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// What follows a failed attempt.
    pub retries: RetryPolicy,
}

/// What undoes a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    /// An operation.
    Operation(OperationName),
    /// A tool of an MCP server: not available yet.
    Mcp,
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
    /// Runs another playbook as an execution of its own.
    Playbook {
        /// Which: the current version when the step begins.
        playbook: PlaybookName,
        /// Its input.
        params: Template,
    },
    /// Waits.
    Wait(Wait),
    /// The steps inside of it, in their order.
    Group,
    /// One of its cases: the first that holds.
    Switch(Vec<Case>),
    /// Computes values, which are its result and [`crate::expression::Level::vars`].
    Set(Template),
    /// Ends in failure on purpose.
    Fail {
        /// For programs.
        code: String,
        /// For people.
        message: Template,
    },
    /// A word of the language that this version cannot run: `mcp` or `agent`.
    NotAvailable(&'static str),
}

impl Work {
    /// Its key in a playbook.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Operation { .. } => "operation",
            Self::Intervention(_) => "intervention",
            Self::Playbook { .. } => "playbook",
            Self::Wait(_) => "wait",
            Self::Group => "steps",
            Self::Switch(_) => "switch",
            Self::Set(_) => "set",
            Self::Fail { .. } => "fail",
            Self::NotAvailable(key) => key,
        }
    }
}

/// What a step waits for.
#[derive(Debug)]
pub enum Wait {
    /// So long.
    For(Duration),
    /// Until a time that is known.
    At(Timestamp),
    /// Until the time that this gives: a text in RFC 3339.
    Until(Expression),
    /// For an outside event.
    Event {
        /// Its name.
        event: String,
        /// It must hold, with the event's payload as `event`.
        matches: Option<Expression>,
        /// How long at most; the step fails then.
        timeout: Option<Duration>,
    },
}

/// One case of a switch.
#[derive(Debug)]
pub struct Case {
    /// When it is taken; the last may have none.
    pub when: Option<Expression>,
    /// A later step to go on with, instead of steps of its own.
    pub goto: Option<usize>,
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
    /// How long after asking, and after each reminder, comes another.
    pub reminders: Option<Duration>,
    /// How many different people must approve, and of which role, if not the step's.
    pub approvals: (u32, Option<RoleName>),
    /// Whoever started the execution may answer too.
    pub self_approval: bool,
    /// A person must answer: no AI assistant may.
    pub humans_only: bool,
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

    /// The operations that its steps run, and that undo them, each once.
    pub fn operations(&self) -> impl Iterator<Item = &OperationName> {
        let named = self.steps.iter().flat_map(|step| {
            let own = match &step.work {
                Work::Operation { operation, .. } => Some(operation),
                _ => None,
            };
            let undo = step.compensation.as_ref().and_then(|compensation| match &compensation.work {
                Undo::Operation(operation) => Some(operation),
                Undo::Mcp => None,
            });
            own.into_iter().chain(undo)
        });
        named.collect::<std::collections::BTreeSet<_>>().into_iter()
    }

    /// The places of the steps directly inside of a step, or of the playbook itself.
    pub fn inside(&self, parent: Option<usize>) -> impl Iterator<Item = usize> + use<'_> {
        let (mut next, end) = match parent {
            Some(at) => (at + 1, self.steps.get(at).map_or(0, |step| step.place.end)),
            None => (0, self.steps.len()),
        };
        std::iter::from_fn(move || {
            let at = next;
            next = self.steps.get(at).filter(|_| at < end)?.place.end;
            Some(at)
        })
    }

    /// The loops around a step, the outermost first; its own `forEach` not counted.
    pub fn loops_around(&self, at: usize) -> Vec<usize> {
        let mut loops = Vec::new();
        let mut parent = self.steps.get(at).and_then(|step| step.place.parent);
        while let Some((at, step)) = parent.and_then(|at| Some((at, self.steps.get(at)?))) {
            loops.extend(step.each.is_some().then_some(at));
            parent = step.place.parent;
        }
        loops.reverse();
        loops
    }
}
