//! What must hold, whatever happens.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use orgata_engine::access::AuditLine;
use orgata_engine::ports::AuditQuery;
use orgata_model::execution::{Event, Fact, State, Status};
use orgata_model::playbook::Playbook;
use orgata_model::{Digest, ExecutionId, StepPath};

use crate::deletions::Deletions;
use crate::due_times::DueTimes;
use crate::keys::{self, Order};
use crate::people::People;
use crate::support::TestHost;
use crate::support::operations::CallRecord;
use crate::support::store::Written;

/// What was seen so far of one host.
#[derive(Default)]
pub(crate) struct Watch {
    calls: usize,
    /// Starts of effectful attempts, by the seq of their event: each leads to one call at most.
    begun: BTreeSet<(ExecutionId, u64)>,
    checked: BTreeMap<ExecutionId, u64>,
    /// What was written so far.
    written: usize,
    playbooks: HashMap<Digest, Arc<Playbook>>,
    /// The latest time that the clock has shown.
    latest: Timestamp,
    order: Order,
    due_times: Option<DueTimes>,
    deletions: Deletions,
}

impl Watch {
    /// Of a host with these playbooks.
    pub(crate) fn of(playbooks: &[Arc<Playbook>]) -> Self {
        let schedule = playbooks.iter().find_map(|playbook| playbook.schedule.as_ref());
        let due_times = schedule.map(DueTimes::of);
        let playbooks = playbooks.iter().map(|playbook| (playbook.digest, Arc::clone(playbook))).collect();
        Self { playbooks, due_times, ..Self::default() }
    }

    /// Looks at everything that is new. `wanted`: what somebody wanted deleted.
    pub(crate) fn look(&mut self, host: &TestHost, wanted: &BTreeSet<ExecutionId>) {
        self.latest = self.latest.max(host.clock.time());
        for written in host.store.written_after(self.written) {
            self.written += 1;
            self.check_written(host, written, wanted);
        }
        for call in host.world.calls_after(self.calls) {
            self.calls += 1;
            keys::check_turn(host, &call);
            self.check_call(&call);
        }
        for id in host.store.ids() {
            let version = host.summary(id).version;
            if self.checked.insert(id, version) != Some(version) {
                check_history(host, id);
            }
        }
    }

    fn check_written(&mut self, host: &TestHost, written: Written, wanted: &BTreeSet<ExecutionId>) {
        match written {
            Written::Appended { id, events, ended, imported } => {
                let usual = host.settings.retention;
                let retention = |digest| {
                    let own = self.playbooks.get(&digest).and_then(|playbook| playbook.retention);
                    own.unwrap_or(usual).time()
                };
                self.deletions.see(retention, id, &events, ended, imported);
                self.order.see(&self.playbooks, id, &events, ended, imported);
                if let Some(due_times) = &mut self.due_times {
                    due_times.see(id, &events, ended, imported);
                }
            }
            Written::Marked(mark) => {
                if let Some(due_times) = &mut self.due_times {
                    due_times.moved(&mark, self.latest);
                }
            }
            Written::Purged(gone) => self.deletions.gone(&gone, wanted, self.latest),
        }
    }

    /// No clock has shown a later time.
    pub(crate) fn latest(&self) -> Timestamp {
        self.latest
    }

    /// Whether the schedule, if there is one, has been followed until now.
    pub(crate) fn is_up_to_date(&self, host: &TestHost) -> bool {
        self.due_times.as_ref().is_none_or(|due_times| due_times.is_up_to_date(host))
    }

