//! What must hold of concurrency keys: as many executions with one as may be are at work, in the order in which they
//! came; and steps with the same one take turns.

use std::collections::{BTreeMap, HashMap};

use orgata_model::execution::{Event, Fact};
use orgata_model::playbook::{KEY_LABEL, Playbook};
use orgata_model::{Digest, ExecutionId, StepPath};
use std::sync::Arc;

use super::invariants::{first_state, journal};
use crate::support::TestHost;
use crate::support::operations::CallRecord;

/// The order of each key, as the history of all that was written tells.
#[derive(Default)]
pub(crate) struct Order {
    keyed: BTreeMap<String, Vec<ExecutionId>>,
    /// The key of an execution, and how many with it may be at work.
    keys: HashMap<ExecutionId, (String, usize)>,
}

impl Order {
    /// Something was added to a history.
    pub(crate) fn see(
        &mut self,
        playbooks: &HashMap<Digest, Arc<Playbook>>,
        id: ExecutionId,
        events: &[Arc<Event>],
        ended: bool,
        imported: bool,
    ) {
        if let Some(Fact::ExecutionStarted { playbook, labels, .. }) = events.first().map(|event| &event.fact)
        {
            let concurrency = playbooks.get(&playbook.digest).and_then(|it| it.concurrency.as_ref());
            if let (Some(concurrency), Some(key)) = (concurrency, labels.get(KEY_LABEL)) {
                self.keys.insert(id, (key.clone(), concurrency.max));
            }
        }
        let Some((key, max)) = self.keys.get(&id) else { return };
        let order = self.keyed.entry(key.clone()).or_default();
        if !order.contains(&id) {
            order.push(id);
        }
        let before = order.iter().position(|other| *other == id).unwrap();
        let works = |event: &&Arc<Event>| {
            matches!(
                event.fact,
                Fact::StepStarted { .. } | Fact::StepResumed { .. } | Fact::ChildStarted { .. }
            )
        };
        let begins = events.iter().find(works);
        assert!(
            begins.is_none() || imported || before < *max,
            "{id} is at work, and {before} with key {key} came before it: {order:?}"
        );
        if ended {
            order.remove(before);
        }
    }
}

/// No call has the turn of another that is under way.
pub(crate) fn check_turn(host: &TestHost, call: &CallRecord) {
    if call.beside.is_empty() {
        return;
    }
    let Some(key) = turn_of(host, call) else { return };
    for other in call.beside.iter().map(|place| host.world.call_at(*place)) {
        assert!(
            turn_of(host, &other).as_ref() != Some(&key),
            "{} and {} have the turn of {key} at once: {}",
            call.key,
            other.key,
            journal(&call.durable)
        );
    }
}

/// The key of which one call at a time may be under way. Undoing takes no turn.
fn turn_of(host: &TestHost, call: &CallRecord) -> Option<String> {
    if call.key.ends_with("/compensation") || host.store.summary(call.execution).is_none() {
        return None;
    }
    let playbook = host.store.playbook_of(call.execution);
    playbook.step(&call.step)?.1.concurrency_key.as_ref()?;
    // The keys of these playbooks are made of the input, and of nothing that a loop has.
    let state = first_state(call.execution, &playbook, &host.history(call.execution));
    state.concurrency_key(&StepPath::from(call.step.clone()))?.ok()
}
