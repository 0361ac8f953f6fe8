//! Histories under construction: a state, and the events that made it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use orgata_model::execution::{Event, Fact, IllegalEvent, PlaybookRef, State};
use orgata_model::intervention::{Intervention, OnDeadline, Origin};
use orgata_model::playbook::Playbook;
use orgata_model::runtime::Environment;
use orgata_model::{Digest, ExecutionId, Failure, InterventionId, StepName, StepPath};
use serde_json::{Value, json};

/// One step of each kind, one with a condition, and an output that reads them.
pub(crate) const WALK: &str = r#"
name: walk
version: 1.2.3
timeout: 1h
roles: [clerk, manager]
steps:
  - name: work
    operation: x/work
    params: { v: $input.v }
    retries: { max: 3, jitter: none }
  - name: ask
    role: clerk
    intervention:
      prompt: "Which, of {{ input.v }}?"
      options: [red, blue]
      timeout: { after: 10m, answer: red }
  - name: last
    when: input.v > 2
    operation: x/last
    params: { color: $steps.ask.result }
output: { color: $steps.ask.result, worked: $steps.work.result }
"#;

/// The time that histories begin at.
pub(crate) const BEGIN: &str = "2026-03-01T08:00:00Z";

pub(crate) fn playbook(source: &str) -> Arc<Playbook> {
    Arc::new(Playbook::parse("walk.yaml", source).unwrap_or_else(|wrong| panic!("{wrong}")))
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    BEGIN.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

pub(crate) fn name(text: &str) -> StepName {
    text.parse().unwrap()
}

pub(crate) fn path(text: &str) -> StepPath {
    text.parse().unwrap()
}

pub(crate) fn execution() -> ExecutionId {
    ExecutionId::new(uuid::Uuid::from_u128(0x0192_f3a0_0000_7000_8000_0000_0000_0001))
}

pub(crate) fn question(number: u128) -> InterventionId {
    InterventionId::new(uuid::Uuid::from_u128(0x0192_f3a0_0000_7000_9000_0000_0000_0000 + number))
}

/// A state and the events that made it.
#[derive(Clone)]
pub(crate) struct History {
    pub(crate) state: State,
    pub(crate) events: Vec<Event>,
}

impl History {
    /// A new execution of the playbook, with this input.
    pub(crate) fn begin(playbook: &Arc<Playbook>, input: Value) -> Self {
        let first = Event { seq: 1, at: at(0), actor: "ada".into(), fact: started(playbook, input) };
        let state = State::begin(execution(), Arc::clone(playbook), &first).unwrap();
        Self { state, events: vec![first] }
    }

    /// The event that would come next with this fact.
    pub(crate) fn next(&self, fact: Fact) -> Event {
        let seq = self.state.version + 1;
        Event { seq, at: at(i64::try_from(seq).unwrap()), actor: "engine".into(), fact }
    }

    /// Adds a fact; an illegal one leaves the history as it was.
    pub(crate) fn try_add(&mut self, fact: Fact) -> Result<(), IllegalEvent> {
        let event = self.next(fact);
        self.state = self.state.clone().after(&event)?;
        self.events.push(event);
        Ok(())
    }

    /// The history with one more fact, which must be legal.
    #[must_use]
    pub(crate) fn with(mut self, fact: Fact) -> Self {
        self.try_add(fact).unwrap();
        self
    }

    /// What folding its events from the first gives.
    pub(crate) fn refolded(&self) -> State {
        fold(&self.state.playbook, &self.events)
    }
}

/// The state that these events make.
pub(crate) fn fold(playbook: &Arc<Playbook>, events: &[Event]) -> State {
    let (first, rest) = events.split_first().unwrap();
    let begun = State::begin(execution(), Arc::clone(playbook), first).unwrap();
    rest.iter().fold(begun, |state, event| state.after(event).unwrap())
}

/// Compares everything that is in a state.
#[track_caller]
pub(crate) fn assert_same(left: &State, right: &State) {
    assert_eq!(left.summary(), right.summary());
    assert_eq!(left.environment, right.environment);
    assert_eq!(left.deadline, right.deadline);
    assert_eq!((&left.parent, &left.fork, &left.started_by), (&right.parent, &right.fork, &right.started_by));
    assert_eq!((&left.execution, &left.input), (&right.execution, &right.input));
    assert_eq!(left.frame, right.frame);
    assert_eq!(left.open, right.open);
    assert_eq!(left.resolved, right.resolved);
    assert_eq!(left.mailbox, right.mailbox);
    assert_eq!(left.unwinding, right.unwinding);
    assert_eq!(left.paused, right.paused);
    assert_eq!(left.end, right.end);
}

pub(crate) fn started(playbook: &Playbook, input: Value) -> Fact {
    Fact::ExecutionStarted {
        runtime: "kitchen-v1".parse().unwrap(),
        environment: Environment::Staging,
        playbook: PlaybookRef {
            name: playbook.name.clone(),
            version: playbook.version.clone(),
            digest: playbook.digest,
        },
        input: Arc::new(input),
        plugins: BTreeMap::from([("x".parse().unwrap(), Digest::of(b"x"))]),
        deadline: playbook.timeout.map(|timeout| at(0) + timeout),
        labels: BTreeMap::from([("order".to_owned(), "17".to_owned())]),
        parent: None,
        fork: None,
    }
}

pub(crate) fn step_started(step: &str, attempt: u32) -> Fact {
    let operation = format!("x/{}", path(step).name()).parse().unwrap();
    Fact::StepStarted { step: path(step), attempt, operation, input: Arc::new(json!({ "v": 3 })) }
}

pub(crate) fn completed(step: &str, result: Value) -> Fact {
    Fact::StepCompleted { step: path(step), result: Arc::new(result), cached: false }
}

pub(crate) fn failed(step: &str) -> Fact {
    Fact::StepFailed { step: path(step), failure: Failure::permanent("BROKEN", "it broke") }
}

pub(crate) fn skipped(step: &str) -> Fact {
    Fact::StepSkipped { step: path(step), result: None, reason: None }
}

pub(crate) fn retry(step: &str, attempt: u32, seconds: i64) -> Fact {
    Fact::StepRetryScheduled {
        step: path(step),
        attempt,
        at: at(seconds),
        failure: Failure::transient("BUSY", "try later"),
    }
}

pub(crate) fn asked(step: &str, number: u128, origin: Origin) -> Fact {
    asked_until(step, number, origin, None, OnDeadline::Fail)
}

pub(crate) fn asked_until(
    step: &str,
    number: u128,
    origin: Origin,
    deadline: Option<Timestamp>,
    on_deadline: OnDeadline,
) -> Fact {
    Fact::InterventionRequired {
        intervention: Intervention {
            id: question(number),
            step: path(step),
            kind: "human_decision".to_owned(),
            prompt: "Which?".to_owned(),
            options: vec!["red".to_owned(), "blue".to_owned()],
            response_schema: None,
            assignee_role: Some("clerk".parse().unwrap()),
            context: None,
            deadline,
            on_deadline,
            reminder: None,
            approvals: 1,
            approved: Vec::new(),
            self_approval: true,
            humans_only: false,
            origin,
        },
    }
}

pub(crate) fn by_operation() -> Origin {
    Origin::Operation { resume_state: json!({ "page": 2 }) }
}

pub(crate) fn answered(step: &str, number: u128, response: Value) -> Fact {
    Fact::InterventionResolved {
        intervention: question(number),
        step: path(step),
        response: Arc::new(response),
        notes: None,
    }
}

pub(crate) fn expired(step: &str, number: u128) -> Fact {
    Fact::InterventionExpired { intervention: question(number), step: path(step) }
}