    fn check_call(&mut self, call: &CallRecord) {
        let Some(path) = path_of(call) else { panic!("the key is not of {}: {call:#?}", call.execution) };
        assert_eq!(path.name(), &call.step, "the key is that of its step");
        let undoes = call.key.ends_with("/compensation");
        if let Some(Fact::ExecutionStarted { plugins, .. }) = call.durable.first().map(|event| &event.fact) {
            assert!(plugins.values().any(|pinned| *pinned == call.digest), "pins are kept: {call:#?}");
        }
        let completed = |fact: &Fact| match fact {
            Fact::StepCompleted { step, .. } => !undoes && *step == path,
            Fact::StepCompensated { step } => undoes && *step == path,
            _ => false,
        };
        let again = call.durable.iter().any(|event| completed(&event.fact));
        assert!(!again, "{path} is called after its result was durable: {}", journal(&call.durable));
        if !call.operation.starts_with("mail/") {
            return;
        }
        let starts = |fact: &Fact| match fact {
            Fact::StepStarted { step, attempt, .. } | Fact::StepResumed { step, attempt } => {
                !undoes && *step == path && *attempt == call.attempt
            }
            Fact::StepCompensationStarted { step, attempt, .. } => {
                undoes && *step == path && *attempt == call.attempt
            }
            _ => false,
        };
        let start = call.durable.iter().rposition(|event| starts(&event.fact));
        let Some(start) = start else { panic!("the start is not durable: {}", journal(&call.durable)) };
        let (start, later) = call.durable[start..].split_first().unwrap();
        assert!(self.begun.insert((call.execution, start.seq)), "{path} is called twice for one start");
        let of_step = |event: &&Event| event.fact.step() == Some(&path);
        let since = later.iter().find(of_step);
        assert!(since.is_none(), "{path} went on before it was called: {}", journal(&call.durable));
        let over = later.iter().any(|event| event.fact.closes_questions());
        assert!(!over, "{path} is called after the execution turned back: {}", journal(&call.durable));
    }
}

/// The step that a call is for, as its key says.
fn path_of(call: &CallRecord) -> Option<StepPath> {
    let path = call.key.strip_prefix(&format!("{}/", call.execution))?;
    path.strip_suffix("/compensation").unwrap_or(path).parse().ok()
}

/// What holds of one execution at any time.
fn check_history(host: &TestHost, id: ExecutionId) {
    let events = host.history(id);
    let playbook = host.store.playbook_of(id);
    let state = fold(id, &playbook, &events);
    assert_eq!(state.summary(), host.summary(id), "the summary is the fold of the history");
    let open: Vec<_> = host.store.open().into_iter().filter(|open| open.execution == id).collect();
    let ids = |open: Vec<orgata_model::InterventionId>| open.into_iter().collect::<BTreeSet<_>>();
    let stored = ids(open.iter().map(|open| open.intervention.id).collect());
    assert_eq!(stored, ids(state.open.iter().map(|open| open.id).collect()), "questions of {id}");
    let mut completed = BTreeSet::new();
    let (mut to_undo, mut undone) = (Vec::new(), Vec::new());
    let mut ended = false;
    for event in &events {
        let retried = matches!(event.fact, Fact::ExecutionRetried { .. });
        assert!(!ended || retried, "something happens after the end: {}", journal(&events));
        ended = event.fact.is_end();
        match &event.fact {
            Fact::StepCompleted { step, .. } => {
                assert!(completed.insert(step.clone()), "{step} completes twice: {}", journal(&events));
                let (_, definition) = playbook.step(step.name()).unwrap();
                let looped = definition.each.is_some() && step.iterations().len() == definition.place.depth;
                if definition.compensation.is_some() && !looped {
                    to_undo.push(step.clone());
                }
            }
            Fact::StepCompensated { step } => undone.push(step.clone()),
            Fact::ExecutionCompensated {} => {
                let newest_first: Vec<_> = to_undo.iter().rev().cloned().collect();
                assert_eq!(
                    undone,
                    newest_first,
                    "completed steps are undone, newest first: {}",
                    journal(&events)
                );
            }
            _ => {}
        }
    }
}

pub(crate) fn fold(id: ExecutionId, playbook: &Arc<Playbook>, events: &[Event]) -> State {
    let mut state = first_state(id, playbook, events);
    for event in &events[1..] {
        state.advance(event).unwrap();
    }
    state
}

/// The state that a history begins with.
pub(crate) fn first_state(id: ExecutionId, playbook: &Arc<Playbook>, events: &[Event]) -> State {
    State::begin(id, Arc::clone(playbook), &events[0]).unwrap()
}

