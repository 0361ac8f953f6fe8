//! From one state to the next, while completed steps are undone.

use std::sync::Arc;

use crate::intervention::Origin;
use crate::step_path::StepPath;

use super::event::Event;
use super::fact::Fact;
use super::fold::Refusal;
use super::question_fold::resolution;
use super::state::State;
use super::summary::Status;
use super::undo::Stage;

impl State {
    pub(super) fn apply_undo(&mut self, event: &Event) -> Result<(), Refusal> {
        match &event.fact {
            Fact::ExecutionPaused { .. } | Fact::ExecutionResumed { .. } => self.pause(&event.fact),
            Fact::ExecutionCompensated {} => match self.unwinding.current() {
                None => self.finish(event, Status::Compensated),
                Some(undoing) => Err(format!("step `{}` is not undone", undoing.step)),
            },
            Fact::CompensationFailed { step, .. } => {
                self.undoes(step)?;
                if !matches!(self.unwinding.stage, Stage::Answered { .. }) {
                    return Err("nobody gave it up".to_owned());
                }
                self.finish(event, Status::CompensationFailed)
            }
            Fact::StepCompensationStarted { step, .. }
            | Fact::StepCompensationRetryScheduled { step, .. }
            | Fact::StepCompensated { step }
            | Fact::StepCompensationFailed { step, .. } => {
                self.undoes(step)?;
                if self.paused && matches!(event.fact, Fact::StepCompensationStarted { .. }) {
                    return Err("the execution is paused".to_owned());
                }
                let before = std::mem::take(&mut self.unwinding.stage);
                let done = matches!(event.fact, Fact::StepCompensated { .. });
                self.unwinding.stage =
                    undone(before, &event.fact).map_err(|word| format!("undoing step `{step}` {word}"))?;
                if done {
                    self.unwinding.steps.pop();
                }
                Ok(())
            }
            Fact::InterventionRequired { intervention } => {
                self.undoes(&intervention.step)?;
                self.is_new(intervention.id)?;
                let (Stage::Failed { attempt, failure }, Origin::Compensation { .. }) =
                    (&self.unwinding.stage, &intervention.origin)
                else {
                    return Err("undoing it did not fail".to_owned());
                };
                let (attempt, failure) = (*attempt, failure.clone());
                self.unwinding.stage = Stage::Waiting { attempt, failure, intervention: intervention.id };
                self.open.push(intervention.clone());
                Ok(())
            }
            Fact::InterventionResolved { intervention, step, response, notes } => {
                self.asked_by(*intervention, step)?;
                let Stage::Waiting { attempt, failure, .. } = std::mem::take(&mut self.unwinding.stage)
                else {
                    return Err("nobody was asked".to_owned());
                };
                let place = self.open.iter().position(|question| question.id == *intervention);
                let question = self.open.remove(place.ok_or("it is not open")?);
                let (intervention, answer) = (Box::new(question), Some(Arc::clone(response)));
                self.resolved.insert(intervention.id, resolution(event, response, notes.as_deref()));
                self.unwinding.stage = Stage::Answered { attempt, failure, intervention, answer };
                Ok(())
            }
            _ => Err("completed steps are being undone".to_owned()),
        }
    }

    fn undoes(&self, step: &StepPath) -> Result<(), Refusal> {
        match self.unwinding.current() {
            Some(undoing) if undoing.step == *step => Ok(()),
            Some(undoing) => Err(format!("step `{}` is undone first", undoing.step)),
            None => Err("everything is undone".to_owned()),
        }
    }
}

/// One arm per legal move; everything else is refused, with words for where it stands.
fn undone(before: Stage, fact: &Fact) -> Result<Stage, &'static str> {
    Ok(match (before, fact) {
        // An attempt that was cut off by a crash is simply made again: it has the same idempotency key.
        (
            Stage::Ready | Stage::Retrying { .. } | Stage::Answered { .. } | Stage::Running { .. },
            Fact::StepCompensationStarted { attempt, .. },
        ) => Stage::Running { attempt: *attempt },
        (Stage::Running { .. }, Fact::StepCompensationRetryScheduled { attempt, at, .. }) => {
            Stage::Retrying { attempt: *attempt, at: *at }
        }
        (Stage::Running { .. } | Stage::Answered { .. }, Fact::StepCompensated { .. }) => Stage::Ready,
        (Stage::Running { attempt }, Fact::StepCompensationFailed { failure, .. }) => {
            Stage::Failed { attempt, failure: failure.clone() }
        }
        (Stage::Ready, Fact::StepCompensationFailed { failure, .. }) => {
            Stage::Failed { attempt: 0, failure: failure.clone() }
        }
        (Stage::Answered { attempt, .. }, Fact::StepCompensationFailed { failure, .. }) => {
            Stage::Failed { attempt, failure: failure.clone() }
        }
        // The next attempt cannot even begin.
        (Stage::Retrying { attempt, .. }, Fact::StepCompensationFailed { failure, .. }) => {
            Stage::Failed { attempt: attempt.saturating_sub(1), failure: failure.clone() }
        }
        (Stage::Ready, _) => return Err("has not begun"),
        (Stage::Running { .. }, _) => return Err("is at work"),
        (Stage::Retrying { .. }, _) => return Err("waits for its next attempt"),
        (Stage::Failed { .. }, _) => return Err("failed"),
        (Stage::Waiting { .. }, _) => return Err("waits for an operator"),
        (Stage::Answered { .. }, _) => return Err("has its answer"),
    })
}
