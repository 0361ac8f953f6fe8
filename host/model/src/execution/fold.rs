//! From one state to the next: the table of legal moves.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::expression::{Done, Scope};
use crate::ids::{ExecutionId, InterventionId, StepName};
use crate::intervention::{OnDeadline, Origin, Resolution};
use crate::playbook::Playbook;

use super::event::{Event, Fact};
use super::state::{End, Resumption, State, StepState};
use super::summary::Status;

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

type Refusal = String;

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
            version: 1,
            started_at: first.at,
            updated_at: first.at,
            scope: Scope { execution: Arc::new(execution), input: Arc::clone(input), steps: Arc::default() },
            steps: vec![StepState::Pending; playbook.steps.len()],
            playbook,
            open: Vec::new(),
            resolved: BTreeMap::new(),
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
        if let Some(end) = &self.end {
            return Err(format!("the execution has ended: {}", end.status.as_str()));
        }
        match &event.fact {
            Fact::ExecutionStarted { .. } => Err("the execution has started".to_owned()),
            Fact::ExecutionPaused { .. } if !self.paused => {
                self.paused = true;
                Ok(())
            }
            Fact::ExecutionResumed { .. } if self.paused => {
                self.paused = false;
                Ok(())
            }
            Fact::ExecutionPaused { .. } => Err("the execution is paused".to_owned()),
            Fact::ExecutionResumed { .. } => Err("the execution is not paused".to_owned()),
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
                self.every_step_is_done()?;
                self.finish(event, Status::Succeeded)
            }
            Fact::InterventionRequired { intervention } => {
                self.move_step(&intervention.step, &event.fact)?;
                self.open.push(intervention.clone());
                Ok(())
            }
            Fact::InterventionResolved { intervention, step, response, notes } => {
                self.asked_by(*intervention, step)?;
                self.close(*intervention, event, Some(response), notes.as_deref())
            }
            Fact::InterventionExpired { intervention, step } => {
                self.asked_by(*intervention, step)?;
                self.expire(*intervention, event)
            }
            Fact::StepStarted { step, .. }
            | Fact::StepResumed { step, .. }
            | Fact::StepProgress { step, .. }
            | Fact::StepCompleted { step, .. }
            | Fact::StepFailed { step, .. }
            | Fact::StepRetryScheduled { step, .. }
            | Fact::StepSkipped { step }
            | Fact::StepInterrupted { step, .. } => self.move_step(step, &event.fact),
        }
    }

    fn every_step_is_done(&self) -> Result<(), Refusal> {
        match self.current() {
            Some((step, state)) => Err(format!("step `{}` is {}", step.name, state.as_str())),
            None => Ok(()),
        }
    }

    /// An execution fails over its step that failed, or over its output when every step is done.
    fn may_fail(&self, over: Option<&StepName>) -> Result<(), Refusal> {
        match (self.current(), over) {
            (Some((step, StepState::Failed(_))), Some(name)) if step.name == *name => Ok(()),
            (None, None) => Ok(()),
            (Some((step, state)), _) => Err(format!("step `{}` is {}", step.name, state.as_str())),
            (None, Some(name)) => Err(format!("step `{name}` did not fail")),
        }
    }

    fn finish(&mut self, event: &Event, status: Status) -> Result<(), Refusal> {
        let (output, failure) = match &event.fact {
            Fact::ExecutionCompleted { output } => (Some(Arc::clone(output)), None),
            Fact::ExecutionFailed { failure, .. } => (None, Some(failure.clone())),
            _ => (None, None),
        };
        self.open.clear();
        self.end = Some(End { status, at: event.at, output, failure });
        Ok(())
    }

    /// Moves the step whose turn it is.
    fn move_step(&mut self, name: &StepName, fact: &Fact) -> Result<(), Refusal> {
        let turn =
            self.turn().ok_or_else(|| format!("it is not the turn of step `{name}`: every step is done"))?;
        let whose = self.playbook.steps.get(turn).map(|step| &step.name);
        let slot = self.steps.get_mut(turn).ok_or("the playbook has fewer steps")?;
        if whose != Some(name) {
            let whose = whose.map(StepName::as_str).unwrap_or_default();
            return Err(format!("it is not the turn of step `{name}`: step `{whose}` is {}", slot.as_str()));
        }
        if self.paused && starts_something(slot, fact) {
            return Err("the execution is paused".to_owned());
        }
        let before = std::mem::replace(slot, StepState::Pending);
        *slot = moved(before, fact).map_err(|word| format!("step `{name}` is {word}"))?;
        let done = match fact {
            Fact::StepCompleted { result, .. } => Done::Result(Arc::clone(result)),
            Fact::StepSkipped { .. } => Done::Skipped,
            _ => return Ok(()),
        };
        Arc::make_mut(&mut self.scope.steps).insert(name.clone(), done);
        Ok(())
    }

    /// The question is open, and this step asked it.
    fn asked_by(&self, id: InterventionId, step: &StepName) -> Result<(), Refusal> {
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
        let (at, _) = self.playbook.step(&intervention.step).ok_or("the playbook has no such step")?;
        let slot = self.steps.get_mut(at).ok_or("the playbook has fewer steps")?;
        let before = std::mem::replace(slot, StepState::Pending);
        let StepState::WaitingForAnswer { attempt, input, resumption, .. } = before else {
            return Err(format!(
                "step `{}` is {} and waits for no answer",
                intervention.step,
                before.as_str()
            ));
        };
        *slot = StepState::Answered {
            attempt,
            input,
            resumption,
            intervention: Box::new(intervention),
            answer: answer.map(Arc::clone),
        };
        if let Some(answer) = answer {
            let response = Value::clone(answer);
            let by = event.actor.to_string();
            self.resolved
                .insert(id, Resolution { response, notes: notes.map(str::to_owned), by, at: event.at });
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

/// What a paused execution does not do. What was at work before goes on to its end, its questions included.
fn starts_something(before: &StepState, fact: &Fact) -> bool {
    match fact {
        Fact::StepStarted { .. } | Fact::StepResumed { .. } | Fact::StepSkipped { .. } => true,
        Fact::InterventionRequired { .. } => matches!(before, StepState::Pending),
        _ => false,
    }
}

/// One arm per legal move of a step; everything else is refused, with the word for where the step stands.
fn moved(before: StepState, fact: &Fact) -> Result<StepState, &'static str> {
    use StepState as S;
    Ok(match (before, fact) {
        (
            S::Pending | S::Retrying { .. } | S::Interrupted { .. },
            Fact::StepStarted { attempt, input, .. },
        ) => S::Running { attempt: *attempt, input: Arc::clone(input), resumption: None },
        // An operator let an interrupted attempt run again.
        (S::Answered { intervention, answer: Some(_), .. }, Fact::StepStarted { attempt, input, .. })
            if intervention.origin == Origin::Interrupted =>
        {
            S::Running { attempt: *attempt, input: Arc::clone(input), resumption: None }
        }
        (
            S::Answered { input: Some(input), intervention, answer: Some(answer), resumption, .. },
            Fact::StepResumed { attempt, .. },
        ) => {
            let resumption = match intervention.origin {
                Origin::Operation { resume_state } => Some(Resumption { state: resume_state, answer }),
                // An interrupted attempt goes on with the answer that it had before.
                Origin::Interrupted | Origin::Step => resumption,
            };
            S::Running { attempt: *attempt, input, resumption: Some(resumption.ok_or("running")?) }
        }
        (
            S::Interrupted { input, resumption: Some(resumption), .. }
            | S::Retrying { input, resumption: Some(resumption), .. },
            Fact::StepResumed { attempt, .. },
        ) => S::Running { attempt: *attempt, input, resumption: Some(resumption) },
        (running @ S::Running { .. }, Fact::StepProgress { .. }) => running,
        (S::Running { attempt, input, resumption }, Fact::StepInterrupted { .. }) => {
            S::Interrupted { attempt, input, resumption }
        }
        (S::Pending, Fact::InterventionRequired { intervention }) if intervention.origin == Origin::Step => {
            S::WaitingForAnswer { attempt: 0, input: None, resumption: None, intervention: intervention.id }
        }
        (S::Running { attempt, input, resumption }, Fact::InterventionRequired { intervention })
            if matches!(intervention.origin, Origin::Operation { .. }) =>
        {
            S::WaitingForAnswer { attempt, input: Some(input), resumption, intervention: intervention.id }
        }
        (S::Interrupted { attempt, input, resumption }, Fact::InterventionRequired { intervention })
            if intervention.origin == Origin::Interrupted =>
        {
            S::WaitingForAnswer { attempt, input: Some(input), resumption, intervention: intervention.id }
        }
        (S::Running { input, resumption, .. }, Fact::StepRetryScheduled { attempt, at, failure, .. }) => {
            S::Retrying { attempt: *attempt, at: *at, failure: failure.clone(), input, resumption }
        }
        (S::Running { .. } | S::Answered { answer: Some(_), .. }, Fact::StepCompleted { .. }) => S::Succeeded,
        (
            S::Pending | S::Running { .. } | S::Retrying { .. } | S::Interrupted { .. } | S::Answered { .. },
            Fact::StepFailed { failure, .. },
        ) => S::Failed(failure.clone()),
        (S::Pending, Fact::StepSkipped { .. }) => S::Skipped,
        (before, _) => return Err(before.as_str()),
    })
}
