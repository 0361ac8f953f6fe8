//! One execution of a playbook, as a value.
//!
//! [`State::after`] folds an [`super::Event`] into a state (`fold`); [`State::ready`] says what to do next
//! (`ready`). Neither touches a clock, a store or a plugin: `engine::driver` does, and records what came of it.
//!
//! Invariant: replaying the stored events gives the live state.
//! Not here: the wait between retries (`engine::driver` decides it and records it), HTTP words (`api::wire`).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::expression::Done;
use crate::failure::Failure;
use crate::ids::{Digest, ExecutionId, InterventionId, PluginName, RuntimeId, StepName};
use crate::intervention::{Intervention, Resolution};
use crate::playbook::{Playbook, Step};
use crate::runtime::Environment;
use crate::sampling::ModelTotals;
use crate::step_path::StepPath;

use super::cancelling::Cancelling;
use super::event::{Actor, Cause, Fork, Parent, PlaybookRef, Seq};
use super::frame::Frame;
use super::step_state::StepState;
use super::summary::{Status, Summary};
use super::undo::Unwinding;

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
    /// The step that waits for it, when it is a child.
    pub parent: Option<Parent>,
    /// What it was made from.
    pub fork: Option<Fork>,
    /// Whoever started it.
    pub started_by: Actor,
    /// The seq of its last event.
    pub version: Seq,
    /// When it was accepted.
    pub started_at: Timestamp,
    /// When its last event was recorded.
    pub updated_at: Timestamp,
    /// What expressions see of it as `execution`.
    pub execution: Arc<Value>,
    /// What it was given.
    pub input: Arc<Value>,
    /// Where each step outside of loops stands; those inside are in their loops.
    pub frame: Frame,
    /// Questions that wait for an answer.
    pub open: Vec<Intervention>,
    /// How earlier questions ended.
    pub resolved: BTreeMap<InterventionId, Resolution>,
    /// Outside events that no step has taken yet, the oldest first.
    pub mailbox: Vec<Letter>,
    /// How completed steps are undone, and how far that has come.
    pub unwinding: Unwinding,
    /// An operator stopped it for now.
    pub paused: bool,
    /// Somebody stops it, and children are stopped first.
    pub cancelling: Option<Cancelling>,
    /// What it has asked of AI models.
    pub model: ModelTotals,
    /// How it ended, if it has.
    pub end: Option<End>,
}

/// An outside event that arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// Its name.
    pub event: String,
    /// What came with it.
    pub payload: Arc<Value>,
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

impl State {
    /// Where a step stands: `None` when there is no such step, or its iteration has not begun or is over.
    pub fn stands(&self, path: &StepPath) -> Option<(usize, &StepState)> {
        let (at, step) = self.playbook.step(path.name())?;
        let loops = self.playbook.loops_around(at);
        let own = step.each.is_some().then_some(at);
        let mut frame = &self.frame;
        for (around, iteration) in loops.into_iter().chain(own).zip(path.iterations()) {
            let StepState::Looping(progress) = frame.slot(around)? else { return None };
            frame = progress.active.get(iteration)?;
        }
        let deep = path.iterations().len();
        let fits = deep == step.place.depth || (own.is_some() && deep == step.place.depth + 1);
        Some((at, frame.slot(at).filter(|_| fits)?))
    }

    /// The steps at work, waiting or otherwise neither done nor pending, in the order written.
    pub fn current(&self) -> Vec<(StepPath, &StepState)> {
        let mut found = Vec::new();
        self.frame.walk(&self.playbook, &mut Vec::new(), &mut |at, iterations, state| {
            let Some(step) = self.playbook.steps.get(at) else { return };
            let inner =
                matches!(state, StepState::Pending | StepState::Entered { .. } | StepState::Looping(_));
            if !inner && !state.is_done() {
                found.push((StepPath::new(step.name.clone(), iterations), state));
            }
        });
        found
    }

    /// Like [`State::current`], as long as its steps go on: they do not when it ended, or undoes them.
    pub(super) fn at_work(&self) -> Vec<(StepPath, &StepState)> {
        if self.end.is_some() || self.unwinding.cause.is_some() { Vec::new() } else { self.current() }
    }

