//! From one state to the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use crate::ids::{ExecutionId, InterventionId};
use crate::playbook::Playbook;
use crate::sampling::ModelTotals;
use crate::step_path::StepPath;

use super::cancelling::Cancelling;
use super::event::{Cause, Event};
use super::fact::Fact;
use super::frame::Frame;
use super::ready::fatal;
use super::state::{End, Letter, State};
use super::step_state::StepState;
use super::summary::Status;
use super::undo::Unwinding;

/// An event that cannot follow the state that it met: the history is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} ({event}) of {execution} cannot follow: {reason}")]
pub struct IllegalEvent {
    /// The execution.
    pub execution: ExecutionId,
    /// The event's place.
    pub seq: u64,
    /// The event's name.
    pub event: &'static str,
    /// What stood against it.
    pub reason: String,
}

pub(super) type Refusal = String;

/// Events of the outside that wait for a step to take them, at most; the oldest goes.
const MAX_LETTERS: usize = 100;

impl State {
    /// The state after the first event, which says everything that is pinned. `playbook` is the version
    /// that the event names.
    pub fn begin(id: ExecutionId, playbook: Arc<Playbook>, first: &Event) -> Result<Self, IllegalEvent> {
        let refuse = |reason: &str| IllegalEvent {
            execution: id,
            seq: first.seq,
            event: first.fact.name(),
            reason: reason.to_owned(),
        };
        let Fact::ExecutionStarted {
            runtime,
            environment,
            playbook: named,
            input,
            plugins,
            deadline,
            labels,
            parent,
            fork,
        } = &first.fact
        else {
            return Err(refuse("a history begins with execution_started"));
        };
        if first.seq != 1 {
            return Err(refuse("a history begins with seq 1"));
        }
        if named.digest != playbook.digest {
            return Err(refuse("it names another version of the playbook"));
        }
        let execution = json!({
            "id": id,
            "runtime": runtime,
            "environment": environment,
            "playbook": named.name,
            "startedAt": first.at,
        });
        Ok(Self {
            id,
            runtime: runtime.clone(),
            environment: *environment,
            plugins: plugins.clone(),
            deadline: *deadline,
            labels: labels.clone(),
            parent: parent.clone(),
            fork: fork.clone(),
            started_by: Arc::clone(&first.actor),
            version: 1,
            started_at: first.at,
            updated_at: first.at,
            execution: Arc::new(execution),
            input: Arc::clone(input),
            frame: Frame::of_playbook(&playbook),
            playbook,
            open: Vec::new(),
            resolved: BTreeMap::new(),
            mailbox: Vec::new(),
            unwinding: Unwinding::default(),
            paused: false,
            cancelling: None,
            model: ModelTotals::default(),
            end: None,
        })
    }

    /// The state after one more event.
    pub fn after(mut self, event: &Event) -> Result<Self, IllegalEvent> {
        self.advance(event)?;
        Ok(self)
    }

    /// [`State::after`] in place. On error the value is of no further use.
    pub fn advance(&mut self, event: &Event) -> Result<(), IllegalEvent> {
        match self.apply(event) {
            Ok(()) => {
                self.version = event.seq;
                self.updated_at = event.at;
                Ok(())
            }
            Err(reason) => {
                Err(IllegalEvent { execution: self.id, seq: event.seq, event: event.fact.name(), reason })
            }
        }
    }

    fn apply(&mut self, event: &Event) -> Result<(), Refusal> {
        if event.seq != self.version + 1 {
            return Err(format!("the history has come to {}", self.version));
        }
        match (&self.end, &event.fact) {
            (Some(end), Fact::ExecutionRetried { step, input, .. }) if end.status == Status::Failed => {
                return self.reopen(step, input.as_ref(), event.at);
            }
            (Some(end), _) => return Err(format!("the execution has ended: {}", end.status.as_str())),
            (None, _) => {}
        }
        if let Fact::ModelAsked { step, input_tokens, output_tokens, cost, .. } = &event.fact {
            // It moves nothing: a step that is over or undone may have asked on its way.
            if self.playbook.step(step.name()).is_none() {
                return Err(format!("there is no step `{step}`"));
            }
            self.model.add(*input_tokens, *output_tokens, *cost);
            return Ok(());
        }
        if self.unwinding.cause.is_some() {
            return self.apply_undo(event);
        }
        match &event.fact {
            Fact::ExecutionStarted { .. } => Err("the execution has started".to_owned()),
            Fact::ExecutionRetried { .. } => Err("the execution has not failed".to_owned()),
            Fact::ExecutionPaused { .. } | Fact::ExecutionResumed { .. } => self.pause(&event.fact),
            Fact::CancellationRequested { compensate, reason } => {
                let (compensate, reason, by) = (*compensate, reason.clone(), Arc::clone(&event.actor));
                self.cancelling = Some(Cancelling { compensate, reason, by });
                self.paused = false;
                Ok(())
            }
            Fact::ExecutionCancelled { .. } => self.finish(event, Status::Cancelled),
            Fact::ExecutionTimedOut {} if self.deadline.is_none() => {
                Err("the execution has no deadline".to_owned())
            }
            Fact::ExecutionTimedOut {} => self.finish(event, Status::TimedOut),
            Fact::ExecutionFailed { step, .. } => {
                self.may_fail(step.as_ref())?;
                self.finish(event, Status::Failed)
            }
            Fact::ExecutionCompleted { .. } => {
                self.every_step_is_over()?;
                self.finish(event, Status::Succeeded)
            }
            Fact::CompensationStarted { cause } => self.unwind(cause),
            Fact::EventReceived { event, payload } => {
                if self.mailbox.len() >= MAX_LETTERS {
                    self.mailbox.remove(0);
                }
                self.mailbox.push(Letter { event: event.clone(), payload: Arc::clone(payload) });
                Ok(())
            }
            Fact::InterventionRequired { intervention } => {
                self.is_new(intervention.id)?;
                self.move_step(&intervention.step, &event.fact)?;
                self.open.push(intervention.clone());
                Ok(())
            }
            Fact::InterventionResolved { .. }
            | Fact::InterventionApproved { .. }
            | Fact::InterventionReminded { .. }
            | Fact::InterventionWithdrawn { .. }
            | Fact::InterventionExpired { .. } => self.question_moves(event),
            Fact::StepCompensationStarted { .. }
            | Fact::StepCompensationRetryScheduled { .. }
            | Fact::StepCompensated { .. }
            | Fact::StepCompensationFailed { .. }
            | Fact::ExecutionCompensated {}
            | Fact::CompensationFailed { .. } => Err("nothing is undone".to_owned()),
            fact => match fact.step() {
                Some(step) => self.move_step(step, fact),
                None => Err("it is about no step".to_owned()),
            },
        }
    }

