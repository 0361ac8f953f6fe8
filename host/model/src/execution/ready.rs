//! What an execution wants done next.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::expression::EvalError;
use crate::failure::{Failure, code};
use crate::ids::{InterventionId, RoleName, StepName};
use crate::intervention::{OnDeadline, Origin};
use crate::playbook::{Ask, Step, Work};

use super::state::{Resumption, State, StepState};

/// The next thing to do. The driver does it, and records what came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The step's `when` is false: record that.
    Skip(StepName),
    /// Run an attempt of a step's operation.
    Run {
        /// Which step, by its place.
        step: usize,
        /// 1 for the first.
        attempt: u32,
        /// What the operation is given.
        input: Arc<Value>,
        /// Present when the attempt goes on after an answer.
        resumption: Option<Resumption>,
    },
    /// Run again what was at work when the host stopped; whether that is safe, the operation tells.
    Recover {
        /// Which step, by its place.
        step: usize,
        /// The attempt that was cut off.
        attempt: u32,
        /// What the operation was given.
        input: Arc<Value>,
        /// Present when it went on after an answer.
        resumption: Option<Resumption>,
    },
    /// Ask a person.
    Ask(Question),
    /// The step has its result without running: a person gave it.
    Complete(StepName, Arc<Value>),
    /// The step cannot go on.
    FailStep(StepName, Failure),
    /// Nobody answered in time.
    Expire(InterventionId, StepName),
    /// The execution took too long.
    TimeOut,
    /// Every step is done.
    Finish(Arc<Value>),
    /// A step failed, or the output cannot be computed.
    Fail(Option<StepName>, Failure),
}

/// What a step asks, with everything computed.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The step that asks.
    pub step: StepName,
    /// `human_decision`, `approval`, …
    pub kind: String,
    /// What to decide.
    pub prompt: String,
    /// Choices to offer.
    pub options: Vec<String>,
    /// What an answer must satisfy.
    pub response_schema: Option<Arc<Value>>,
    /// Who may answer.
    pub assignee_role: Option<RoleName>,
    /// Shown beside it.
    pub context: Option<Value>,
    /// When to stop waiting, and what then.
    pub deadline: Option<(Duration, OnDeadline)>,
}

impl State {
    /// What to do next, if anything can be done at `now`. `None`: it ended, or waits for an answer, an
    /// operator or time ([`State::wakes_at`]). A step that is `Running` gives nothing: whoever runs it
    /// knows; after a restart it is the driver's to say that it was interrupted.
    pub fn ready(&self, now: Timestamp) -> Option<Action> {
        if self.end.is_some() {
            return None;
        }
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            return Some(Action::TimeOut);
        }
        let expired = self.open.iter().find(|question| question.deadline.is_some_and(|at| at <= now));
        if let Some(question) = expired {
            return Some(Action::Expire(question.id, question.step.clone()));
        }
        if self.paused {
            return None;
        }
        let Some(at) = self.turn() else { return Some(self.output()) };
        let (step, state) = self.playbook.steps.get(at).zip(self.steps.get(at))?;
        self.step_ready(at, step, state, now)
    }

    fn step_ready(&self, at: usize, step: &Step, state: &StepState, now: Timestamp) -> Option<Action> {
        match state {
            StepState::Pending => Some(self.begin_step(at, step)),
            StepState::Retrying { attempt, at: due, input, resumption, .. } if *due <= now => {
                Some(Action::Run {
                    step: at,
                    attempt: *attempt,
                    input: Arc::clone(input),
                    resumption: resumption.clone(),
                })
            }
            StepState::Interrupted { attempt, input, resumption } => Some(Action::Recover {
                step: at,
                attempt: *attempt,
                input: Arc::clone(input),
                resumption: resumption.clone(),
            }),
            StepState::Answered { .. } => Some(answered(at, step, state)),
            StepState::Failed(failure) => Some(Action::Fail(Some(step.name.clone()), failure.clone())),
            _ => None,
        }
    }

    fn begin_step(&self, at: usize, step: &Step) -> Action {
        match step.when.as_ref().map(|when| when.holds(&self.scope)) {
            Some(Ok(false)) => return Action::Skip(step.name.clone()),
            Some(Err(error)) => return Action::FailStep(step.name.clone(), uncomputable("when", &error)),
            Some(Ok(true)) | None => {}
        }
        match &step.work {
            Work::Operation { params, .. } => match params.eval(&self.scope) {
                Ok(input) => Action::Run { step: at, attempt: 1, input: Arc::new(input), resumption: None },
                Err(error) => Action::FailStep(step.name.clone(), uncomputable("params", &error)),
            },
            Work::Intervention(ask) => match self.asks(step, ask) {
                Ok(question) => Action::Ask(question),
                Err(error) => Action::FailStep(step.name.clone(), uncomputable("intervention", &error)),
            },
        }
    }

    fn asks(&self, step: &Step, ask: &Ask) -> Result<Question, EvalError> {
        let prompt = match ask.prompt.eval(&self.scope)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Ok(Question {
            step: step.name.clone(),
            kind: ask.kind.clone(),
            prompt,
            options: ask.options.clone(),
            response_schema: ask.response_schema.clone(),
            assignee_role: step.role.clone(),
            context: ask.context.as_ref().map(|context| context.eval(&self.scope)).transpose()?,
            deadline: ask.deadline.clone(),
        })
    }

    fn output(&self) -> Action {
        let output = match &self.playbook.output {
            Some(output) => output.eval(&self.scope).map(Arc::new),
            None => {
                let last = self.playbook.steps.iter().rev().find_map(|step| self.result(&step.name));
                Ok(last.map_or_else(|| Arc::new(Value::Null), Arc::clone))
            }
        };
        match output {
            Ok(output) => Action::Finish(output),
            Err(error) => Action::Fail(None, uncomputable("output", &error)),
        }
    }
}

/// What an answer, or its absence, means for the step that asked.
fn answered(at: usize, step: &Step, state: &StepState) -> Action {
    let StepState::Answered { attempt, input, resumption, intervention, answer } = state else {
        return Action::FailStep(
            step.name.clone(),
            Failure::permanent(code::INTERNAL, "the step has no answer"),
        );
    };
    let Some(answer) = answer else {
        let message = format!("nobody answered \"{}\" in time", intervention.prompt);
        return Action::FailStep(step.name.clone(), Failure::permanent(code::NOT_ANSWERED, message));
    };
    match (&intervention.origin, input) {
        (Origin::Operation { resume_state }, Some(input)) => Action::Run {
            step: at,
            attempt: *attempt,
            input: Arc::clone(input),
            resumption: Some(Resumption { state: resume_state.clone(), answer: Arc::clone(answer) }),
        },
        (Origin::Interrupted, Some(input)) => match answer.get("decision").and_then(Value::as_str) {
            Some("retry") => Action::Run {
                step: at,
                attempt: attempt + 1,
                input: Arc::clone(input),
                resumption: resumption.clone(),
            },
            Some("complete") => {
                let result = answer.get("result").cloned().unwrap_or(Value::Null);
                Action::Complete(step.name.clone(), Arc::new(result))
            }
            _ => {
                let message = "the host stopped while the step was at work, and an operator gave it up";
                Action::FailStep(step.name.clone(), Failure::permanent(code::INTERRUPTED, message))
            }
        },
        _ => Action::Complete(step.name.clone(), Arc::clone(answer)),
    }
}

fn uncomputable(part: &str, error: &EvalError) -> Failure {
    let message = format!("`{part}` cannot be computed: {error}");
    Failure::permanent(code::EXPRESSION, message).caused_by(error)
}
