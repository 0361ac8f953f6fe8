//! From one state to the next: what happens to open questions.

use std::sync::Arc;

use serde_json::Value;

use crate::ids::InterventionId;
use crate::intervention::{OnDeadline, Reminder, Resolution};
use crate::step_path::StepPath;

use super::event::Event;
use super::fact::Fact;
use super::fold::{Refusal, frame_mut};
use super::state::State;
use super::step_state::StepState;

impl State {
    /// What happens to an open question.
    pub(super) fn question_moves(&mut self, event: &Event) -> Result<(), Refusal> {
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
                if question.approved.iter().any(|earlier| *earlier.by == *event.actor) {
                    return Err(format!("{} has approved already", event.actor));
                }
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
                if self.waits_for(*intervention, step) {
                    self.move_step(step, &event.fact)?;
                }
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

    /// Whether the step waits for this question; not, when it need not run any more.
    fn waits_for(&self, id: InterventionId, step: &StepPath) -> bool {
        let state = self.stands(step).map(|(_, state)| state);
        matches!(state, Some(StepState::WaitingForAnswer { intervention, .. }) if *intervention == id)
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
        let place = place.ok_or_else(|| format!("{id} is not open"))?;
        if let Some(answer) = answer {
            self.resolved.insert(id, resolution(event, answer, notes));
        }
        let step = self.open.get(place).map(|intervention| intervention.step.clone());
        let waits = step.is_some_and(|step| self.waits_for(id, &step));
        let intervention = self.open.remove(place);
        if !waits {
            return Ok(());
        }
        let (at, chain) = self.locate(&intervention.step)?;
        let frame = frame_mut(&mut self.frame, &chain).ok_or("its loop has ended")?;
        let slot = frame.slot_mut(at).ok_or("the playbook has fewer steps")?;
        if let StepState::WaitingForAnswer { attempt, .. } = std::mem::replace(slot, StepState::Pending) {
            let (intervention, answer) = (Box::new(intervention), answer.map(Arc::clone));
            *slot = StepState::Answered { attempt, intervention, answer };
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

impl Event {
    /// The answer that this event took: the one that closed a question, or one of several approvals.
    pub fn answer(&self) -> Option<Resolution> {
        match &self.fact {
            Fact::InterventionResolved { response, notes, .. }
            | Fact::InterventionApproved { response, notes, .. } => {
                Some(resolution(self, response, notes.as_deref()))
            }
            _ => None,
        }
    }
}

pub(super) fn resolution(event: &Event, answer: &Arc<Value>, notes: Option<&str>) -> Resolution {
    let response = Value::clone(answer);
    Resolution { response, notes: notes.map(str::to_owned), by: event.actor.to_string(), at: event.at }
}
