//! A store in memory that keeps what was committed and nothing else.
//!
//! It counts commits, can be slow or unavailable, and checks with every commit what must hold of it: seqs without
//! gaps, events that read back as they were written, and a summary that is the fold of the history.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use orgata_engine::ports::{
    Append, ExecutionQuery, Found, InboxQuery, Page, PendingIntervention, PublishedPlaybook, ScheduleMark,
    Store, StoreError, StoreSize, StoredExecution,
};
use orgata_model::execution::{Event, Fact, Seq, State, Status, Summary};
use orgata_model::intervention::OnDeadline;
use orgata_model::playbook::Playbook;
use orgata_model::runtime::Runtime;
use orgata_model::{Digest, ExecutionId, PlaybookName, RuntimeId};
use tokio::sync::Notify;

use super::life::Life;

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
    /// Executions that count against concurrency keys, in the order in which they came.
    keyed: Vec<ExecutionId>,
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
}

impl MemoryStore {
    /// The store as one life sees it.
    pub fn of(&self, life: &Life) -> Arc<LifeStore> {
        Arc::new(LifeStore { store: self.clone(), life: life.clone() })
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

    fn write(&self, append: Append) -> Result<(), StoreError> {
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
        let ended = append.summary.status.is_end();
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

/// The store as one life sees it.
pub struct LifeStore {
    store: MemoryStore,
    life: Life,
}

impl LifeStore {
    /// The disk, for a reader.
    async fn read<T>(&self, read: impl FnOnce(&mut Disk) -> T) -> Result<T, StoreError> {
        self.life.alive().await;
        self.store.0.reads.fetch_add(1, Ordering::SeqCst);
        self.store.check_available()?;
        Ok(read(&mut self.store.0.disk.lock().unwrap()))
    }
}

fn page<T>(mut items: Vec<T>, limit: usize) -> Page<T> {
    items.truncate(limit);
    Page { items, next: None }
}

#[async_trait::async_trait]
impl Store for LifeStore {
    async fn append(&self, append: Append) -> Result<(), StoreError> {
        self.life.boundary().await;
        self.store.synced().await;
        self.life.alive().await;
        self.store.write(append)?;
        self.life.boundary().await;
        Ok(())
    }

    async fn events(&self, id: ExecutionId, after: Seq, limit: usize) -> Result<Vec<Event>, StoreError> {
        if self.store.0.poisoned.lock().unwrap().contains(&id) {
            let reason = "it is poisoned".to_owned();
            return Err(StoreError::Broken { table: "segments", key: id.to_string(), reason });
        }
        self.read(|disk| {
            let events = disk.rows.get(&id).map(|row| row.events.as_slice()).unwrap_or_default();
            events
                .iter()
                .filter(|event| event.seq > after)
                .take(limit)
                .map(|event| (**event).clone())
                .collect()
        })
        .await
    }

    async fn execution(&self, id: ExecutionId) -> Result<Option<StoredExecution>, StoreError> {
        self.read(|disk| disk.rows.get(&id).map(Row::stored)).await
    }

    async fn by_idempotency_key(
        &self,
        runtime: &RuntimeId,
        key: &str,
    ) -> Result<Option<StoredExecution>, StoreError> {
        self.read(|disk| {
            let id = disk.keys.get(&(runtime.clone(), key.to_owned()))?;
            disk.rows.get(id).map(Row::stored)
        })
        .await
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Summary>, StoreError> {
        self.life.alive().await;
        self.store.check_available()?;
        let wanted = |row: &Row| {
            let summary = &row.summary;
            query.runtime.as_ref().is_none_or(|runtime| *runtime == summary.runtime)
                && query.playbook.as_ref().is_none_or(|playbook| *playbook == summary.playbook.name)
                && query.label.as_ref().is_none_or(|(name, value)| summary.labels.get(name) == Some(value))
                && (query.statuses.is_empty() || query.statuses.contains(&summary.status))
                && query.ended_before.is_none_or(|time| summary.ended_at.is_some_and(|at| at < time))
        };
        let mut all = self.store.executions_where(wanted);
        all.reverse();
        Ok(page(all, query.limit))
    }

    async fn find(&self, query: &ExecutionQuery) -> Result<Page<Found>, StoreError> {
        let Page { items, next } = self.executions(query).await?;
        let found = items.into_iter().map(|summary| Found { id: summary.id, status: summary.status });
        Ok(Page { items: found.collect(), next })
    }

    async fn homes(&self) -> Result<Vec<RuntimeId>, StoreError> {
        let homes =
            self.read(|disk| disk.rows.values().map(|row| row.summary.runtime.clone()).collect()).await;
        homes.map(|homes: BTreeSet<_>| homes.into_iter().collect())
    }

    async fn import(&self, append: Append, source: &str) -> Result<(), StoreError> {
        let digest = append.summary.playbook.digest;
        self.read(|disk| disk.sources.entry(digest).or_insert_with(|| source.to_owned()).clone()).await?;
        self.append(append).await
    }

    async fn purge(&self, executions: &[ExecutionId]) -> Result<Vec<ExecutionId>, StoreError> {
        self.read(|disk| {
            let ended = |id: &&ExecutionId| disk.rows.get(id).is_some_and(|row| row.state.end.is_some());
            let gone: Vec<_> = executions.iter().filter(ended).copied().collect();
            disk.rows.retain(|id, _| !gone.contains(id));
            disk.keys.retain(|_, id| !gone.contains(id));
            gone
        })
        .await
    }

    async fn size(&self) -> Result<StoreSize, StoreError> {
        Ok(StoreSize::default())
    }

    async fn unfinished(
        &self,
        after: Option<ExecutionId>,
        limit: usize,
    ) -> Result<Vec<ExecutionId>, StoreError> {
        self.read(|disk| {
            let at_work = |row: &&Row| {
                matches!(row.summary.status, Status::Pending | Status::Running | Status::Compensating)
            };
            let ids = disk.rows.values().filter(at_work).map(|row| row.summary.id);
            ids.filter(|id| after.is_none_or(|after| *id > after)).take(limit).collect()
        })
        .await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, ExecutionId)>,
        limit: usize,
    ) -> Result<Vec<(Timestamp, ExecutionId)>, StoreError> {
        self.read(|disk| {
            let mut due: Vec<_> =
                disk.rows.values().filter_map(|row| Some((row.summary.wakes_at?, row.summary.id))).collect();
            due.retain(|(at, id)| *at <= now && after.is_none_or(|after| (*at, *id) > after));
            due.sort_unstable();
            due.truncate(limit);
            due
        })
        .await
    }

    async fn awaiting(
        &self,
        runtime: &RuntimeId,
        event: &str,
        after: Option<ExecutionId>,
        limit: usize,
    ) -> Result<Vec<ExecutionId>, StoreError> {
        self.read(|disk| {
            let waits = |row: &&Row| {
                row.summary.runtime == *runtime && row.awaited.iter().any(|awaited| awaited == event)
            };
            let ids = disk.rows.values().filter(waits).map(|row| row.summary.id);
            ids.filter(|id| after.is_none_or(|after| *id > after)).take(limit).collect()
        })
        .await
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.read(|disk| {
            disk.rows.values().filter_map(|row| row.summary.wakes_at).filter(|at| *at > now).min()
        })
        .await
    }

    async fn pinned(&self) -> Result<BTreeSet<Digest>, StoreError> {
        self.read(|disk| {
            let going_on = disk.rows.values().filter(|row| !row.summary.status.is_end());
            going_on.flat_map(|row| row.summary.plugins.values().copied()).collect()
        })
        .await
    }

    async fn inbox(&self, query: &InboxQuery) -> Result<Page<PendingIntervention>, StoreError> {
        self.read(|disk| {
            let open = disk.rows.values().flat_map(|row| &row.open);
            let wanted =
                open.filter(|open| query.execution.is_none_or(|execution| execution == open.execution));
            page(wanted.cloned().collect(), query.limit)
        })
        .await
    }

    async fn publish_playbook(&self, playbook: &PublishedPlaybook) -> Result<(), StoreError> {
        self.read(|disk| {
            disk.sources.insert(playbook.digest, playbook.source.clone());
            disk.current.insert((playbook.runtime.clone(), playbook.name.clone()), playbook.clone());
        })
        .await
    }

    async fn retire_playbook(&self, runtime: &RuntimeId, name: &PlaybookName) -> Result<bool, StoreError> {
        self.read(|disk| disk.current.remove(&(runtime.clone(), name.clone())).is_some()).await
    }

    async fn current_playbooks(&self) -> Result<Vec<PublishedPlaybook>, StoreError> {
        self.read(|disk| disk.current.values().cloned().collect()).await
    }

    async fn playbook_source(&self, digest: Digest) -> Result<Option<String>, StoreError> {
        self.read(|disk| disk.sources.get(&digest).cloned()).await
    }

    async fn put_runtime(&self, runtime: &Runtime) -> Result<(), StoreError> {
        self.read(|disk| disk.runtimes.insert(runtime.id.clone(), runtime.clone())).await.map(drop)
    }

    async fn runtimes(&self) -> Result<Vec<Runtime>, StoreError> {
        self.read(|disk| disk.runtimes.values().cloned().collect()).await
    }

    async fn remove_runtime(&self, id: &RuntimeId) -> Result<bool, StoreError> {
        self.read(|disk| {
            disk.current.retain(|(runtime, _), _| runtime != id);
            disk.runtimes.remove(id).is_some()
        })
        .await
    }

    async fn schedules(&self) -> Result<Vec<ScheduleMark>, StoreError> {
        self.read(|disk| disk.schedules.values().cloned().collect()).await
    }

    async fn put_schedule(&self, mark: &ScheduleMark) -> Result<(), StoreError> {
        self.life.boundary().await;
        let key = (mark.runtime.clone(), mark.playbook.clone());
        self.read(|disk| disk.schedules.insert(key, mark.clone())).await?;
        self.life.boundary().await;
        Ok(())
    }

    async fn with_key(
        &self,
        runtime: &RuntimeId,
        key: &str,
        limit: usize,
    ) -> Result<Vec<ExecutionId>, StoreError> {
        self.read(|disk| {
            let has_key = |id: &&ExecutionId| {
                let summary = disk.rows.get(*id).map(|row| &row.summary);
                summary.is_some_and(|summary| {
                    summary.runtime == *runtime
                        && summary.labels.get("concurrencyKey").map(String::as_str) == Some(key)
                })
            };
            disk.keyed.iter().filter(has_key).take(limit).copied().collect()
        })
        .await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.store.check_available()
    }
}
