//! Stories: an execution that is driven as the engine drives it, with every outcome in the test's hands.
//!
//! [`Story::goes`] does all that is ready and says in words what it was; what comes from outside (results, answers,
//! events, time, operators) the test says. Whatever happens, it must be legal, and fold back to the live state.

use std::sync::Arc;

use orgata_model::duration::DurationText;
use orgata_model::execution::{Action, Cause, Event, Fact, Question, State, StepState};
use orgata_model::intervention::{Intervention, OnDeadline, Origin, Reminder};
use orgata_model::{ExecutionId, Failure, OperationName, StepPath};
use serde_json::{Value, json};

use crate::history::*;

/// An execution, and the second that it is.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) history: History,
    pub(crate) now: i64,
    given: u128,
}

impl Story {
    /// The beginning: `steps` is the rest of a playbook of two roles and no time limit.
    pub(crate) fn of(steps: &str, input: Value) -> Self {
        let source = format!("name: story\nroles: [clerk, manager]\n{steps}");
        Self::begun(History::begin(&playbook(&source), input))
    }

    /// The rest of a history.
    pub(crate) fn begun(history: History) -> Self {
        Self { history, now: 0, given: 0 }
    }

    pub(crate) fn state(&self) -> &State {
        &self.history.state
    }

    /// Does everything that is ready, and says what it was.
    #[track_caller]
    pub(crate) fn goes(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        let mut last = None;
        while let Some(action) = self.state().ready(at(self.now)) {
            assert!(words.len() < 1_000, "it never comes to rest: {words:#?}");
            assert_ne!(last.as_ref(), Some(&action), "the same twice");
            words.push(in_words(self.state(), &action));
            self.perform(action.clone());
            last = Some(action);
        }
        if let Some(wakes_at) = self.state().wakes_at() {
            assert!(wakes_at > at(self.now), "it would wake at {wakes_at} for nothing");
        }
        assert_same(&self.history.refolded(), self.state());
        words
    }

    /// Time passes until this second; then whatever is ready is done.
    #[track_caller]
    pub(crate) fn goes_at(&mut self, second: i64) -> Vec<String> {
        self.now = second;
        self.goes()
    }

    /// Records what the driver records of an action.
    #[track_caller]
    pub(crate) fn perform(&mut self, action: Action) {
        let fact = match action {
            Action::Record(fact) => fact,
            Action::Run { step, attempt, .. } => match attempt.resumption {
                Some(_) => Fact::StepResumed { step, attempt: attempt.number },
                None => {
                    let (operation, input) = (operation(&step), attempt.input);
                    Fact::StepStarted { step, attempt: attempt.number, operation, input }
                }
            },
            Action::Recover { step, attempt, .. } => {
                let mut question = asked(&step.to_string(), self.give(), Origin::Interrupted);
                if let Fact::InterventionRequired { intervention } = &mut question {
                    intervention.context = Some(json!({ "attempt": attempt.number }));
                }
                question
            }
            Action::Ask(question) => {
                let intervention = self.intervention(*question);
                Fact::InterventionRequired { intervention }
            }
            Action::StartChild { step, attempt, playbook, input } => {
                let execution = ExecutionId::new(uuid::Uuid::from_u128(self.give()));
                Fact::ChildStarted { step, attempt, playbook, execution, input }
            }
            Action::StopChild { step, .. } => {
                Fact::StepFailed { step, failure: Failure::permanent("CHILD_FAILED", "it was stopped") }
            }
            Action::Undo { step, attempt, input, .. } => {
                let operation = operation(&step);
                Fact::StepCompensationStarted { step, attempt, operation, input }
            }
        };
        self.record(fact);
    }

    fn give(&mut self) -> u128 {
        self.given += 1;
        self.given
    }

