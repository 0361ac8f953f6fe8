//! A store in memory that keeps what was committed and nothing else.
//!
//! It counts commits, can be slow or unavailable, and checks with every commit what must hold of it: seqs without
//! gaps, events that read back as they were written, and a summary that is the fold of the history.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use orgata_engine::ports::{
    Append, AuditLog, ExecutionQuery, Found, GrantStore, InMemory, InboxQuery, KeyRecord, Page,
    PendingIntervention, PublishedPlaybook, ScheduleMark, SecretStore, StateStore, Store, StoreError,
    StoreSize, StoredExecution,
};
use orgata_model::execution::{Event, Fact, Seq, State, Status, Summary};
use orgata_model::intervention::OnDeadline;
use orgata_model::playbook::Playbook;
use orgata_model::runtime::Runtime;
use orgata_model::{Digest, ExecutionId, KeyId, PlaybookName, RuntimeId};
use tokio::sync::Notify;

use super::life::Life;

mod port;

pub use port::LifeStore;

/// Something that was written.
#[derive(Clone)]
pub enum Written {
    /// These events of an execution; `imported`: its whole history, recorded elsewhere.
    Appended { id: ExecutionId, events: Vec<Arc<Event>>, ended: bool, imported: bool },
    /// How far a schedule has been dealt with.
    Marked(ScheduleMark),
    /// These executions were deleted.
    Purged(Vec<ExecutionId>),
}

struct Row {
    summary: Summary,
    key: Option<String>,
    events: Vec<Arc<Event>>,
    open: Vec<PendingIntervention>,
    awaited: Vec<String>,
    /// The fold of the events, to check against.
    state: State,
}

#[derive(Default)]
struct Disk {
    rows: BTreeMap<ExecutionId, Row>,
    keys: HashMap<(RuntimeId, String), ExecutionId>,
    current: BTreeMap<(RuntimeId, PlaybookName), PublishedPlaybook>,
    sources: BTreeMap<Digest, String>,
    compiled: BTreeMap<Digest, Arc<Playbook>>,
    runtimes: BTreeMap<RuntimeId, Runtime>,
    schedules: BTreeMap<(RuntimeId, PlaybookName), ScheduleMark>,
    api_keys: BTreeMap<KeyId, KeyRecord>,
    /// Executions that count against concurrency keys, in the order in which they came.
    keyed: Vec<ExecutionId>,
    /// What was written, in the order in which it was.
    chronicle: Vec<Written>,
    /// Executions that were deleted, and not taken in again.
    purged: BTreeSet<ExecutionId>,
}

/// What is on disk, for all lives of a host.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Inside>);

#[derive(Default)]
struct Inside {
    disk: Mutex<Disk>,
    commits: AtomicUsize,
    reads: AtomicUsize,
    unavailable: AtomicBool,
    refuse: AtomicUsize,
    refuse_starts: AtomicUsize,
    poisoned: Mutex<BTreeSet<ExecutionId>>,
    flaky: AtomicUsize,
    asked: AtomicUsize,
    held: AtomicBool,
    released: Notify,
    unchecked: AtomicBool,
    beside: InMemory,
}

impl MemoryStore {
    /// The store as one life sees it.
    pub fn of(&self, life: &Life) -> Arc<LifeStore> {
        Arc::new(LifeStore::new(self, life))
    }

    /// The audit, as it is kept.
    pub fn audit(&self) -> &dyn AuditLog {
        &self.0.beside
    }

    /// How many appends were committed.
    pub fn commits(&self) -> usize {
        self.0.commits.load(Ordering::SeqCst)
    }

    /// How often anything was asked of it.
    pub fn reads(&self) -> usize {
        self.0.reads.load(Ordering::SeqCst)
    }

    /// Refuses everything until it is available again.
    pub fn unavailable(&self, yes: bool) {
        self.0.unavailable.store(yes, Ordering::SeqCst);
    }

    /// Refuses the next so many appends.
    pub fn refuse_next(&self, appends: usize) {
        self.0.refuse.store(appends, Ordering::SeqCst);
    }

    /// Refuses to keep the next so many new executions.
    pub fn refuse_starts(&self, starts: usize) {
        self.0.refuse_starts.store(starts, Ordering::SeqCst);
    }

    /// The history of this execution cannot be read any more.
    pub fn poison(&self, id: ExecutionId) {
        self.0.poisoned.lock().unwrap().insert(id);
    }

