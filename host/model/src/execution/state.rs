//! One execution of a playbook, as a value.
//!
//! [`State::after`] folds an [`Event`] into a state (`fold`); [`State::ready`] says what to do next
//! (`ready`). Neither touches a clock, a store or a plugin: `engine::driver` does, and records what came of it.
//!
//! Invariant: replaying the stored events gives the live state.
//! Not here: the wait between retries (`engine::driver` decides it and records it), HTTP words (`api::wire`).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::expression::{Done, Scope};
use crate::failure::Failure;
use crate::ids::{Digest, ExecutionId, InterventionId, PluginName, RuntimeId, StepName};
use crate::intervention::{Intervention, Resolution};
use crate::playbook::{Playbook, Step};
use crate::runtime::Environment;

use super::event::{PlaybookRef, Seq};
use super::summary::{Status, Summary};

/// An execution, as far as its events tell.
#[derive(Debug, Clone)]
pub struct State {
    /// Which.
    pub id: ExecutionId,
    /// What it runs.
    pub playbook: Arc<Playbook>,
    /// The runtime that it lives in.
    pub runtime: RuntimeId,
    /// That runtime's environment at its start.
    pub environment: Environment,
    /// The version of each plugin that it keeps.
    pub plugins: BTreeMap<PluginName, Digest>,
    /// When it is given up.
    pub deadline: Option<Timestamp>,
    /// Free words of the caller.
    pub labels: BTreeMap<String, String>,
    /// The seq of its last event.
    pub version: Seq,
    /// When it was accepted.
    pub started_at: Timestamp,
    /// When its last event was recorded.
    pub updated_at: Timestamp,
    /// What expressions see: input and results.
    pub scope: Scope,
    /// Where each step stands, in the playbook's order.
    pub steps: Vec<StepState>,
    /// Questions that wait for an answer.
    pub open: Vec<Intervention>,
    /// How earlier questions ended.
    pub resolved: BTreeMap<InterventionId, Resolution>,
    /// An operator stopped it for now.
    pub paused: bool,
    /// How it ended, if it has.
    pub end: Option<End>,
}

/// How an execution ended.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    /// One of the ends.
    pub status: Status,
    /// When.
    pub at: Timestamp,
    /// What it gave.
    pub output: Option<Arc<Value>>,
    /// Why it failed.
    pub failure: Option<Failure>,
}

/// Where a step stands.
#[derive(Debug, Clone, PartialEq)]
pub enum StepState {
    /// Its turn has not come.
    Pending,
    /// An attempt is at work, or was when the host stopped.
    Running {
        /// 1 for the first.
        attempt: u32,
        /// What the operation was given.
        input: Arc<Value>,
        /// Present when the attempt goes on after an answer.
        resumption: Option<Resumption>,
    },
    /// An attempt failed; the next one comes at `at`.
    Retrying {
        /// The attempt to come.
        attempt: u32,
        /// When.
        at: Timestamp,
        /// Why the last one failed.
        failure: Failure,
        /// What the operation is given again.
        input: Arc<Value>,
        /// Present when the attempt that failed had gone on after an answer: nobody is asked twice.
        resumption: Option<Resumption>,
    },
    /// The host stopped while an effectful attempt was at work.
    Interrupted {
        /// The attempt that was cut off.
        attempt: u32,
        /// What it was given.
        input: Arc<Value>,
        /// Present when it went on after an answer.
        resumption: Option<Resumption>,
    },
    /// It waits for an answer.
    WaitingForAnswer {
        /// The attempt that asked; 0 when the playbook itself asks.
        attempt: u32,
        /// What the operation was given.
        input: Option<Arc<Value>>,
        /// Present when the attempt that asked had itself gone on after an answer.
        resumption: Option<Resumption>,
        /// The question, one of [`State::open`].
        intervention: InterventionId,
    },
    /// The question ended; what that means for the step comes next.
    Answered {
        /// The attempt that asked.
        attempt: u32,
        /// What the operation was given.
        input: Option<Arc<Value>>,
        /// Present when the attempt that asked had itself gone on after an answer.
        resumption: Option<Resumption>,
        /// The question.
        intervention: Box<Intervention>,
        /// The answer; `None` when nobody gave one in time.
        answer: Option<Arc<Value>>,
    },
    /// It gave a result; [`State::result`] has it.
    Succeeded,
    /// Its `when` was false.
    Skipped,
    /// It failed for good.
    Failed(Failure),
}