    /// A question is asked once: its answer must not be taken for that of another.
    pub(super) fn is_new(&self, id: InterventionId) -> Result<(), Refusal> {
        match self.question(id).is_some() || self.resolved.contains_key(&id) {
            true => Err(format!("{id} was asked already")),
            false => Ok(()),
        }
    }

    pub(super) fn pause(&mut self, fact: &Fact) -> Result<(), Refusal> {
        let pause = matches!(fact, Fact::ExecutionPaused { .. });
        match (pause, self.paused) {
            (true, true) => Err("the execution is paused".to_owned()),
            (false, false) => Err("the execution is not paused".to_owned()),
            _ => {
                self.paused = pause;
                Ok(())
            }
        }
    }

    fn every_step_is_over(&self) -> Result<(), Refusal> {
        for at in self.playbook.inside(None) {
            let (Some(step), Some(state)) = (self.playbook.steps.get(at), self.frame.slot(at)) else {
                continue;
            };
            if !super::ready::is_over(step, state) {
                return Err(format!("step `{}` is {}", step.name, state.as_str()));
            }
        }
        Ok(())
    }

    /// An execution fails over its step that failed, or over its output when every step is over.
    fn may_fail(&self, over: Option<&StepPath>) -> Result<(), Refusal> {
        let Some(path) = over else { return self.every_step_is_over() };
        let found = self.playbook.step(path.name()).filter(|_| path.iterations().is_empty());
        let state = found.and_then(|(at, step)| Some((step, self.frame.slot(at)?)));
        match state {
            Some((step, state)) if fatal(step, state, false).is_some() && step.place.parent.is_none() => {
                Ok(())
            }
            Some((_, state)) => Err(format!("step `{path}` is {}", state.as_str())),
            None => Err(format!("the playbook has no step `{path}`")),
        }
    }

    fn unwind(&mut self, cause: &Cause) -> Result<(), Refusal> {
        match cause {
            Cause::Failed { step, .. } => self.may_fail(step.as_ref())?,
            Cause::TimedOut if self.deadline.is_none() => {
                return Err("the execution has no deadline".to_owned());
            }
            Cause::TimedOut | Cause::Cancelled { .. } => {}
        }
        self.open.clear();
        self.unwinding.cause = Some(cause.clone());
        Ok(())
    }

    pub(super) fn finish(&mut self, event: &Event, status: Status) -> Result<(), Refusal> {
        let (output, failure) = match &event.fact {
            Fact::ExecutionCompleted { output } => (Some(Arc::clone(output)), None),
            Fact::ExecutionFailed { failure, .. } | Fact::CompensationFailed { failure, .. } => {
                (None, Some(failure.clone()))
            }
            Fact::ExecutionCompensated {} => (
                None,
                match &self.unwinding.cause {
                    Some(Cause::Failed { failure, .. }) => Some(failure.clone()),
                    _ => None,
                },
            ),
            _ => (None, None),
        };
        self.take_questions_back();
        self.end = Some(End { status, at: event.at, output, failure });
        Ok(())
    }

    /// Nobody answers any more. An execution that failed may go on one day: its steps ask again then.
    fn take_questions_back(&mut self) {
        for question in std::mem::take(&mut self.open) {
            let Ok((at, chain)) = self.locate(&question.step) else { continue };
            let slot = frame_mut(&mut self.frame, &chain).and_then(|frame| frame.slot_mut(at));
            if let Some(slot @ StepState::WaitingForAnswer { .. }) = slot {
                *slot = StepState::Pending;
            }
        }
    }

    /// A step's place, and the loops with their iterations that lead to it.
    pub(super) fn locate(&self, path: &StepPath) -> Result<(usize, Vec<(usize, u32)>), Refusal> {
        let found = self.playbook.step(path.name());
        let (at, step) = found.ok_or_else(|| format!("the playbook has no step `{}`", path.name()))?;
        if path.iterations().is_empty() && step.place.depth == 0 {
            return Ok((at, Vec::new()));
        }
        let mut loops = self.playbook.loops_around(at);
        loops.extend(step.each.is_some().then_some(at));
        let deep = path.iterations().len();
        if deep < step.place.depth || deep > loops.len() {
            return Err(format!("`{path}` names no step: it is inside of {} loops", step.place.depth));
        }
        Ok((at, loops.into_iter().zip(path.iterations().iter().copied()).collect()))
    }
}

/// The frame that these iterations lead to.
pub(super) fn frame_mut<'f>(frame: &'f mut Frame, chain: &[(usize, u32)]) -> Option<&'f mut Frame> {
    chain.iter().try_fold(frame, |frame, (looped, iteration)| {
        let StepState::Looping(progress) = frame.slot_mut(*looped)? else { return None };
        progress.active.get_mut(iteration)
    })
}