    /// Refuses one of so many requests, reads among them; none for 0.
    pub fn flaky(&self, one_in: usize) {
        self.0.flaky.store(one_in, Ordering::SeqCst);
    }

    /// Appends are written and not synced until it is released: a crash loses them.
    pub fn hold(&self) {
        self.0.held.store(true, Ordering::SeqCst);
    }

    pub fn release(&self) {
        self.0.held.store(false, Ordering::SeqCst);
        self.0.released.notify_waiters();
    }

    /// Checks nothing: for benchmarks.
    pub fn unchecked(&self) {
        self.0.unchecked.store(true, Ordering::SeqCst);
    }

    /// What was written after the first so many.
    pub fn written_after(&self, count: usize) -> Vec<Written> {
        self.0.disk.lock().unwrap().chronicle[count..].to_vec()
    }

    /// Executions that are deleted.
    pub fn purged(&self) -> BTreeSet<ExecutionId> {
        self.0.disk.lock().unwrap().purged.clone()
    }

    /// Whether the execution was there, and was deleted.
    pub fn is_purged(&self, id: ExecutionId) -> bool {
        self.0.disk.lock().unwrap().purged.contains(&id)
    }

    /// How far schedules have been dealt with.
    pub fn marks(&self) -> Vec<ScheduleMark> {
        self.0.disk.lock().unwrap().schedules.values().cloned().collect()
    }

    /// The committed history of an execution.
    pub fn history(&self, id: ExecutionId) -> Vec<Event> {
        let disk = self.0.disk.lock().unwrap();
        disk.rows
            .get(&id)
            .map(|row| row.events.iter().map(|event| (**event).clone()).collect())
            .unwrap_or_default()
    }

    /// The names of the events of an execution, those of one commit or another alike.
    pub fn journal(&self, id: ExecutionId) -> Vec<&'static str> {
        self.history(id).iter().map(|event| event.fact.name()).collect()
    }

    pub fn summary(&self, id: ExecutionId) -> Option<Summary> {
        self.0.disk.lock().unwrap().rows.get(&id).map(|row| row.summary.clone())
    }

    /// The version of the playbook that an execution keeps.
    pub fn playbook_of(&self, id: ExecutionId) -> Arc<Playbook> {
        Arc::clone(&self.0.disk.lock().unwrap().rows[&id].state.playbook)
    }

    /// Whether any execution waits for an outside event.
    pub fn waits_for_events(&self) -> bool {
        self.0.disk.lock().unwrap().rows.values().any(|row| !row.awaited.is_empty())
    }

    pub fn ids(&self) -> Vec<ExecutionId> {
        self.0.disk.lock().unwrap().rows.keys().copied().collect()
    }

    pub fn open(&self) -> Vec<PendingIntervention> {
        let disk = self.0.disk.lock().unwrap();
        disk.rows.values().flat_map(|row| row.open.iter().cloned()).collect()
    }

    fn check_available(&self) -> Result<(), StoreError> {
        if self.0.unavailable.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("unplugged".to_owned()));
        }
        let one_in = self.0.flaky.load(Ordering::SeqCst);
        if one_in > 0 && self.0.asked.fetch_add(1, Ordering::SeqCst).is_multiple_of(one_in) {
            return Err(StoreError::Unavailable("flaky".to_owned()));
        }
        Ok(())
    }

    async fn synced(&self) {
        loop {
            let released = self.0.released.notified();
            if !self.0.held.load(Ordering::SeqCst) {
                return;
            }
            released.await;
        }
    }

    fn write(&self, append: Append, imported: bool) -> Result<(), StoreError> {
        self.check_available()?;
        let refuse = if append.seen == 0 { &self.0.refuse_starts } else { &self.0.refuse };
        let count_down = |left: usize| left.checked_sub(1);
        if append.seen == 0
            && self.0.refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count_down).is_ok()
        {
            return Err(StoreError::Unavailable("busy".to_owned()));
        }
        if refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count_down).is_ok() {
            return Err(StoreError::Unavailable("busy".to_owned()));
        }
        let mut disk = self.0.disk.lock().unwrap();
        let (id, checked) = (append.summary.id, !self.0.unchecked.load(Ordering::SeqCst));
        let version = disk.rows.get(&id).map_or(0, |row| row.summary.version);
        if version != append.seen {
            return Err(StoreError::Conflict);
        }
        if let Some(key) = &append.idempotency_key {
            let key = (append.summary.runtime.clone(), key.clone());
            if disk.keys.contains_key(&key) {
                return Err(StoreError::Conflict);
            }
            disk.keys.insert(key, id);
        }
        if checked {
            check_events(&append);
        }
        if version == 0 {
            disk.begin(&append);
        }
        let ended = append.summary.status.is_end();
        if checked {
            let events = append.events.clone();
            disk.chronicle.push(Written::Appended { id, events, ended, imported });
            disk.purged.remove(&id);
        }
        let row = disk.rows.get_mut(&id).unwrap();
        for event in append.events {
            if event.seq > 1 {
                row.state.advance(&event).unwrap();
            }
            row.note_questions(&event);
            row.events.push(event);
        }
        if checked {
            assert_eq!(row.state.summary(), append.summary, "the summary is not the fold of the history");
        }
        row.summary = append.summary;
        row.awaited = append.awaited.unwrap_or_else(|| std::mem::take(&mut row.awaited));
        if checked {
            let awaited = if row.state.end.is_some() { Vec::new() } else { row.state.awaited() };
            assert_eq!(row.awaited, awaited, "the store knows what it waits for");
        }
        if ended || !disk.keyed.contains(&id) {
            disk.keyed.retain(|keyed| *keyed != id);
            disk.keyed.extend((!ended).then_some(id));
        }
        self.0.commits.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn executions_where(&self, wanted: impl Fn(&Row) -> bool) -> Vec<Summary> {
        let disk = self.0.disk.lock().unwrap();
        disk.rows.values().filter(|row| wanted(row)).map(|row| row.summary.clone()).collect()
    }
}