/// What holds whenever nothing moves: nobody is at work for what has ended.
pub(crate) fn check_rest(host: &TestHost) {
    for call in host.world.running().into_iter().map(|place| host.world.call_at(place)) {
        let ended = host.status(call.execution).is_some_and(Status::is_end);
        assert!(!ended, "{} is under way, and its execution has ended", call.key);
    }
}

/// What holds when everything has ended.
pub(crate) fn check_end(host: &TestHost) {
    assert_eq!(host.engine.active(), 0, "nobody stays in memory");
    assert!(host.store.open().is_empty(), "no question outlives its execution");
    for id in host.store.ids() {
        check_children(host, id);
        check_wish(host, id);
    }
}

/// Every answer that was accepted is in the audit, as long as lines are kept.
pub(crate) async fn check_audit(host: &TestHost, people: &People, latest: Timestamp) {
    let kept_since = host.settings.audit_keep.time().map(|time| latest - time);
    let query = AuditQuery { limit: usize::MAX, ..AuditQuery::default() };
    let lines = host.store.audit().audit_lines(&query).await.unwrap().items;
    for (at, who, to) in people.accepted.lock().unwrap().iter() {
        let is_it = |line: &AuditLine| {
            line.principal == *who && line.subject == *to && line.action == "intervention.answer"
        };
        let kept = kept_since.is_none_or(|since| *at >= since);
        assert!(!kept || lines.iter().any(is_it), "the answer of {who} to {to} is not in the audit");
    }
}

/// Whoever is cancelled does not fail instead.
fn check_wish(host: &TestHost, id: ExecutionId) {
    let wished = host.journal(id).contains(&"cancellation_requested");
    let undone = [Status::Cancelled, Status::Compensated, Status::CompensationFailed];
    let status = host.status(id).unwrap();
    assert!(!wished || undone.contains(&status), "{id} was to be cancelled, and is {status:?}");
}

/// Whether parents and children tell the same story.
fn check_children(host: &TestHost, id: ExecutionId) {
    let mut children: BTreeMap<StepPath, ExecutionId> = BTreeMap::new();
    for event in host.history(id) {
        match event.fact {
            Fact::ChildStarted { step, execution, .. } => drop(children.insert(step, execution)),
            Fact::StepCompleted { step, result, .. } => {
                let Some(child) = children.remove(&step) else { continue };
                // It may have been deleted since.
                let Some(child) = host.store.summary(child) else { continue };
                assert_eq!(child.status, Status::Succeeded, "{step} of {id} has a result");
                assert_eq!(child.output.unwrap_or_default(), result, "{step} of {id} has its child's result");
            }
            _ => {}
        }
    }
    let first = host.history(id).into_iter().next().unwrap();
    if let Fact::ExecutionStarted { parent: Some(parent), .. } = first.fact
        // It may have been deleted since, or be elsewhere.
        && host.store.summary(parent.execution).is_some()
    {
        let known = host
            .history(parent.execution)
            .into_iter()
            .any(|event| matches!(event.fact, Fact::ChildStarted { execution, .. } if execution == id));
        assert!(known, "the parent of {id} knows it");
    }
}

/// A history in words.
pub(crate) fn journal(events: &[Event]) -> String {
    let mut words = String::new();
    for event in events {
        let detail = match &event.fact {
            Fact::InterventionRequired { intervention } => {
                format!("{} {:?}", intervention.step, intervention.origin)
            }
            Fact::InterventionResolved { step, response, .. } => format!("{step} {response}"),
            Fact::StepFailed { step, failure } => format!("{step} {failure}"),
            Fact::ExecutionFailed { failure, .. } => format!("{failure}"),
            Fact::ChildStarted { step, execution, .. } => format!("{step} as {execution}"),
            Fact::StepStarted { step, attempt, operation, .. } => format!("{step} #{attempt} {operation}"),
            Fact::StepSkipped { step, reason, .. } => format!("{step} {reason:?}"),
            other => other.step().map(StepPath::to_string).unwrap_or_default(),
        };
        words.push_str(&format!("\n  {} {} {detail}", event.seq, event.fact.name()));
    }
    words
}
