//! What an execution wants done next.
//!
//! The steps are looked at in the order written; the first that something can be done for decides. When a step
//! failed and nobody goes on after it, nothing new begins beside it: what is at work comes to its end, open
//! questions are withdrawn, children are stopped, and then what it is inside of fails.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::expression::{EvalError, Scope};
use crate::failure::{Failure, code};
use crate::ids::{ExecutionId, PlaybookName};
use crate::intervention::Origin;
use crate::playbook::{MAX_ITERATIONS, OnFailure, Step, Work};
use crate::step_path::StepPath;

use super::begin::Beginning;
use super::event::Cause;
use super::fact::Fact;
use super::frame::Frame;
use super::question::Question;
use super::state::State;
use super::step_state::{Attempt, Loop, Resumption, StepState};

/// The next thing to do. The driver does it, and records what came of it.
#[derive(Debug, Clone, PartialEq)]
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

/// What a run of steps beside each other comes to.
enum Verdict {
    Do(Box<Action>),
    /// Something must come from outside.
    Wait,
    /// Every one is over.
    Over,
    /// One failed, and all is quiet.
    Failed(StepPath, Failure),
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
        if let Some(fact) = self.question_due(now) {
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
    fn last_result(&self, frame: &Frame, parent: Option<usize>, case: Option<usize>) -> Arc<Value> {
        let mut last = None;
        for at in self.playbook.inside(parent) {
            let Some(step) = self.playbook.steps.get(at) else { continue };
            if case.is_some_and(|case| case != step.place.case) {
                continue;
            }
            if let Some(crate::expression::Done::Result(result)) = frame.level.steps.get(&step.name) {
                last = Some(Arc::clone(result));
            }
        }
        last.unwrap_or_default()
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
    fn body(&self, parent: Option<usize>, case: Option<usize>) -> Verdict {
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
                let ready = iteration || step.needs.iter().all(|need| self.is_over(*need));
                ready.then(|| self.begin(at, step, iteration)).flatten()
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

    /// Whether a step that another waits for is over.
    fn is_over(&self, need: usize) -> bool {
        let Some(step) = self.state.playbook.steps.get(need) else { return false };
        let state = self.frames.get(step.place.depth).and_then(|frame| frame.slot(need));
        state.is_some_and(|state| is_over(step, state))
    }

    fn begin(&self, at: usize, step: &'s Step, iteration: bool) -> Option<Action> {
        let beginning =
            Beginning { now: self.now, scope: self.state.scope(&self.frames), path: self.path(step) };
        Some(beginning.action(at, step, iteration))
    }

    /// Another attempt of what a step runs.
    fn again(&self, at: usize, step: &Step, attempt: Attempt) -> Action {
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

    /// What an answer, or its absence, means for the step that asked.
    fn answered(&self, at: usize, step: &'s Step, state: &'s StepState, iteration: bool) -> Option<Action> {
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
                    (None, Some(input))
                        if matches!(step.work, Work::Operation { .. } | Work::Playbook { .. }) =>
                    {
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

pub(super) fn complete(step: StepPath, result: Arc<Value>) -> Action {
    Action::Record(Fact::StepCompleted { step, result })
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