    /// Attempts that are at work, or were when the host stopped.
    pub fn running(&self) -> Vec<(StepPath, super::Attempt)> {
        let attempts = self.at_work().into_iter().filter_map(|(path, state)| match state {
            StepState::Running(attempt) => Some((path, attempt.clone())),
            _ => None,
        });
        attempts.collect()
    }

    /// Children that are at work.
    pub fn children(&self) -> Vec<(StepPath, ExecutionId)> {
        let children = self.at_work().into_iter().filter_map(|(path, state)| match state {
            StepState::Child { execution, .. } => Some((path, *execution)),
            _ => None,
        });
        children.collect()
    }

    /// The names of the outside events that steps wait for, each once.
    pub fn awaited(&self) -> Vec<String> {
        let waits = self.at_work().into_iter().filter_map(|(_, state)| match state {
            StepState::Waiting { event, .. } => event.clone(),
            _ => None,
        });
        let mut names: Vec<String> = waits.collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What a step outside of loops gave.
    pub fn result(&self, step: &StepName) -> Option<&Arc<Value>> {
        match self.frame.level.steps.get(step)? {
            Done::Result(value) => Some(value),
            Done::Skipped | Done::Failed(_) => None,
        }
    }

    /// The open question of this id.
    pub fn question(&self, id: InterventionId) -> Option<&Intervention> {
        self.open.iter().find(|intervention| intervention.id == id)
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        if let Some(end) = &self.end {
            return end.status;
        }
        match () {
            () if self.paused => Status::Paused,
            () if self.unwinding.cause.is_some() && self.open.is_empty() => Status::Compensating,
            () if self.unwinding.cause.is_some() => Status::Waiting,
            // A host that starts must bring it to its end.
            () if self.cancelling.is_some() => Status::Running,
            () if self.version <= 1 => Status::Pending,
            () if self.only_waits() => Status::Waiting,
            () => Status::Running,
        }
    }

    /// Whether a person, time or an outside event must come before anything else can happen. A step that waits for
    /// a child does not count: when the host starts, its driver must look what became of the child.
    fn only_waits(&self) -> bool {
        let mut waits = !self.open.is_empty();
        let mut works = false;
        self.frame.walk(&self.playbook, &mut Vec::new(), &mut |_, _, state| match state {
            StepState::Waiting { .. } => waits = true,
            StepState::Running(_) | StepState::Child { .. } | StepState::Interrupted(_) => works = true,
            StepState::Answered { .. } | StepState::Retrying { .. } => works = true,
            _ => {}
        });
        waits && !works
    }

    /// Which version of which playbook it runs.
    pub fn playbook_ref(&self) -> PlaybookRef {
        PlaybookRef {
            name: self.playbook.name.clone(),
            version: self.playbook.version.clone(),
            digest: self.playbook.digest,
        }
    }

    /// Why completed steps are undone, if they are.
    pub fn cause(&self) -> Option<&Cause> {
        self.unwinding.cause.as_ref()
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
            current_step: self.current_step(),
            steps_done: count(self.frame.slots().filter(|state| state.is_done()).count()),
            steps_total: count(self.playbook.steps.len()),
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

    fn is_fatal(&self, at: usize, state: &StepState) -> bool {
        self.playbook.steps.get(at).is_some_and(|step| super::ready::fatal(step, state, false).is_some())
    }

    /// The step that is at work or waits; the first of several. Between two steps, the one to come.
    fn current_step(&self) -> Option<StepName> {
        if self.end.is_some() {
            return None;
        }
        if let Some(undo) = self.unwinding.current().filter(|_| self.unwinding.cause.is_some()) {
            return Some(undo.step.name().clone());
        }
        let mut at_work: Option<usize> = None;
        let mut to_come: Option<usize> = None;
        self.frame.walk(&self.playbook, &mut Vec::new(), &mut |at, _, state| match state {
            StepState::Pending => to_come = to_come.or(Some(at)),
            StepState::Entered { .. } | StepState::Looping(_) => {}
            // What the execution is about to fail over.
            StepState::Failed { .. } if self.is_fatal(at, state) => at_work = at_work.or(Some(at)),
            state if state.is_done() => {}
            _ => at_work = at_work.or(Some(at)),
        });
        let step: &Step = self.playbook.steps.get(at_work.or(to_come)?)?;
        Some(step.name.clone())
    }
}
