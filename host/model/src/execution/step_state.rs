//! Where a step stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::failure::Failure;
use crate::ids::{ExecutionId, InterventionId};
use crate::intervention::Intervention;

use super::frame::Frame;

/// Where a step stands; in a loop, in one iteration of it.
#[derive(Debug, Clone, PartialEq)]
pub enum StepState {
    /// Its turn has not come.
    Pending,
    /// A group or switch: the steps inside of it have their turn.
    Entered {
        /// The case of a switch that was taken; `None` for a group, or when none was.
        case: Option<usize>,
    },
    /// A step with `forEach`: its iterations have their turn.
    Looping(Box<Loop>),
    /// An attempt is at work, or was when the host stopped.
    Running(Attempt),
    /// An attempt failed; the next one comes at `at`.
    Retrying {
        /// The attempt to come.
        attempt: Attempt,
        /// When.
        at: Timestamp,
        /// Why the last one failed.
        failure: Failure,
    },
    /// The host stopped while an effectful attempt was at work.
    Interrupted(Attempt),
    /// It waits for an answer.
    WaitingForAnswer {
        /// The attempt that asked, or that failed; `None` when no operation was tried.
        attempt: Option<Attempt>,
        /// The question, one of [`super::State::open`].
        intervention: InterventionId,
    },
    /// The question ended; what that means for the step comes next.
    Answered {
        /// The attempt that asked, or that failed.
        attempt: Option<Attempt>,
        /// The question.
        intervention: Box<Intervention>,
        /// The answer; `None` when nobody gave one in time.
        answer: Option<Arc<Value>>,
    },
    /// It waits for time or for an outside event.
    Waiting {
        /// Until then; with an event, no longer than then.
        until: Option<Timestamp>,
        /// The event's name.
        event: Option<String>,
    },
    /// Another execution runs for it.
    Child {
        /// The attempt, and what the child was given.
        attempt: Attempt,
        /// The child.
        execution: ExecutionId,
    },
    /// It gave a result, which is in its level.
    Succeeded,
    /// It is not run.
    Skipped,
    /// It failed for good.
    Failed {
        /// Why.
        failure: Failure,
        /// The attempt that failed; `None` when no operation was tried.
        attempt: Option<Attempt>,
        /// An operator was asked already and gave it up.
        given_up: bool,
        /// Where the steps inside of it stand, for when it is tried again.
        inner: Option<Box<StepState>>,
    },
}

/// One attempt of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// What the operation was given.
    pub input: Arc<Value>,
    /// Present when it goes on after an answer: nobody is asked twice.
    pub resumption: Option<Resumption>,
}

/// What an operation is given when it goes on after an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Resumption {
    /// What it handed out with its question.
    pub state: Value,
    /// What the person said.
    pub answer: Arc<Value>,
}

/// The iterations of a step with `forEach`.
#[derive(Debug, Clone, PartialEq)]
pub struct Loop {
    /// One iteration for each.
    pub items: Arc<Value>,
    /// Those at work, by their place in the list.
    pub active: BTreeMap<u32, Frame>,
    /// The first that has not begun.
    pub next: u32,
    /// What each that is over gave: null when it was skipped, or failed and the playbook goes on.
    pub results: BTreeMap<u32, Arc<Value>>,
    /// Why the first one in the list failed of those that the playbook does not go on after.
    pub failure: Option<Failure>,
}

impl Loop {
    /// A loop that has not begun.
    pub fn over(items: Arc<Value>) -> Self {
        Self { items, active: BTreeMap::new(), next: 0, results: BTreeMap::new(), failure: None }
    }

    /// How many iterations there are.
    pub fn len(&self) -> u32 {
        u32::try_from(self.items.as_array().map_or(0, Vec::len)).unwrap_or(u32::MAX)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl StepState {
    /// The word on the wire.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Entered { .. } | Self::Looping(_) => "running",
            Self::Running(_) | Self::Answered { .. } | Self::Child { .. } => "running",
            Self::Interrupted(_) => "interrupted",
            Self::Retrying { .. } => "retrying",
            Self::WaitingForAnswer { .. } => "waiting_for_answer",
            Self::Waiting { .. } => "waiting",
            Self::Succeeded => "succeeded",
            Self::Skipped => "skipped",
            Self::Failed { .. } => "failed",
        }
    }

    /// Nothing more happens to it, unless somebody intervenes.
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Skipped | Self::Failed { .. })
    }

    /// The attempt that it is about.
    pub const fn attempt(&self) -> Option<&Attempt> {
        match self {
            Self::Running(attempt)
            | Self::Interrupted(attempt)
            | Self::Retrying { attempt, .. }
            | Self::Child { attempt, .. } => Some(attempt),
            Self::WaitingForAnswer { attempt, .. }
            | Self::Answered { attempt, .. }
            | Self::Failed { attempt, .. } => attempt.as_ref(),
            _ => None,
        }
    }
}
