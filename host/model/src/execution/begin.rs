//! How each kind of step begins.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::expression::{EvalError, Scope, Template};
use crate::failure::{Failure, code};
use crate::playbook::{Case, Step, Wait, Work};
use crate::step_path::StepPath;

use super::fact::Fact;
use super::frame::Frame;
use super::question::Question;
use super::ready::{Action, complete, loop_problem, uncomputable};
use super::state::State;
use super::step_state::Attempt;

/// A step whose turn has come.
pub(super) struct Beginning<'s> {
    pub(super) now: Timestamp,
    pub(super) scope: Scope<'s>,
    pub(super) path: StepPath,
}

impl Beginning<'_> {
    /// `iteration`: one iteration of its loop begins, not the loop.
    pub(super) fn action(self, at: usize, step: &Step, iteration: bool) -> Action {
        match self.begun(at, step, iteration) {
            Ok(action) => action,
            Err(failure) => Action::Record(Fact::StepFailed { step: self.path, failure }),
        }
    }

    fn begun(&self, at: usize, step: &Step, iteration: bool) -> Result<Action, Failure> {
        let path = self.path.clone();
        if let Some(each) = step.each.as_ref().filter(|_| !iteration) {
            let items = match self.value("forEach", &each.items)? {
                // What was read of a step that was skipped.
                Value::Null => Value::Array(Vec::new()),
                items => items,
            };
            let items = loop_problem(&items).map_or(Ok(Arc::new(items)), Err)?;
            return Ok(Action::Record(Fact::LoopStarted { step: path, items }));
        }
        if let Some(when) = &step.when
            && !when.holds(&self.scope).map_err(|error| uncomputable("when", &error))?
        {
            return Ok(Action::Record(Fact::StepSkipped { step: path, result: None, reason: None }));
        }
        match &step.work {
            Work::Operation { params, .. } => {
                if let Some(key) = &step.idempotency_key {
                    self.value("idempotencyKey", key)?;
                }
                let input = Arc::new(self.value("params", params)?);
                Ok(Action::Run { at, step: path, attempt: Attempt { number: 1, input, resumption: None } })
            }
            Work::Playbook { playbook, params } => {
                let input = Arc::new(self.value("params", params)?);
                Ok(Action::StartChild { step: path, attempt: 1, playbook: playbook.clone(), input })
            }
            Work::Intervention(ask) => {
                let question = Question::of_step(step, path, ask, &self.scope);
                let question = question.map_err(|error| uncomputable("intervention", &error))?;
                Ok(Action::Ask(Box::new(question)))
            }
            Work::Wait(wait) => self.wait(wait),
            Work::Group => Ok(Action::Record(Fact::StepEntered { step: path, case: None })),
            Work::Switch(cases) => {
                let case = self.case(cases)?.and_then(|case| u32::try_from(case).ok());
                Ok(Action::Record(Fact::StepEntered { step: path, case }))
            }
            Work::Set(values) => Ok(complete(path, Arc::new(self.value("set", values)?))),
            Work::Fail { code, message } => {
                let message = text(message, &self.scope).map_err(|error| uncomputable("fail", &error))?;
                Err(Failure::permanent(code.clone(), message))
            }
            Work::NotAvailable(key) => {
                Err(Failure::permanent(code::NOT_AVAILABLE, format!("`{key}` steps are not available yet")))
            }
        }
    }

    fn value(&self, part: &str, template: &Template) -> Result<Value, Failure> {
        template.eval(&self.scope).map_err(|error| uncomputable(part, &error))
    }

    /// The first case that holds.
    fn case(&self, cases: &[Case]) -> Result<Option<usize>, Failure> {
        for (at, case) in cases.iter().enumerate() {
            let holds = case.when.as_ref().map_or(Ok(true), |when| when.holds(&self.scope));
            if holds.map_err(|error| uncomputable("when", &error))? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    fn wait(&self, wait: &Wait) -> Result<Action, Failure> {
        let after = |wait: Duration| {
            let at = self
                .now
                .checked_add(wait)
                .map_err(|_| Failure::permanent(code::EXPRESSION, "the wait is longer than the calendar"));
            // Stores keep whole microseconds.
            at.map(|at| at.round(jiff::Unit::Microsecond).unwrap_or(at))
        };
        let (until, event) = match wait {
            Wait::For(duration) => (Some(after(*duration)?), None),
            Wait::At(at) => (Some(*at), None),
            Wait::Until(until) => {
                let value = until.eval(&self.scope).map_err(|error| uncomputable("until", &error))?;
                let time = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
                let wrong = || {
                    let message =
                        format!("`until` gave {value}, which is no time such as 2026-03-01T08:00:00Z");
                    Failure::permanent(code::EXPRESSION, message)
                };
                (Some(time.ok_or_else(wrong)?), None)
            }
            Wait::Event { event, timeout, .. } => (timeout.map(after).transpose()?, Some(event.clone())),
        };
        Ok(Action::Record(Fact::StepWaiting { step: self.path.clone(), until, event }))
    }
}

impl State {
    /// What an effect of this step is known by outside: the same for every attempt.
    pub fn idempotency_key(&self, path: &StepPath) -> String {
        let by_author = self.playbook.step(path.name()).and_then(|(at, step)| {
            let key = step.idempotency_key.as_ref()?;
            let frames = self.frames_of(at, path)?;
            text(key, &self.scope(&frames)).ok()
        });
        by_author.unwrap_or_else(|| format!("{}/{path}", self.id))
    }

    /// The key of which one step at a time is at work. One that cannot be computed is told as the reason.
    pub fn concurrency_key(&self, path: &StepPath) -> Option<Result<String, EvalError>> {
        let (at, step) = self.playbook.step(path.name())?;
        let key = step.concurrency_key.as_ref()?;
        if let Some(frames) = self.frames_of(at, path) {
            return Some(text(key, &self.scope(&frames)));
        }
        let (around, frame) = self.frame_to_come(at, step, path)?;
        let mut frames = self.frames_of(at, &around)?;
        frames.push(&frame);
        Some(text(key, &self.scope(&frames)))
    }

    /// The frame of an iteration that has not begun, and the path of what is around it: the frame comes with the
    /// iteration's first event.
    fn frame_to_come(&self, at: usize, step: &Step, path: &StepPath) -> Option<(StepPath, Frame)> {
        let (iteration, around) = path.iterations().split_last()?;
        let around = StepPath::new(path.name().clone(), around);
        let super::StepState::Looping(progress) = self.frames_of(at, &around)?.last()?.slot(at)? else {
            return None;
        };
        let item = progress.items.get(*iteration as usize)?.clone();
        Some((around, Frame::of_iteration(at, step, *iteration, item)))
    }

    /// The frames around a step, the playbook's own first.
    pub(super) fn frames_of(&self, at: usize, path: &StepPath) -> Option<Vec<&Frame>> {
        let mut frames = vec![&self.frame];
        if path.iterations().is_empty() {
            return Some(frames);
        }
        for (around, iteration) in
            self.playbook.loops_around(at).into_iter().chain([at]).zip(path.iterations())
        {
            let super::StepState::Looping(progress) = frames.last()?.slot(around)? else { return None };
            frames.push(progress.active.get(iteration)?);
        }
        Some(frames)
    }

    /// The first event in the mailbox that the step at this place waits for.
    pub(super) fn letter(&self, at: usize, frames: &[&Frame]) -> Option<usize> {
        let Work::Wait(Wait::Event { event, matches, .. }) = &self.playbook.steps.get(at)?.work else {
            return None;
        };
        self.mailbox.iter().position(|letter| {
            letter.event == *event
                && matches.as_ref().is_none_or(|matches| {
                    let scope = Scope { event: Some(&letter.payload), ..self.scope(frames) };
                    // What cannot be computed of this event does not hold for it.
                    matches.holds(&scope).unwrap_or(false)
                })
        })
    }

    /// Whether a step waits for this event.
    pub fn awaits(&self, event: &str, payload: &Arc<Value>) -> bool {
        self.at_work().iter().any(|(path, state)| {
            let super::StepState::Waiting { event: Some(awaited), .. } = state else { return false };
            let Some((at, step)) = self.playbook.step(path.name()).filter(|_| awaited == event) else {
                return false;
            };
            let Work::Wait(Wait::Event { matches, .. }) = &step.work else { return false };
            let Some(frames) = self.frames_of(at, path) else { return false };
            let scope = Scope { event: Some(payload), ..self.scope(&frames) };
            matches.as_ref().is_none_or(|matches| matches.holds(&scope).unwrap_or(false))
        })
    }
}

/// A template's value as text.
pub(super) fn text(template: &Template, scope: &Scope<'_>) -> Result<String, EvalError> {
    Ok(match template.eval(scope)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}