    fn intervention(&mut self, question: Question) -> Intervention {
        let deadline = question.deadline.as_ref().map(|(after, _)| at(self.now) + *after);
        Intervention {
            id: crate::history::question(self.give()),
            step: question.step,
            kind: question.kind,
            prompt: question.prompt,
            options: question.options,
            response_schema: question.response_schema.as_deref().cloned(),
            assignee_role: question.assignee_role,
            context: question.context,
            deadline,
            on_deadline: question.deadline.map_or(OnDeadline::Fail, |(_, then)| then),
            reminder: question
                .reminders
                .map(|every| Reminder { next: at(self.now) + every, every: DurationText(every) }),
            approvals: question.approvals,
            approved: Vec::new(),
            self_approval: question.self_approval,
            humans_only: question.humans_only,
            origin: question.origin,
        }
    }

    /// Something happened now.
    #[track_caller]
    pub(crate) fn record(&mut self, fact: Fact) {
        self.record_of("engine", fact);
    }

    #[track_caller]
    pub(crate) fn record_of(&mut self, who: &str, fact: Fact) {
        let event = self.next(who, fact);
        let state = self.history.state.clone().after(&event);
        self.history.state = state.unwrap_or_else(|refused| panic!("{refused}"));
        self.history.events.push(event);
    }

    fn next(&self, who: &str, fact: Fact) -> Event {
        Event { seq: self.state().version + 1, at: at(self.now), actor: who.into(), fact }
    }

    /// Why this cannot happen now.
    #[track_caller]
    pub(crate) fn refuses(&self, fact: Fact) -> String {
        self.state().clone().after(&self.next("engine", fact)).unwrap_err().reason
    }

    #[track_caller]
    pub(crate) fn done(&mut self, step: &str, result: Value) -> Vec<String> {
        self.record(completed(step, result));
        self.goes()
    }

    #[track_caller]
    pub(crate) fn fails(&mut self, step: &str) -> Vec<String> {
        self.record(failed(step));
        self.goes()
    }

    /// Somebody answers the open question of this step.
    #[track_caller]
    pub(crate) fn answer(&mut self, step: &str, response: Value) -> Vec<String> {
        let (intervention, step) = self.question(step);
        let response = Arc::new(response);
        self.record_of("bob", Fact::InterventionResolved { intervention, step, response, notes: None });
        self.goes()
    }

    #[track_caller]
    pub(crate) fn question(&self, step: &str) -> (orgata_model::InterventionId, StepPath) {
        let open = self.state().open.iter().find(|question| question.step == path(step));
        let open = open.unwrap_or_else(|| panic!("{step} asks nothing: {:#?}", self.state().open));
        (open.id, open.step.clone())
    }

    /// An outside event arrives.
    #[track_caller]
    pub(crate) fn hears(&mut self, event: &str, payload: Value) -> Vec<String> {
        self.record(Fact::EventReceived { event: event.to_owned(), payload: Arc::new(payload) });
        self.goes()
    }

    /// An operator lets an execution that failed go on.
    #[track_caller]
    pub(crate) fn retried(&mut self, step: &str) -> Vec<String> {
        self.record(Fact::ExecutionRetried { step: path(step), input: None, reason: None });
        self.goes()
    }

    pub(crate) fn status(&self) -> &'static str {
        self.state().status().as_str()
    }

    /// Where a step stands, in a word.
    #[track_caller]
    pub(crate) fn stands(&self, step: &str) -> &'static str {
        self.state().stands(&path(step)).map_or("nowhere", |(_, state)| state.as_str())
    }

    /// What an execution gave that succeeded.
    #[track_caller]
    pub(crate) fn output(&self) -> Value {
        let end = self.state().end.as_ref().unwrap_or_else(|| panic!("it is {}", self.status()));
        Value::clone(end.output.as_ref().unwrap_or_else(|| panic!("{:?}", end.failure)))
    }

    /// The attempt that is at work.
    #[track_caller]
    pub(crate) fn attempt(&self, step: &str) -> orgata_model::execution::Attempt {
        match self.state().stands(&path(step)) {
            Some((_, StepState::Running(attempt) | StepState::Child { attempt, .. })) => attempt.clone(),
            other => panic!("{step} is not at work: {other:?}"),
        }
    }
}