/// What an operation is given when it goes on after an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Resumption {
    /// What it handed out with its question.
    pub state: Value,
    /// What the person said.
    pub answer: Arc<Value>,
}

impl StepState {
    /// The word on the wire.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running { .. } | Self::Answered { .. } => "running",
            Self::Interrupted { .. } => "interrupted",
            Self::Retrying { .. } => "retrying",
            Self::WaitingForAnswer { .. } => "waiting_for_answer",
            Self::Succeeded => "succeeded",
            Self::Skipped => "skipped",
            Self::Failed(_) => "failed",
        }
    }

    /// Nothing more happens to it.
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Skipped | Self::Failed(_))
    }
}

impl State {
    /// The step whose turn it is: the first that neither gave a result nor was skipped. Steps run in the order
    /// written, and after one that failed comes none.
    pub fn current(&self) -> Option<(&Step, &StepState)> {
        let turn = self.turn()?;
        self.playbook.steps.get(turn).zip(self.steps.get(turn))
    }

    /// The place of the step whose turn it is.
    pub(super) fn turn(&self) -> Option<usize> {
        self.steps.iter().position(|state| !matches!(state, StepState::Succeeded | StepState::Skipped))
    }

    /// What a step gave.
    pub fn result(&self, step: &StepName) -> Option<&Arc<Value>> {
        match self.scope.steps.get(step)? {
            Done::Result(value) => Some(value),
            Done::Skipped => None,
        }
    }

    /// The open question of this id.
    pub fn question(&self, id: InterventionId) -> Option<&Intervention> {
        self.open.iter().find(|intervention| intervention.id == id)
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        match &self.end {
            Some(end) => end.status,
            None if self.paused => Status::Paused,
            None if !self.open.is_empty() => Status::Waiting,
            None if self.version <= 1 => Status::Pending,
            None => Status::Running,
        }
    }

    /// When time alone moves it on: its own deadline, a question's, or the next attempt.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        if self.end.is_some() {
            return None;
        }
        let retry = self.current().and_then(|(_, state)| match state {
            StepState::Retrying { at, .. } if !self.paused => Some(*at),
            _ => None,
        });
        let questions = self.open.iter().filter_map(|intervention| intervention.deadline);
        questions.chain(retry).chain(self.deadline).min()
    }

    /// Which version of which playbook it runs.
    pub fn playbook_ref(&self) -> PlaybookRef {
        PlaybookRef {
            name: self.playbook.name.clone(),
            version: self.playbook.version.clone(),
            digest: self.playbook.digest,
        }
    }

    /// What lists show of it.
    pub fn summary(&self) -> Summary {
        let count = |steps: usize| u32::try_from(steps).unwrap_or(u32::MAX);
        let end = self.end.as_ref();
        Summary {
            id: self.id,
            runtime: self.runtime.clone(),
            playbook: self.playbook_ref(),
            status: self.status(),
            version: self.version,
            current_step: end.is_none().then(|| self.current().map(|(step, _)| step.name.clone())).flatten(),
            steps_done: count(self.steps.iter().filter(|state| state.is_done()).count()),
            steps_total: count(self.steps.len()),
            started_at: self.started_at,
            updated_at: self.updated_at,
            ended_at: end.map(|end| end.at),
            wakes_at: self.wakes_at(),
            output: end.and_then(|end| end.output.clone()),
            failure: end.and_then(|end| end.failure.clone()),
            labels: self.labels.clone(),
            plugins: self.plugins.clone(),
        }
    }
}
