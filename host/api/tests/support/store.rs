//! A store that forgets everything with the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use jiff::Timestamp;
use orgata_engine::ports::{
    Append, AuditLog, ExecutionQuery, Found, GrantStore, InMemory, InboxQuery, KeyRecord, Page,
    PendingIntervention, PublishedPlaybook, ScheduleMark, SecretStore, StateStore, Store, StoreError,
    StoreSize, StoredExecution,
};
use orgata_model::execution::{Event, Fact, Seq, Summary};
use orgata_model::runtime::Runtime;
use orgata_model::{Digest, ExecutionId, InterventionId, KeyId, PlaybookName, RuntimeId};

#[derive(Default)]
pub struct Memory(Mutex<Inner>, InMemory);

#[derive(Default)]
struct Inner {
    executions: BTreeMap<ExecutionId, (StoredExecution, Vec<Event>)>,
    open: BTreeMap<InterventionId, PendingIntervention>,
    playbooks: BTreeMap<(RuntimeId, PlaybookName), PublishedPlaybook>,
    sources: BTreeMap<Digest, String>,
    runtimes: BTreeMap<RuntimeId, Runtime>,
    keys: BTreeMap<KeyId, KeyRecord>,
    broken: bool,
    hanging: bool,
}

impl Memory {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// From now on nothing can be read or written.
    pub fn break_down(&self) {
        self.inner().broken = true;
    }

    /// From now on it never says whether it is ready.
    pub fn hang(&self) {
        self.inner().hanging = true;
    }

    fn working(&self) -> Result<MutexGuard<'_, Inner>, StoreError> {
        let inner = self.inner();
        if inner.broken {
            Err(StoreError::Unavailable("/secret/path: disk I/O error".into()))
        } else {
            Ok(inner)
        }
    }
}

#[async_trait::async_trait]
impl Store for Memory {
    async fn append(&self, append: Append) -> Result<(), StoreError> {
        let mut inner = self.working()?;
        let summary = append.summary;
        for event in &append.events {
            match &event.fact {
                Fact::InterventionRequired { intervention } => {
                    let pending = PendingIntervention {
                        execution: summary.id,
                        runtime: summary.runtime.clone(),
                        playbook: summary.playbook.name.clone(),
                        opened_at: event.at,
                        intervention: intervention.clone(),
                    };
                    inner.open.insert(intervention.id, pending);
                }
                Fact::InterventionApproved { intervention, .. } => {
                    let open = inner.open.get_mut(intervention);
                    if let (Some(pending), Some(approved)) = (open, event.answer()) {
                        pending.intervention.approved.push(approved);
                    }
                }
                Fact::InterventionResolved { intervention, .. }
                | Fact::InterventionExpired { intervention, .. } => {
                    inner.open.remove(intervention);
                }
                _ => {}
            }
        }
        if summary.status.is_end() {
            inner.open.retain(|_, pending| pending.execution != summary.id);
        }
        let events = append.events.iter().map(|event| Event::clone(event));
        let fresh = || {
            (
                StoredExecution { summary: summary.clone(), idempotency_key: append.idempotency_key },
                Vec::new(),
            )
        };
        let kept = inner.executions.entry(summary.id).or_insert_with(fresh);
        if kept.1.len() as Seq != append.seen {
            return Err(StoreError::Conflict);
        }
        kept.1.extend(events);
        kept.0.summary = summary;
        Ok(())
    }

    async fn events(&self, id: ExecutionId, after: Seq, limit: usize) -> Result<Vec<Event>, StoreError> {
        let inner = self.working()?;
        let events = inner.executions.get(&id).map(|(_, events)| events.iter()).into_iter().flatten();
        Ok(events.filter(|event| event.seq > after).take(limit).cloned().collect())
    }

    async fn execution(&self, id: ExecutionId) -> Result<Option<StoredExecution>, StoreError> {
        Ok(self.working()?.executions.get(&id).map(|(stored, _)| stored.clone()))
    }

