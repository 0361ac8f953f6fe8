//! From one state to the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::expression::Done;
use crate::ids::{ExecutionId, InterventionId};
use crate::intervention::{OnDeadline, Origin, Reminder, Resolution};
use crate::playbook::{OnFailure, Playbook, Step, Work};
use crate::step_path::StepPath;

use super::event::{Cause, Event};
use super::fact::Fact;
use super::frame::Frame;
use super::moves::{moved, reopened, starts_something};
use super::ready::{fatal, uncomputable};
use super::state::{End, Letter, State};
use super::step_state::StepState;
use super::summary::Status;
use super::undo::{Undoing, Unwinding};

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
                return self.reopen(step, input.as_ref());
            }
            (Some(end), _) => return Err(format!("the execution has ended: {}", end.status.as_str())),
            (None, _) => {}
        }
        if self.unwinding.cause.is_some() {
            return self.apply_undo(event);
        }
        match &event.fact {
            Fact::ExecutionStarted { .. } => Err("the execution has started".to_owned()),
            Fact::ExecutionRetried { .. } => Err("the execution has not failed".to_owned()),
            Fact::ExecutionPaused { .. } | Fact::ExecutionResumed { .. } => self.pause(&event.fact),
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
        self.open.clear();
        self.end = Some(End { status, at: event.at, output, failure });
        Ok(())
    }

    /// An execution that failed goes on with this step, which failed.
    fn reopen(&mut self, path: &StepPath, input: Option<&Arc<Value>>) -> Result<(), Refusal> {
        let (at, chain) = self.locate(path)?;
        let mut around = vec![(at, chain.clone(), true)];
        let mut parent = Some(at);
        let mut chain = chain;
        while let Some(inner) = parent {
            let Some(step) = self.playbook.steps.get(inner) else { break };
            if step.each.is_some() && chain.last().is_some_and(|(looped, _)| *looped == inner) {
                chain.pop();
                around.push((inner, chain.clone(), false));
            }
            parent = step.place.parent;
            around.extend(parent.map(|parent| (parent, chain.clone(), false)));
        }
        // From the outside in: what is inside can be reached once what is around it is open again.
        for (at, chain, own) in around.into_iter().rev() {
            let frame = frame_mut(&mut self.frame, &chain).ok_or("its loop has not come so far")?;
            let slot = frame.slot_mut(at).ok_or("the playbook has fewer steps")?;
            let before = std::mem::replace(slot, StepState::Pending);
            *slot = reopened(before, own, input)
                .map_err(|word| format!("step `{path}`, or what is around it, is {word}"))?;
        }
        self.end = None;
        Ok(())
    }

    /// A step's place, and the loops with their iterations that lead to it.
    fn locate(&self, path: &StepPath) -> Result<(usize, Vec<(usize, u32)>), Refusal> {
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

    /// Moves a step, and what follows from that for others.
    fn move_step(&mut self, path: &StepPath, fact: &Fact) -> Result<(), Refusal> {
        let (at, chain) = self.locate(path)?;
        let playbook = Arc::clone(&self.playbook);
        let step = playbook.steps.get(at).ok_or("the playbook has fewer steps")?;
        self.begin_iteration(&chain, &playbook);
        let letter = self.letter_of(at, path, fact);
        let paused = self.paused;
        let frame = frame_mut(&mut self.frame, &chain).ok_or_else(|| {
            format!("it is not the turn of step `{path}`: its loop has not come so far, or has ended")
        })?;
        let slot = frame.slot_mut(at).ok_or("the playbook has fewer steps")?;
        if paused && starts_something(slot, fact) {
            return Err("the execution is paused".to_owned());
        }
        let again = matches!(slot, StepState::Answered { intervention, .. } if matches!(intervention.origin, Origin::Failed { .. }));
        let before = std::mem::replace(slot, StepState::Pending);
        *slot = moved(step, before, fact).map_err(|word| format!("step `{path}` is {word}"))?;
        if let Some(letter) = letter {
            self.mailbox.remove(letter);
        }
        let iteration = chain.last().is_some_and(|(looped, _)| *looped == at);
        self.follow(at, step, path, &chain, fact, again)?;
        if iteration {
            self.end_iteration(at, step, &chain);
        }
        Ok(())
    }

    /// What a move of a step means for those around it.
    fn follow(
        &mut self,
        at: usize,
        step: &Step,
        path: &StepPath,
        chain: &[(usize, u32)],
        fact: &Fact,
        again: bool,
    ) -> Result<(), Refusal> {
        let playbook = Arc::clone(&self.playbook);
        let gone = || format!("step `{path}` is in no iteration");
        match fact {
            Fact::StepCompleted { result, .. }
            | Fact::StepSkipped { result: Some(result), .. }
            | Fact::StepAdopted { result: Some(result), .. } => {
                let frame = frame_mut(&mut self.frame, chain).ok_or_else(gone)?;
                if let (Work::Set(_), Value::Object(values)) = (&step.work, &**result) {
                    let vars = Arc::make_mut(&mut frame.level.vars);
                    vars.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
                }
                frame.note(step, Done::Result(Arc::clone(result)));
                // What is inside of it and did not end need not.
                for inner in playbook.inside(Some(at)) {
                    frame.skip(&playbook, inner);
                }
                if matches!(fact, Fact::StepCompleted { .. }) {
                    self.note_compensation(at, step, path);
                }
            }
            Fact::StepSkipped { .. } | Fact::StepAdopted { .. } => {
                let frame = frame_mut(&mut self.frame, chain).ok_or_else(gone)?;
                frame.note(step, Done::Skipped);
                for inner in playbook.inside(Some(at)) {
                    frame.skip(&playbook, inner);
                }
            }
            Fact::StepEntered { case, .. } => {
                let frame = frame_mut(&mut self.frame, chain).ok_or_else(gone)?;
                if again {
                    frame.begin_again(&playbook, at);
                }
                let taken = case.map(|case| case as usize);
                if let Work::Switch(cases) = &step.work {
                    for inner in playbook.inside(Some(at)) {
                        let case = playbook.steps.get(inner).map(|step| step.place.case);
                        if case != taken {
                            frame.skip(&playbook, inner);
                        }
                    }
                    let goto = taken.and_then(|case| cases.get(case)?.goto);
                    goto.into_iter().for_each(|to| frame.skip_between(&playbook, at, to));
                }
            }
            Fact::StepFailed { failure, .. } => {
                let iteration = chain.last().is_some_and(|(looped, _)| *looped == at);
                let goes_on = match step.on_failure {
                    OnFailure::Continue => true,
                    OnFailure::Goto(_) => !iteration,
                    OnFailure::Fail | OnFailure::Intervene => false,
                };
                if goes_on {
                    let frame = frame_mut(&mut self.frame, chain).ok_or_else(gone)?;
                    frame.note(step, Done::Failed(Arc::new(failure.clone())));
                    for inner in playbook.inside(Some(at)) {
                        frame.skip(&playbook, inner);
                    }
                    if let OnFailure::Goto(to) = step.on_failure {
                        frame.skip_between(&playbook, at, to);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The next iteration of a loop begins with what happens first in it.
    fn begin_iteration(&mut self, chain: &[(usize, u32)], playbook: &Playbook) {
        let Some(((looped, iteration), outer)) = chain.split_last() else { return };
        let Some(frame) = frame_mut(&mut self.frame, outer) else { return };
        let Some(StepState::Looping(progress)) = frame.slot_mut(*looped) else { return };
        if progress.next != *iteration || progress.failure.is_some() {
            return;
        }
        let (Some(step), Some(item)) =
            (playbook.steps.get(*looped), progress.items.get(*iteration as usize).cloned())
        else {
            return;
        };
        progress.active.insert(*iteration, Frame::of_iteration(*looped, step, *iteration, item));
        progress.next += 1;
    }

    /// An iteration that is over leaves its result with its loop.
    fn end_iteration(&mut self, at: usize, step: &Step, chain: &[(usize, u32)]) {
        let Some(((looped, iteration), outer)) = chain.split_last() else { return };
        let Some(frame) = frame_mut(&mut self.frame, outer) else { return };
        let Some(StepState::Looping(progress)) = frame.slot_mut(*looped) else { return };
        let Some(inner) = progress.active.get(iteration) else { return };
        let Some(state) = inner.slot(at) else { return };
        if let Some(failure) = fatal(step, state, true) {
            // It stays, for when it is tried again.
            progress.failure.get_or_insert_with(|| failure.clone());
            return;
        }
        let result = match (state, inner.level.steps.get(&step.name)) {
            (StepState::Succeeded, Some(Done::Result(result))) => Arc::clone(result),
            (StepState::Skipped, _) => Arc::default(),
            (StepState::Failed { .. }, _) if step.on_failure == OnFailure::Continue => Arc::default(),
            _ => return,
        };
        progress.results.insert(*iteration, result);
        progress.active.remove(iteration);
    }

    /// The event that a wait takes when it completes.
    fn letter_of(&self, at: usize, path: &StepPath, fact: &Fact) -> Option<usize> {
        if self.mailbox.is_empty() || !matches!(fact, Fact::StepCompleted { .. }) {
            return None;
        }
        self.letter(at, &self.frames_of(at, path)?)
    }

    /// How the step will be undone, if it must be: computed now, as it is now.
    fn note_compensation(&mut self, at: usize, step: &Step, path: &StepPath) {
        let Some(compensation) = &step.compensation else { return };
        // A step with `forEach` is undone iteration by iteration.
        let looped = step.each.is_some() && path.iterations().len() == step.place.depth;
        let Some(frames) = self.frames_of(at, path).filter(|_| !looped) else { return };
        let input = compensation.params.eval(&self.scope(&frames)).map(Arc::new);
        let input = input.map_err(|error| uncomputable("compensation.params", &error));
        self.unwinding.steps.push(Undoing { step: path.clone(), at, input });
    }

    /// What happens to an open question.
    fn question_moves(&mut self, event: &Event) -> Result<(), Refusal> {
        let Some(step) = event.fact.step() else { return Err("it is about no step".to_owned()) };
        match &event.fact {
            Fact::InterventionResolved { intervention, response, notes, .. } => {
                self.asked_by(*intervention, step)?;
                self.close(*intervention, event, Some(response), notes.as_deref())
            }
            Fact::InterventionApproved { intervention, response, notes, .. } => {
                self.asked_by(*intervention, step)?;
                let question = self.open.iter_mut().find(|question| question.id == *intervention);
                let question = question.ok_or("it is not open")?;
                if question.approved.len() + 1 >= question.approvals as usize {
                    return Err(format!("{intervention} has as many approvals as it needs"));
                }
                question.approved.push(resolution(event, response, notes.as_deref()));
                Ok(())
            }
            Fact::InterventionReminded { intervention, .. } => {
                self.asked_by(*intervention, step)?;
                let question = self.open.iter_mut().find(|question| question.id == *intervention);
                let reminder = question.and_then(|question| question.reminder.as_mut());
                let Reminder { next, every } = reminder.ok_or("it has no reminders")?;
                *next =
                    event.at.checked_add(every.0).map_err(|_| "the next reminder is beyond the calendar")?;
                Ok(())
            }
            Fact::InterventionWithdrawn { intervention, .. } => {
                self.asked_by(*intervention, step)?;
                self.move_step(step, &event.fact)?;
                self.open.retain(|question| question.id != *intervention);
                Ok(())
            }
            Fact::InterventionExpired { intervention, .. } => {
                self.asked_by(*intervention, step)?;
                self.expire(*intervention, event)
            }
            _ => Err("it is about no question".to_owned()),
        }
    }

    pub(super) fn asked_by(&self, id: InterventionId, step: &StepPath) -> Result<(), Refusal> {
        match self.question(id) {
            Some(question) if question.step == *step => Ok(()),
            Some(question) => Err(format!("{id} was asked by step `{}`, not `{step}`", question.step)),
            None => Err(format!("{id} is not open")),
        }
    }

    /// A question ended, with an answer or without one.
    fn close(
        &mut self,
        id: InterventionId,
        event: &Event,
        answer: Option<&Arc<Value>>,
        notes: Option<&str>,
    ) -> Result<(), Refusal> {
        let place = self.open.iter().position(|intervention| intervention.id == id);
        let intervention = self.open.remove(place.ok_or_else(|| format!("{id} is not open"))?);
        let (at, chain) = self.locate(&intervention.step)?;
        let frame = frame_mut(&mut self.frame, &chain).ok_or("its loop has ended")?;
        let slot = frame.slot_mut(at).ok_or("the playbook has fewer steps")?;
        let before = std::mem::replace(slot, StepState::Pending);
        let StepState::WaitingForAnswer { attempt, .. } = before else {
            return Err(format!(
                "step `{}` is {} and waits for no answer",
                intervention.step,
                before.as_str()
            ));
        };
        *slot = StepState::Answered {
            attempt,
            intervention: Box::new(intervention),
            answer: answer.map(Arc::clone),
        };
        if let Some(answer) = answer {
            self.resolved.insert(id, resolution(event, answer, notes));
        }
        Ok(())
    }

    fn expire(&mut self, id: InterventionId, event: &Event) -> Result<(), Refusal> {
        let question = self.open.iter_mut().find(|intervention| intervention.id == id);
        let question = question.ok_or_else(|| format!("{id} is not open"))?;
        if question.deadline.is_none() {
            return Err(format!("{id} has no deadline"));
        }
        match std::mem::take(&mut question.on_deadline) {
            OnDeadline::Escalate(role) => {
                question.assignee_role = Some(role);
                question.deadline = None;
                Ok(())
            }
            OnDeadline::Answer(answer) => self.close(id, event, Some(&Arc::new(answer)), None),
            OnDeadline::Fail => self.close(id, event, None, None),
        }
    }
}

pub(super) fn resolution(event: &Event, answer: &Arc<Value>, notes: Option<&str>) -> Resolution {
    let response = Value::clone(answer);
    Resolution { response, notes: notes.map(str::to_owned), by: event.actor.to_string(), at: event.at }
}

/// The frame that these iterations lead to.
fn frame_mut<'f>(frame: &'f mut Frame, chain: &[(usize, u32)]) -> Option<&'f mut Frame> {
    chain.iter().try_fold(frame, |frame, (looped, iteration)| {
        let StepState::Looping(progress) = frame.slot_mut(*looped)? else { return None };
        progress.active.get_mut(iteration)
    })
}