fn operation(step: &StepPath) -> OperationName {
    format!("x/{}", step.name()).parse().unwrap()
}

/// An action in a few words.
pub(crate) fn in_words(state: &State, action: &Action) -> String {
    let resumed = |attempt: &orgata_model::execution::Attempt| match (attempt.number, &attempt.resumption) {
        (1, None) => String::new(),
        (number, None) => format!(" #{number}"),
        (number, Some(_)) => format!(" #{number}, resumed"),
    };
    match action {
        Action::Run { step, attempt, .. } => format!("run {step}{}", resumed(attempt)),
        Action::Recover { step, attempt, .. } => format!("recover {step}{}", resumed(attempt)),
        Action::Ask(question) => format!("ask {}", question.step),
        Action::StartChild { step, attempt: 1, playbook, .. } => format!("start {playbook} for {step}"),
        Action::StartChild { step, attempt, playbook, .. } => {
            format!("start {playbook} for {step} #{attempt}")
        }
        Action::StopChild { step, .. } => format!("stop the child of {step}"),
        Action::Undo { step, attempt: 1, input, .. } => format!("undo {step} with {input}"),
        Action::Undo { step, attempt, .. } => format!("undo {step} #{attempt}"),
        Action::Record(fact) => fact_in_words(state, fact),
    }
}

fn fact_in_words(state: &State, fact: &Fact) -> String {
    match fact {
        Fact::StepSkipped { step, result: None, .. } => format!("skip {step}"),
        Fact::StepSkipped { step, result: Some(result), .. } => format!("skip {step} with {result}"),
        Fact::StepEntered { step, case: Some(case) } => format!("enter {step}, case {case}"),
        Fact::StepEntered { step, case: None } => format!("enter {step}"),
        Fact::LoopStarted { step, items } => format!("loop {step} over {items}"),
        Fact::StepWaiting { step, until: Some(until), event: None } => {
            format!("wait {step} until {}", until.duration_since(at(0)).as_secs())
        }
        Fact::StepWaiting { step, event, .. } => format!("wait {step} for {}", event.as_deref().unwrap()),
        Fact::StepCompleted { step, result, .. } => format!("complete {step} with {result}"),
        Fact::StepFailed { step, failure } => format!("fail {step}: {}", failure.code),
        Fact::InterventionExpired { step, .. } => format!("expire {step}"),
        Fact::InterventionReminded { step, .. } => format!("remind {step}"),
        Fact::InterventionWithdrawn { step, .. } => format!("withdraw {step}"),
        Fact::CompensationStarted { cause: Cause::Failed { step, failure } } => {
            let step = step.as_ref().map_or("the output".to_owned(), StepPath::to_string);
            format!("undo all: {step} failed: {}", failure.code)
        }
        Fact::CompensationStarted { cause: Cause::TimedOut } => "undo all: time is up".to_owned(),
        Fact::CompensationStarted { cause: Cause::Cancelled { .. } } => "undo all: cancelled".to_owned(),
        Fact::ExecutionCancelled { .. } => "cancel".to_owned(),
        Fact::StepCompensated { step } => format!("{step} is undone"),
        Fact::StepCompensationFailed { step, failure } => format!("cannot undo {step}: {}", failure.code),
        Fact::CompensationFailed { step, .. } => format!("give up undoing {step}"),
        Fact::ExecutionCompensated {} => "all is undone".to_owned(),
        Fact::ExecutionTimedOut {} => "time out".to_owned(),
        Fact::ExecutionCompleted { output } => format!("finish with {output}"),
        Fact::ExecutionFailed { step, failure } => {
            let step = step.as_ref().map_or("the output".to_owned(), StepPath::to_string);
            format!("fail over {step}: {}", failure.code)
        }
        other => panic!("{} is not ready in {}", other.name(), state.id),
    }
}
