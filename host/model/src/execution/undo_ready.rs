//! What an execution wants done that undoes its completed steps.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::fact::Fact;
use super::question::Question;
use super::ready::Action;
use super::state::State;
use super::undo::Stage;

impl State {
    pub(super) fn undo_ready(&self, now: Timestamp) -> Option<Action> {
        let Some(newest) = self.unwinding.current() else {
            return Some(Action::Record(Fact::ExecutionCompensated {}));
        };
        let step = newest.step.clone();
        let undo = |attempt| match &newest.input {
            Ok(input) => {
                Action::Undo { at: newest.at, step: newest.step.clone(), attempt, input: Arc::clone(input) }
            }
            Err(failure) => Action::Record(Fact::StepCompensationFailed {
                step: newest.step.clone(),
                failure: failure.clone(),
            }),
        };
        match &self.unwinding.stage {
            Stage::Ready => Some(undo(1)),
            Stage::Retrying { attempt, at } => (*at <= now).then(|| undo(*attempt)),
            Stage::Failed { attempt, failure } => {
                let definition = self.playbook.steps.get(newest.at)?;
                let question = Question::after_compensation(definition, step, failure, *attempt);
                Some(Action::Ask(Box::new(question)))
            }
            Stage::Answered { attempt, failure, answer, .. } => {
                let decision =
                    answer.as_ref().and_then(|answer| answer.get("decision")).and_then(Value::as_str);
                Some(match decision {
                    Some("retry") => undo(attempt + 1),
                    Some("skip") => Action::Record(Fact::StepCompensated { step }),
                    _ => Action::Record(Fact::CompensationFailed { step, failure: failure.clone() }),
                })
            }
            Stage::Running { .. } | Stage::Waiting { .. } => None,
        }
    }
}
