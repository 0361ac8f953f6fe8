//! Recorded executions, as something to take results, answers and events from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orgata_model::execution::{Event, Fact};
use orgata_model::intervention::{Intervention, Origin};
use orgata_model::playbook::scenario::{Answer, Asked, Gives, Happening, What};
use orgata_model::{InterventionId, PlaybookName, StepPath};
use serde_json::Value;

/// An execution that happened, here or elsewhere.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// What it ran.
    pub playbook: PlaybookName,
    /// Its history, from the beginning.
    pub events: Vec<Event>,
}

/// What a recorded execution knows.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) input: Option<Arc<Value>>,
    /// What the calls of each step gave, in order; those that undid it apart.
    calls: BTreeMap<(StepPath, bool), Vec<Gives>>,
    /// How the questions of each step were answered, in order.
    answers: BTreeMap<StepPath, Vec<Answer>>,
    /// What happened outside.
    pub(super) events: Vec<Happening>,
}

impl Record {
    pub(super) fn of(recorded: &Recorded) -> Self {
        let mut reader = Reader::default();
        for event in &recorded.events {
            reader.read(event);
        }
        reader.record
    }

    /// What the call after so many gave; the last one stays.
    pub(super) fn gives(&self, step: &StepPath, undoes: bool, calls: usize) -> Option<&Gives> {
        let given = self.calls.get(&(step.clone(), undoes))?;
        given.get(calls).or(given.last())
    }

    /// How its questions were answered.
    pub(super) fn answers(&self, step: &StepPath) -> &[Answer] {
        self.answers.get(step).map(Vec::as_slice).unwrap_or_default()
    }
}

#[derive(Default)]
struct Reader {
    record: Record,
    began: Option<Timestamp>,
    /// Calls under way, and since when.
    calls: BTreeMap<(StepPath, bool), Timestamp>,
    asked: BTreeMap<InterventionId, Timestamp>,
    expired: BTreeSet<InterventionId>,
}

impl Reader {
    fn read(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::ExecutionStarted { input, .. } => {
                self.began = Some(at);
                self.record.input = Some(Arc::clone(input));
            }
            Fact::StepStarted { step, .. } | Fact::StepResumed { step, .. } => self.begins(step, false, at),
            Fact::StepCompensationStarted { step, .. } => self.begins(step, true, at),
            Fact::StepCompleted { step, result, .. } => {
                self.gives(step, false, at, What::Result(Arc::clone(result)));
            }
            Fact::StepFailed { step, failure } | Fact::StepRetryScheduled { step, failure, .. } => {
                self.gives(step, false, at, What::Fail(failure.clone()));
            }
            Fact::StepCompensated { step } => self.gives(step, true, at, What::Result(Arc::default())),
            Fact::StepCompensationFailed { step, failure }
            | Fact::StepCompensationRetryScheduled { step, failure, .. } => {
                self.gives(step, true, at, What::Fail(failure.clone()));
            }
            Fact::InterventionRequired { intervention } => self.asks(intervention, at),
            Fact::InterventionResolved { intervention, step, response, notes }
            | Fact::InterventionApproved { intervention, step, response, notes } => {
                let answer = Answer {
                    response: Some(Value::clone(response)),
                    by: Some(event.actor.to_string()),
                    after: self.asked.get(intervention).map_or(Duration::ZERO, |asked| since(*asked, at)),
                    notes: notes.clone(),
                };
                self.answers(step, answer);
            }
            Fact::InterventionExpired { intervention, step } if self.expired.insert(*intervention) => {
                let nobody = Answer { response: None, by: None, after: Duration::ZERO, notes: None };
                self.answers(step, nobody);
            }
            Fact::EventReceived { event, payload } => {
                let after = self.began.map_or(Duration::ZERO, |began| since(began, at));
                let (event, payload) = (event.clone(), Arc::clone(payload));
                self.record.events.push(Happening { event, payload, at: after, kept: true });
            }
            _ => {}
        }
    }

    fn begins(&mut self, step: &StepPath, undoes: bool, at: Timestamp) {
        self.calls.insert((step.clone(), undoes), at);
    }

    /// A call ended, if one was under way: an operator may have said the same without one.
    fn gives(&mut self, step: &StepPath, undoes: bool, at: Timestamp, what: What) {
        let key = (step.clone(), undoes);
        if let Some(began) = self.calls.remove(&key) {
            self.record.calls.entry(key).or_default().push(Gives { what, takes: since(began, at) });
        }
    }

    fn asks(&mut self, question: &Intervention, at: Timestamp) {
        self.asked.insert(question.id, at);
        if let Origin::Operation { .. } = question.origin {
            let asked = Asked {
                prompt: question.prompt.clone(),
                options: question.options.clone(),
                response_schema: question.response_schema.clone(),
                role: question.assignee_role.clone(),
                timeout: question.deadline.map(|deadline| since(at, deadline)),
            };
            self.gives(&question.step, false, at, What::Ask(Box::new(asked)));
        }
    }

    fn answers(&mut self, step: &StepPath, answer: Answer) {
        self.record.answers.entry(step.clone()).or_default().push(answer);
    }
}

fn since(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}