fn check_events(append: &Append) {
    assert!(!append.events.is_empty());
    for (event, seq) in append.events.iter().zip(append.seen + 1..) {
        assert_eq!(event.seq, seq, "seqs have no gaps");
        let recorded = serde_json::to_string(event).unwrap();
        let read: Event =
            serde_json::from_str(&recorded).unwrap_or_else(|error| panic!("{error}: {recorded}"));
        assert_eq!(read, **event, "an event reads back as it was written");
    }
    assert_eq!(append.events.last().unwrap().seq, append.summary.version);
    let micros = append.summary.wakes_at.map(|at| at.as_nanosecond() % 1_000);
    assert!(micros.is_none_or(|rest| rest == 0), "stores keep whole microseconds");
}

impl Disk {
    fn begin(&mut self, append: &Append) {
        let digest = append.summary.playbook.digest;
        let source = &self.sources[&digest];
        let playbook = self
            .compiled
            .entry(digest)
            .or_insert_with(|| Arc::new(Playbook::parse("stored.yaml", source).unwrap()));
        let state = State::begin(append.summary.id, Arc::clone(playbook), &append.events[0]).unwrap();
        let row = Row {
            summary: append.summary.clone(),
            key: append.idempotency_key.clone(),
            events: Vec::new(),
            open: Vec::new(),
            awaited: Vec::new(),
            state,
        };
        self.rows.insert(append.summary.id, row);
    }
}

impl Row {
    fn note_questions(&mut self, event: &Event) {
        match &event.fact {
            Fact::InterventionRequired { intervention } => self.open.push(PendingIntervention {
                execution: self.summary.id,
                runtime: self.summary.runtime.clone(),
                playbook: self.summary.playbook.name.clone(),
                opened_at: event.at,
                intervention: intervention.clone(),
            }),
            Fact::InterventionResolved { intervention, .. }
            | Fact::InterventionWithdrawn { intervention, .. } => {
                self.open.retain(|open| open.intervention.id != *intervention);
            }
            Fact::InterventionExpired { intervention, .. } => {
                self.open.retain_mut(|open| {
                    let open = &mut open.intervention;
                    match std::mem::take(&mut open.on_deadline) {
                        OnDeadline::Escalate(role) if open.id == *intervention => {
                            open.assignee_role = Some(role);
                            open.deadline = None;
                            true
                        }
                        then => {
                            open.on_deadline = then;
                            open.id != *intervention
                        }
                    }
                });
            }
            fact if fact.closes_questions() => self.open.clear(),
            _ => {}
        }
    }

    fn stored(&self) -> StoredExecution {
        StoredExecution { summary: self.summary.clone(), idempotency_key: self.key.clone() }
    }
}