    async fn by_idempotency_key(
        &self,
        runtime: &RuntimeId,
        key: &str,
    ) -> Result<Option<StoredExecution>, StoreError> {
        let inner = self.working()?;
        let mut all = inner.executions.values().map(|(stored, _)| stored);
        let found = all.find(|stored| {
            stored.summary.runtime == *runtime && stored.idempotency_key.as_deref() == Some(key)
        });
        Ok(found.cloned())
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Summary>, StoreError> {
        let inner = self.working()?;
        if query.cursor.as_ref().is_some_and(|cursor| cursor.parse::<ExecutionId>().is_err()) {
            return Err(StoreError::Cursor);
        }
        let before = query.cursor.as_ref().and_then(|cursor| cursor.parse::<ExecutionId>().ok());
        let wanted = |summary: &&Summary| query.wants(summary) && before.is_none_or(|id| summary.id < id);
        let all = inner.executions.values().rev().map(|(stored, _)| &stored.summary).filter(wanted);
        let mut items: Vec<Summary> = all.take(query.limit + 1).cloned().collect();
        let more = items.len() > query.limit;
        items.truncate(query.limit);
        let next = items.last().filter(|_| more).map(|last| last.id.to_string());
        Ok(Page { items, next })
    }

    async fn find(&self, query: &ExecutionQuery) -> Result<Page<Found>, StoreError> {
        let Page { items, next } = self.executions(query).await?;
        let found = items.into_iter().map(|summary| Found { id: summary.id, status: summary.status });
        Ok(Page { items: found.collect(), next })
    }

    async fn homes(&self) -> Result<Vec<(RuntimeId, PlaybookName)>, StoreError> {
        let inner = self.working()?;
        let homes = inner
            .executions
            .values()
            .map(|(stored, _)| (stored.summary.runtime.clone(), stored.summary.playbook.name.clone()));
        Ok(homes.collect::<BTreeSet<_>>().into_iter().collect())
    }

    async fn import(&self, append: Append, source: &str) -> Result<(), StoreError> {
        let id = append.summary.id;
        if self.working()?.executions.contains_key(&id) {
            return Err(StoreError::Conflict);
        }
        self.working()?.sources.insert(append.summary.playbook.digest, source.to_owned());
        self.append(append).await
    }

    async fn purge(&self, executions: &[ExecutionId]) -> Result<Vec<ExecutionId>, StoreError> {
        let mut inner = self.working()?;
        let ended = |id: &&ExecutionId| {
            inner.executions.get(id).is_some_and(|(stored, _)| stored.summary.status.is_end())
        };
        let gone: Vec<_> = executions.iter().filter(ended).copied().collect();
        inner.executions.retain(|id, _| !gone.contains(id));
        Ok(gone)
    }

    async fn size(&self) -> Result<StoreSize, StoreError> {
        Ok(StoreSize { data: 3, free: 2, log: 1 })
    }

    async fn unfinished(&self, _: Option<ExecutionId>, _: usize) -> Result<Vec<ExecutionId>, StoreError> {
        Ok(Vec::new())
    }

    async fn due(
        &self,
        _: Timestamp,
        _: Option<(Timestamp, ExecutionId)>,
        _: usize,
    ) -> Result<Vec<(Timestamp, ExecutionId)>, StoreError> {
        Ok(Vec::new())
    }

    async fn awaiting(
        &self,
        _: &RuntimeId,
        _: &str,
        _: Option<ExecutionId>,
        _: usize,
    ) -> Result<Vec<ExecutionId>, StoreError> {
        Ok(Vec::new())
    }

    async fn next_due(&self, _: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    async fn pinned(&self) -> Result<BTreeSet<Digest>, StoreError> {
        Ok(BTreeSet::new())
    }

    async fn inbox(&self, query: &InboxQuery) -> Result<Page<PendingIntervention>, StoreError> {
        let inner = self.working()?;
        let items =
            inner.open.values().filter(|pending| query.wants(pending)).take(query.limit).cloned().collect();
        Ok(Page { items, next: None })
    }

    async fn publish_playbook(&self, playbook: &PublishedPlaybook) -> Result<(), StoreError> {
        let mut inner = self.working()?;
        inner.sources.insert(playbook.digest, playbook.source.clone());
        inner.playbooks.insert((playbook.runtime.clone(), playbook.name.clone()), playbook.clone());
        Ok(())
    }

    async fn retire_playbook(&self, runtime: &RuntimeId, name: &PlaybookName) -> Result<bool, StoreError> {
        Ok(self.working()?.playbooks.remove(&(runtime.clone(), name.clone())).is_some())
    }

    async fn current_playbooks(&self) -> Result<Vec<PublishedPlaybook>, StoreError> {
        Ok(self.working()?.playbooks.values().cloned().collect())
    }

    async fn playbook_source(&self, digest: Digest) -> Result<Option<String>, StoreError> {
        Ok(self.working()?.sources.get(&digest).cloned())
    }

    async fn put_runtime(&self, runtime: &Runtime) -> Result<(), StoreError> {
        self.working()?.runtimes.insert(runtime.id.clone(), runtime.clone());
        Ok(())
    }

    async fn runtimes(&self) -> Result<Vec<Runtime>, StoreError> {
        Ok(self.working()?.runtimes.values().cloned().collect())
    }

    async fn remove_runtime(&self, id: &RuntimeId) -> Result<bool, StoreError> {
        Ok(self.working()?.runtimes.remove(id).is_some())
    }

    async fn schedules(&self) -> Result<Vec<ScheduleMark>, StoreError> {
        Ok(Vec::new())
    }

    async fn put_schedule(&self, _mark: &ScheduleMark) -> Result<(), StoreError> {
        self.working().map(drop)
    }

    async fn with_key(
        &self,
        _runtime: &RuntimeId,
        _key: &str,
        _limit: usize,
    ) -> Result<Vec<ExecutionId>, StoreError> {
        Ok(Vec::new())
    }

    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        Ok(self.working()?.keys.values().cloned().collect())
    }

    async fn put_key(&self, key: &KeyRecord) -> Result<(), StoreError> {
        self.working()?.keys.insert(key.id, key.clone());
        Ok(())
    }

    async fn touch_key(&self, id: KeyId, used_at: Timestamp) -> Result<(), StoreError> {
        if let Some(key) = self.working()?.keys.get_mut(&id) {
            key.last_used_at = Some(used_at);
        }
        Ok(())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        if self.inner().hanging {
            std::future::pending::<()>().await;
        }
        self.working().map(drop)
    }

    fn audit_log(&self) -> &dyn AuditLog {
        &self.1
    }

    fn secret_store(&self) -> &dyn SecretStore {
        &self.1
    }

    fn state_store(&self) -> &dyn StateStore {
        &self.1
    }

    fn grant_store(&self) -> &dyn GrantStore {
        &self.1
    }
}
