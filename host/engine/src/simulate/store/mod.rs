//! The store of a simulation: in memory, and of bounded size.
//!
//! It keeps the promises of the port that have nothing to do with crashes. What is over its bound is not refused: an
//! execution would try again for ever, or end otherwise than it would outside. Instead the append never returns, and
//! whoever plays the simulation sees that it has grown too large.

mod port;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use orgata_model::execution::{Event, Fact, Summary};
use orgata_model::intervention::OnDeadline;
use orgata_model::playbook::KEY_LABEL;
use orgata_model::{ExecutionId, PlaybookName, RuntimeId};
use tokio::sync::Notify;

use crate::ports::{Append, InMemory, PendingIntervention, StoreError, StoredExecution};
use crate::starting::json_size;

use super::limits::{MAX_BYTES, MAX_EVENTS};

/// One execution.
struct Row {
    stored: StoredExecution,
    events: Vec<Arc<Event>>,
    open: Vec<PendingIntervention>,
    awaited: Vec<String>,
}

#[derive(Default)]
struct Inside {
    rows: BTreeMap<ExecutionId, Row>,
    keys: HashMap<(RuntimeId, String), ExecutionId>,
    /// Executions with a concurrency key that have not ended, in the order in which they came.
    keyed: Vec<ExecutionId>,
    /// Every event, in the order of commits.
    log: Vec<(ExecutionId, Arc<Event>)>,
    bytes: usize,
    full: Option<&'static str>,
}

/// The store of one simulation.
#[derive(Default)]
pub(super) struct MemoryStore(Mutex<Inside>, pub(super) InMemory, Notify);

impl MemoryStore {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when a bound is reached, and says which. One may wait: whoever wants something of an execution waits for
    /// ever from then on, because nothing is kept any more.
    pub(super) async fn filled(&self) -> &'static str {
        loop {
            let full = self.inside().full;
            match full {
                Some(bound) => return bound,
                None => self.2.notified().await,
            }
        }
    }

    /// Every event so far, in the order of commits.
    pub(super) fn log(&self) -> Vec<(ExecutionId, Arc<Event>)> {
        self.inside().log.clone()
    }

    /// Every execution, in the order in which they began.
    pub(super) fn summaries(&self) -> Vec<Summary> {
        self.inside().rows.values().map(|row| row.stored.summary.clone()).collect()
    }

    /// Nothing will happen any more.
    pub(super) fn is_over(&self) -> bool {
        self.inside().rows.values().all(|row| row.stored.summary.status.is_end())
    }

    /// What an execution runs.
    pub(super) fn playbook_of(&self, id: ExecutionId) -> Option<PlaybookName> {
        self.inside().rows.get(&id).map(|row| row.stored.summary.playbook.name.clone())
    }

    /// The open questions of all executions, the oldest first.
    pub(super) fn open(&self) -> Vec<PendingIntervention> {
        let inside = self.inside();
        let mut open: Vec<_> = inside.rows.values().flat_map(|row| row.open.iter().cloned()).collect();
        open.sort_by_key(|open| (open.opened_at, open.intervention.id));
        open
    }

    /// The events that executions wait for.
    pub(super) fn awaited(&self) -> Vec<String> {
        self.inside().rows.values().flat_map(|row| row.awaited.iter().cloned()).collect()
    }

    /// When time alone moves an execution on, later than this.
    pub(super) fn wakes_after(&self, now: Timestamp) -> Option<Timestamp> {
        let inside = self.inside();
        inside.rows.values().filter_map(|row| row.stored.summary.wakes_at).filter(|at| *at > now).min()
    }
}

impl Inside {
    /// Keeps it, or says nothing when it is over a bound.
    fn append(&mut self, append: Append) -> Option<Result<(), StoreError>> {
        let id = append.summary.id;
        let version = self.rows.get(&id).map_or(0, |row| row.stored.summary.version);
        if version != append.seen {
            return Some(Err(StoreError::Conflict));
        }
        let key = append.idempotency_key.clone().map(|key| (append.summary.runtime.clone(), key));
        if key.as_ref().is_some_and(|key| self.keys.contains_key(key)) {
            return Some(Err(StoreError::Conflict));
        }
        self.bytes += append.events.iter().map(|event| json_size(&**event)).sum::<usize>();
        self.full = match () {
            () if self.log.len() + append.events.len() > MAX_EVENTS => Some("events"),
            () if self.bytes > MAX_BYTES => Some("bytes"),
            () => None,
        };
        if self.full.is_some() {
            return None;
        }
        self.keys.extend(key.map(|key| (key, id)));
        self.keep(append);
        Some(Ok(()))
    }

    fn keep(&mut self, append: Append) {
        let Append { events, summary, idempotency_key, awaited, .. } = append;
        let id = summary.id;
        self.log.extend(events.iter().map(|event| (id, Arc::clone(event))));
        let going_on = summary.labels.contains_key(KEY_LABEL) && !summary.status.is_end();
        if !going_on {
            self.keyed.retain(|keyed| *keyed != id);
        } else if !self.keyed.contains(&id) {
            self.keyed.push(id);
        }
        let row = self.rows.entry(id).or_insert_with(|| Row {
            stored: StoredExecution { summary: summary.clone(), idempotency_key },
            events: Vec::new(),
            open: Vec::new(),
            awaited: Vec::new(),
        });
        row.stored.summary = summary;
        for event in events {
            row.note_question(&event);
            row.events.push(event);
        }
        if let Some(awaited) = awaited {
            row.awaited = awaited;
        }
    }
}

impl Row {
    /// Keeps open questions beside the history, as the events say.
    fn note_question(&mut self, event: &Event) {
        match &event.fact {
            Fact::InterventionRequired { intervention } => self.open.push(PendingIntervention {
                execution: self.stored.summary.id,
                runtime: self.stored.summary.runtime.clone(),
                playbook: self.stored.summary.playbook.name.clone(),
                opened_at: event.at,
                intervention: intervention.clone(),
            }),
            Fact::InterventionApproved { intervention, .. } => {
                let open = self.open.iter_mut().find(|open| open.intervention.id == *intervention);
                if let (Some(open), Some(approved)) = (open, event.answer()) {
                    open.intervention.approved.push(approved);
                }
            }
            Fact::InterventionResolved { intervention, .. }
            | Fact::InterventionWithdrawn { intervention, .. } => {
                self.open.retain(|open| open.intervention.id != *intervention);
            }
            Fact::InterventionExpired { intervention, .. } => {
                let found = self.open.iter().position(|open| open.intervention.id == *intervention);
                let Some(mut open) = found.map(|at| self.open.remove(at)) else { return };
                if let OnDeadline::Escalate(role) = std::mem::take(&mut open.intervention.on_deadline) {
                    open.intervention.assignee_role = Some(role);
                    open.intervention.deadline = None;
                    self.open.push(open);
                }
            }
            fact if fact.closes_questions() => self.open.clear(),
            _ => {}
        }
    }
}
