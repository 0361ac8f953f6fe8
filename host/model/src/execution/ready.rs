//! What an execution wants done next.
//!
//! The steps are looked at in the order written (`look`); the first that something can be done for decides. When a
//! step failed and nobody goes on after it, nothing new begins beside it: what is at work comes to its end, open
//! questions are withdrawn, children are stopped, and then what it is inside of fails.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::expression::{Done, EvalError, Scope};
use crate::failure::{Failure, code};
use crate::ids::{ExecutionId, PlaybookName};
use crate::playbook::{MAX_ITERATIONS, OnFailure, Step};
use crate::step_path::StepPath;

use super::event::Cause;
use super::fact::Fact;
use super::frame::Frame;
use super::look::{Look, Verdict};
use super::question::Question;
use super::state::State;
use super::step_state::{Attempt, StepState};

/// The next thing to do. The driver does it, and records what came of it.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one at a time, taken apart where it is made")]
pub enum Action {
    /// Nothing but this is to be done: record it.
    Record(Fact),
    /// Run an attempt of a step's operation.
    Run {
        /// The step's place in the playbook.
        at: usize,
        /// Which step.
        step: StepPath,
        /// Which attempt, and what it is given.
        attempt: Attempt,
    },
    /// Run again what was at work when the host stopped; whether that is safe, the operation tells.
    Recover {
        /// The step's place in the playbook.
        at: usize,
        /// Which step.
        step: StepPath,
        /// The attempt that was cut off.
        attempt: Attempt,
    },
    /// Ask a person.
    Ask(Box<Question>),
    /// Start another execution for a step.
    StartChild {
        /// Which step.
        step: StepPath,
        /// 1 for the first.
        attempt: u32,
        /// What to run.
        playbook: PlaybookName,
        /// What it is given.
        input: Arc<Value>,
    },
    /// Stop the execution that runs for a step: another step failed, or time is up.
    StopChild {
        /// Which step.
        step: StepPath,
        /// The child.
        execution: ExecutionId,
    },
    /// Run an attempt to undo a step.
    Undo {
        /// The step's place in the playbook.
        at: usize,
        /// Which step.
        step: StepPath,
        /// 1 for the first.
        attempt: u32,
        /// What its compensation is given.
        input: Arc<Value>,
    },
}

/// Whether a step is over for those that wait for it.
pub(super) fn is_over(step: &Step, state: &StepState) -> bool {
    match state {
        StepState::Succeeded | StepState::Skipped => true,
        StepState::Failed { .. } => matches!(step.on_failure, OnFailure::Continue | OnFailure::Goto(_)),
        _ => false,
    }
}

/// Why a step's failure is one of what it is inside of. `iteration`: one iteration of a loop, which has no `goto`.
pub(super) fn fatal<'s>(step: &Step, state: &'s StepState, iteration: bool) -> Option<&'s Failure> {
    let StepState::Failed { failure, given_up, .. } = state else { return None };
    let fatal = match step.on_failure {
        OnFailure::Fail => true,
        OnFailure::Continue => false,
        OnFailure::Intervene => *given_up,
        OnFailure::Goto(_) => iteration,
    };
    fatal.then_some(failure)
}

