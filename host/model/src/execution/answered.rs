//! What an answer means for the step that asked.

use std::sync::Arc;

use serde_json::Value;

use crate::failure::{Failure, code};
use crate::intervention::Origin;
use crate::playbook::{Step, Work};

use super::fact::Fact;
use super::look::Look;
use super::ready::{Action, complete};
use super::step_state::{Attempt, Resumption, StepState};

impl<'s> Look<'s> {
    /// What an answer, or its absence, means for the step that asked.
    pub(super) fn answered(
        &self,
        at: usize,
        step: &'s Step,
        state: &'s StepState,
        iteration: bool,
    ) -> Option<Action> {
        let StepState::Answered { attempt, intervention, answer } = state else { return None };
        let path = self.path(step);
        let fail = |failure| Some(Action::Record(Fact::StepFailed { step: self.path(step), failure }));
        let Some(answer) = answer else {
            let message = format!("nobody answered \"{}\" in time", intervention.prompt);
            return fail(Failure::permanent(code::NOT_ANSWERED, message));
        };
        let decision = answer.get("decision").and_then(Value::as_str);
        let given = |key: &str| answer.get(key).cloned().map(Arc::new);
        match (&intervention.origin, attempt) {
            (Origin::Operation { resume_state }, Some(attempt)) => {
                let resumption = Resumption { state: resume_state.clone(), answer: Arc::clone(answer) };
                Some(Action::Run {
                    at,
                    step: path,
                    attempt: Attempt { resumption: Some(resumption), ..attempt.clone() },
                })
            }
            (Origin::Interrupted, Some(attempt)) => match decision {
                Some("retry") => {
                    Some(self.again(at, step, Attempt { number: attempt.number + 1, ..attempt.clone() }))
                }
                Some("complete") => Some(complete(path, given("result").unwrap_or_default())),
                _ => {
                    let message = "the host stopped while the step was at work, and an operator gave it up";
                    fail(Failure::permanent(code::INTERRUPTED, message))
                }
            },
            (Origin::Failed { failure }, attempt) => match decision {
                Some("retry") => match (attempt, given("input")) {
                    (Some(old), changed) => {
                        let resumption = if changed.is_some() { None } else { old.resumption.clone() };
                        let input = changed.unwrap_or_else(|| Arc::clone(&old.input));
                        Some(self.again(at, step, Attempt { number: old.number + 1, input, resumption }))
                    }
                    // A list that could not be computed takes no input in its place.
                    (None, Some(input)) if takes_input(step) && (iteration || step.each.is_none()) => {
                        Some(self.again(at, step, Attempt { number: 1, input, resumption: None }))
                    }
                    (None, _) => self.begin(at, step, iteration),
                },
                Some("skip") => {
                    let result = Some(given("result").unwrap_or_default());
                    let reason = answer.get("reason").and_then(Value::as_str).map(str::to_owned);
                    Some(Action::Record(Fact::StepSkipped { step: path, result, reason }))
                }
                _ => fail(failure.clone()),
            },
            (Origin::Operator, _) => match decision {
                Some("fail") => {
                    fail(Failure::permanent(code::INTERVENED, "an operator stopped the step before it began"))
                }
                _ => self.begin(at, step, iteration),
            },
            _ => Some(complete(path, Arc::clone(answer))),
        }
    }
}

/// Whether an operator can say what the step is given.
pub(super) fn takes_input(step: &Step) -> bool {
    matches!(step.work, Work::Operation { .. } | Work::Playbook { .. })
}
