//! A look at the steps of an execution, in the order written: what can be done for each.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::failure::{Failure, code};
use crate::intervention::Origin;
use crate::playbook::{OnFailure, Step, Work};
use crate::step_path::StepPath;

use super::begin::Beginning;
use super::fact::Fact;
use super::frame::Frame;
use super::question::Question;
use super::ready::{Action, complete, fatal, is_over};
use super::state::State;
use super::step_state::{Attempt, Loop, StepState};

/// What a run of steps beside each other comes to.
pub(super) enum Verdict {
    Do(Box<Action>),
    /// Something must come from outside.
    Wait,
    /// Every one is over.
    Over,
    /// One failed, and all is quiet.
    Failed(StepPath, Failure),
}

/// A look at an execution from inside of some of its frames.
pub(super) struct Look<'s> {
    pub(super) state: &'s State,
    pub(super) now: Timestamp,
    /// The playbook's own, then those of the iterations.
    pub(super) frames: Vec<&'s Frame>,
    pub(super) iterations: Vec<u32>,
}

impl<'s> Look<'s> {
    fn frame(&self) -> &'s Frame {
        self.frames.last().copied().unwrap_or(&self.state.frame)
    }

    pub(super) fn path(&self, step: &Step) -> StepPath {
        StepPath::new(step.name.clone(), &self.iterations)
    }

    /// From inside of one iteration of a loop.
    fn into(&self, iteration: u32, frame: &'s Frame) -> Look<'s> {
        let mut inner = Look {
            state: self.state,
            now: self.now,
            frames: self.frames.clone(),
            iterations: self.iterations.clone(),
        };
        inner.frames.push(frame);
        inner.iterations.push(iteration);
        inner
    }

    /// The steps beside each other that are directly inside of `parent`.
    pub(super) fn body(&self, parent: Option<usize>, case: Option<usize>) -> Verdict {
        let playbook = &self.state.playbook;
        let own = || {
            let steps = playbook.inside(parent).filter_map(|at| Some((at, playbook.steps.get(at)?)));
            let steps = steps.filter(|(_, step)| case.is_none_or(|case| case == step.place.case));
            steps.filter_map(|(at, step)| Some((at, step, self.frame().slot(at)?)))
        };
        let failed = own().find_map(|(_, step, state)| Some((step, fatal(step, state, false)?)));
        let (mut over, mut busy) = (true, false);
        for (at, step, state) in own() {
            if is_over(step, state) {
                continue;
            }
            over = false;
            let action = match failed {
                Some(_) => self.come_to_rest(at, step, state, &mut busy),
                None => self.step(at, step, state, false),
            };
            if let Some(action) = action {
                return Verdict::Do(Box::new(action));
            }
        }
        match failed {
            _ if busy => Verdict::Wait,
            Some((step, failure)) => Verdict::Failed(self.path(step), failure.clone()),
            None if over => Verdict::Over,
            None => Verdict::Wait,
        }
    }

    /// What can be done for a step. `iteration`: for one iteration of its loop, not the loop.
    fn step(&self, at: usize, step: &'s Step, state: &'s StepState, iteration: bool) -> Option<Action> {
        match state {
            StepState::Pending => {
                self.turn(step, iteration).then(|| self.begin(at, step, iteration)).flatten()
            }
            // An operator who asked about it early does not make it begin early.
            StepState::Answered { intervention, .. }
                if intervention.origin == Origin::Operator && !self.turn(step, iteration) =>
            {
                None
            }
            StepState::Entered { case } => self.inside(at, step, *case),
            StepState::Looping(progress) => self.looping(at, step, progress),
            StepState::Retrying { attempt, at: due, .. } if *due <= self.now => {
                Some(self.again(at, step, attempt.clone()))
            }
            StepState::Interrupted(attempt) => {
                Some(Action::Recover { at, step: self.path(step), attempt: attempt.clone() })
            }
            StepState::Answered { .. } => self.answered(at, step, state, iteration),
            StepState::Waiting { until, event } => self.waited(at, step, *until, event.as_deref()),
            StepState::Failed { failure, given_up: false, attempt, .. }
                if step.on_failure == OnFailure::Intervene =>
            {
                Some(Action::Ask(Box::new(Question::after_failure(
                    step,
                    self.path(step),
                    failure,
                    attempt.as_ref(),
                ))))
            }
            _ => None,
        }
    }

    /// Whether everything that the step waits for is over. Its iterations follow its own turn.
    fn turn(&self, step: &Step, iteration: bool) -> bool {
        iteration || step.needs.iter().all(|need| self.state.is_past(&self.frames, *need))
    }

    pub(super) fn begin(&self, at: usize, step: &'s Step, iteration: bool) -> Option<Action> {
        let beginning =
            Beginning { now: self.now, scope: self.state.scope(&self.frames), path: self.path(step) };
        Some(beginning.action(at, step, iteration))
    }

    /// Another attempt of what a step runs.
    pub(super) fn again(&self, at: usize, step: &Step, attempt: Attempt) -> Action {
        let path = self.path(step);
        match &step.work {
            Work::Playbook { playbook, .. } => Action::StartChild {
                step: path,
                attempt: attempt.number,
                playbook: playbook.clone(),
                input: attempt.input,
            },
            _ => Action::Run { at, step: path, attempt },
        }
    }

    fn inside(&self, at: usize, step: &Step, case: Option<usize>) -> Option<Action> {
        let taken = match &step.work {
            Work::Switch(cases) => {
                let goes_elsewhere = |case: usize| cases.get(case).is_some_and(|case| case.goto.is_some());
                if case.is_none_or(goes_elsewhere) {
                    return Some(complete(self.path(step), Arc::default()));
                }
                case
            }
            _ => None,
        };
        match self.body(Some(at), taken) {
            Verdict::Do(action) => Some(*action),
            Verdict::Wait => None,
            Verdict::Over => {
                Some(complete(self.path(step), self.state.last_result(self.frame(), Some(at), taken)))
            }
            Verdict::Failed(_, failure) => {
                Some(Action::Record(Fact::StepFailed { step: self.path(step), failure }))
            }
        }
    }

    fn looping(&self, at: usize, step: &'s Step, progress: &'s Loop) -> Option<Action> {
        let mut busy = false;
        let mut at_work = 0;
        for (iteration, frame) in &progress.active {
            let Some(state) = frame.slot(at) else { continue };
            let inner = self.into(*iteration, frame);
            let action = match &progress.failure {
                Some(_) => inner.come_to_rest(at, step, state, &mut busy),
                None => inner.step(at, step, state, true),
            };
            if action.is_some() {
                return action;
            }
            at_work += 1;
        }
        if let Some(failure) = &progress.failure {
            let fact = Fact::StepFailed { step: self.path(step), failure: failure.clone() };
            return (!busy).then_some(Action::Record(fact));
        }
        let most = step.each.as_ref().map_or(1, |each| each.at_once);
        if progress.next < progress.len() && at_work < most {
            return self.next_iteration(at, step, progress);
        }
        let over = progress.active.is_empty() && progress.next >= progress.len();
        let results = || progress.results.values().map(|result| Value::clone(result)).collect();
        over.then(|| complete(self.path(step), Arc::new(Value::Array(results()))))
    }

    fn next_iteration(&self, at: usize, step: &Step, progress: &Loop) -> Option<Action> {
        let item = progress.items.get(progress.next as usize)?.clone();
        let frame = Frame::of_iteration(at, step, progress.next, item);
        let mut frames: Vec<&Frame> = self.frames.clone();
        frames.push(&frame);
        let mut iterations = self.iterations.clone();
        iterations.push(progress.next);
        let beginning = Beginning {
            now: self.now,
            scope: self.state.scope(&frames),
            path: StepPath::new(step.name.clone(), &iterations),
        };
        Some(beginning.action(at, step, true))
    }

    /// What must be done with a step beside one that failed, before what both are inside of can fail. `busy` is set
    /// when its end must be waited for.
    fn come_to_rest(
        &self,
        at: usize,
        step: &'s Step,
        state: &'s StepState,
        busy: &mut bool,
    ) -> Option<Action> {
        match state {
            StepState::Running(_) => *busy = true,
            StepState::Child { execution, .. } => {
                return Some(Action::StopChild { step: self.path(step), execution: *execution });
            }
            StepState::Interrupted(_) => return self.step(at, step, state, false),
            StepState::Answered { intervention, .. } if intervention.origin == Origin::Interrupted => {
                return self.answered(at, step, state, false);
            }
            StepState::WaitingForAnswer { intervention, .. } => {
                let question = self.state.question(*intervention)?;
                if question.origin == Origin::Interrupted {
                    // Whether its effect happened decides what is to be undone.
                    *busy = true;
                    return None;
                }
                let (intervention, step) = (*intervention, self.path(step));
                return Some(Action::Record(Fact::InterventionWithdrawn { intervention, step }));
            }
            StepState::Entered { .. } => {
                let playbook = &self.state.playbook;
                for inner in playbook.inside(Some(at)) {
                    let (step, state) = (playbook.steps.get(inner)?, self.frame().slot(inner)?);
                    let action = self.come_to_rest(inner, step, state, busy);
                    if action.is_some() {
                        return action;
                    }
                }
            }
            StepState::Looping(progress) => {
                for (iteration, frame) in &progress.active {
                    let Some(state) = frame.slot(at) else { continue };
                    let action = self.into(*iteration, frame).come_to_rest(at, step, state, busy);
                    if action.is_some() {
                        return action;
                    }
                }
            }
            _ => {}
        }
        None
    }

    /// What has come of a wait.
    fn waited(
        &self,
        at: usize,
        step: &Step,
        until: Option<Timestamp>,
        event: Option<&str>,
    ) -> Option<Action> {
        if let Some(letter) = self.state.letter(at, &self.frames) {
            let payload = self.state.mailbox.get(letter).map(|letter| Arc::clone(&letter.payload))?;
            return Some(complete(self.path(step), payload));
        }
        until.filter(|until| *until <= self.now)?;
        let Some(event) = event else { return Some(complete(self.path(step), Arc::default())) };
        let message = format!("the event `{event}` did not come in time");
        let failure = Failure::permanent(code::EVENT_NOT_RECEIVED, message);
        Some(Action::Record(Fact::StepFailed { step: self.path(step), failure }))
    }
}