impl State {
    /// What to do next, if anything can be done at `now`. `None`: it ended, or waits for an answer, an
    /// operator, an outside event, a child or time ([`State::wakes_at`]). A step that is `Running` gives
    /// nothing: whoever runs it knows; after a restart it is the driver's to say that it was interrupted.
    pub fn ready(&self, now: Timestamp) -> Option<Action> {
        if self.end.is_some() {
            return None;
        }
        if self.unwinding.cause.is_some() {
            return if self.paused { None } else { self.undo_ready(now) };
        }
        if let Some(cancelling) = &self.cancelling {
            return (!self.paused).then(|| self.cancel_ready(cancelling));
        }
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            if let Some((step, execution)) = self.children().into_iter().next() {
                return Some(Action::StopChild { step, execution });
            }
            let undone = !self.unwinding.steps.is_empty();
            return Some(Action::Record(match undone {
                true => Fact::CompensationStarted { cause: Cause::TimedOut },
                false => Fact::ExecutionTimedOut {},
            }));
        }
        if let Some(fact) = self.question_due(now).or_else(|| self.question_of_no_use()) {
            return Some(Action::Record(fact));
        }
        if self.paused {
            return None;
        }
        let look = Look { state: self, now, frames: vec![&self.frame], iterations: Vec::new() };
        match look.body(None, None) {
            Verdict::Do(action) => Some(*action),
            Verdict::Wait => None,
            Verdict::Over => Some(self.output()),
            Verdict::Failed(step, failure) => Some(self.failed(Some(step), failure)),
        }
    }

    /// A question whose time is up, or whose reminder is due.
    fn question_due(&self, now: Timestamp) -> Option<Fact> {
        self.open.iter().find_map(|question| {
            let (intervention, step) = (question.id, question.step.clone());
            if question.deadline.is_some_and(|at| at <= now) {
                return Some(Fact::InterventionExpired { intervention, step });
            }
            let reminder = question.reminder.filter(|reminder| reminder.next <= now);
            reminder.map(|_| Fact::InterventionReminded { intervention, step })
        })
    }

    /// A question whose step is not run after all: another case of its switch was taken, or the playbook goes on
    /// elsewhere.
    fn question_of_no_use(&self) -> Option<Fact> {
        let of_no_use = |path: &StepPath| self.stands(path).is_none_or(|(_, state)| state.is_done());
        let question = self.open.iter().find(|question| of_no_use(&question.step))?;
        Some(Fact::InterventionWithdrawn { intervention: question.id, step: question.step.clone() })
    }

    fn failed(&self, step: Option<StepPath>, failure: Failure) -> Action {
        Action::Record(if self.unwinding.steps.is_empty() {
            Fact::ExecutionFailed { step, failure }
        } else {
            Fact::CompensationStarted { cause: Cause::Failed { step, failure } }
        })
    }

    fn output(&self) -> Action {
        let scope = self.scope(&[&self.frame]);
        let output = match &self.playbook.output {
            Some(output) => output.eval(&scope).map(Arc::new),
            None => Ok(self.last_result(&self.frame, None, None)),
        };
        match output {
            Ok(output) => Action::Record(Fact::ExecutionCompleted { output }),
            Err(error) => self.failed(None, uncomputable("output", &error)),
        }
    }

    /// The result of the last step of a run that has one.
    pub(super) fn last_result(
        &self,
        frame: &Frame,
        parent: Option<usize>,
        case: Option<usize>,
    ) -> Arc<Value> {
        let mut last = None;
        for at in self.playbook.inside(parent) {
            let Some(step) = self.playbook.steps.get(at) else { continue };
            if case.is_some_and(|case| case != step.place.case) {
                continue;
            }
            if let Some(Done::Result(result)) = frame.level.steps.get(&step.name) {
                last = Some(Arc::clone(result));
            }
        }
        last.unwrap_or_default()
    }

    /// Whether a step that another waits for is over, or what it is inside of is. `frames`: those around the other.
    pub(super) fn is_past(&self, frames: &[&Frame], need: usize) -> bool {
        let mut next = Some(need);
        while let Some((at, step)) = next.and_then(|at| Some((at, self.playbook.steps.get(at)?))) {
            let state = frames.get(step.place.depth).and_then(|frame| frame.slot(at));
            if state.is_some_and(|state| is_over(step, state)) {
                return true;
            }
            next = step.place.parent;
        }
        false
    }

    /// What expressions see from inside of these frames, the playbook's own first.
    pub(super) fn scope<'s>(&'s self, frames: &[&'s Frame]) -> Scope<'s> {
        let (root, inner) =
            frames.split_first().map_or((&self.frame, &[] as &[_]), |(root, inner)| (*root, inner));
        Scope {
            execution: &self.execution,
            input: &self.input,
            event: None,
            root: &root.level,
            inner: inner.iter().map(|frame| &frame.level).collect(),
        }
    }
}

pub(super) fn complete(step: StepPath, result: Arc<Value>) -> Action {
    Action::Record(Fact::StepCompleted { step, result, cached: false })
}

pub(super) fn uncomputable(part: &str, error: &EvalError) -> Failure {
    let message = format!("`{part}` cannot be computed: {error}");
    Failure::permanent(code::EXPRESSION, message).caused_by(error)
}

/// What is wrong with the list of a loop, if anything.
pub(super) fn loop_problem(items: &Value) -> Option<Failure> {
    let message = match items {
        Value::Array(items) if items.len() <= MAX_ITERATIONS => return None,
        Value::Array(items) => format!("`forEach` has {} elements, {MAX_ITERATIONS} at most", items.len()),
        other => format!("`forEach` needs a list, and got {}", kind(other)),
    };
    Some(Failure::permanent(code::EXPRESSION, message))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
