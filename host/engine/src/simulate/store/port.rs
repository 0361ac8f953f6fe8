//! The store of a simulation as the engine sees it: the port.

use std::collections::BTreeSet;

use jiff::Timestamp;
use orgata_model::execution::{Event, Seq, Status, Summary};
use orgata_model::playbook::KEY_LABEL;
use orgata_model::runtime::Runtime;
use orgata_model::{Digest, ExecutionId, KeyId, PlaybookName, RuntimeId};

use crate::ports::{
    Append, AuditLog, ExecutionQuery, Found, GrantStore, InboxQuery, KeyRecord, Page, PendingIntervention,
    PublishedPlaybook, ScheduleMark, SecretStore, StateStore, Store, StoreError, StoreSize, StoredExecution,
};

use super::{MemoryStore, Row};

/// A simulation makes no definitions: its runtime and its playbooks are there from the beginning.
fn not_here<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("a simulation keeps no definitions".to_owned()))
}

fn page<T>(mut items: Vec<T>, limit: usize) -> Page<T> {
    items.truncate(limit);
    Page { items, next: None }
}

#[async_trait::async_trait]
impl Store for MemoryStore {
    async fn append(&self, append: Append) -> Result<(), StoreError> {
        let kept = self.inside().append(append);
        match kept {
            Some(kept) => kept,
            None => {
                self.2.notify_one();
                std::future::pending().await
            }
        }
    }

    async fn events(&self, id: ExecutionId, after: Seq, limit: usize) -> Result<Vec<Event>, StoreError> {
        let inside = self.inside();
        let events = inside.rows.get(&id).map(|row| row.events.as_slice()).unwrap_or_default();
        let later = events.iter().filter(|event| event.seq > after);
        Ok(later.take(limit).map(|event| (**event).clone()).collect())
    }

    async fn execution(&self, id: ExecutionId) -> Result<Option<StoredExecution>, StoreError> {
        Ok(self.inside().rows.get(&id).map(|row| row.stored.clone()))
    }

    async fn by_idempotency_key(
        &self,
        runtime: &RuntimeId,
        key: &str,
    ) -> Result<Option<StoredExecution>, StoreError> {
        let inside = self.inside();
        let id = inside.keys.get(&(runtime.clone(), key.to_owned()));
        Ok(id.and_then(|id| inside.rows.get(id)).map(|row| row.stored.clone()))
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Summary>, StoreError> {
        let newest_first = self.summaries().into_iter().rev();
        Ok(page(newest_first.filter(|summary| query.wants(summary)).collect(), query.limit))
    }

    async fn find(&self, query: &ExecutionQuery) -> Result<Page<Found>, StoreError> {
        let Page { items, next } = self.executions(query).await?;
        let found = items.into_iter().map(|summary| Found { id: summary.id, status: summary.status });
        Ok(Page { items: found.collect(), next })
    }

    async fn homes(&self) -> Result<Vec<(RuntimeId, PlaybookName)>, StoreError> {
        let homes: BTreeSet<_> =
            self.summaries().into_iter().map(|summary| (summary.runtime, summary.playbook.name)).collect();
        Ok(homes.into_iter().collect())
    }

    async fn import(&self, _append: Append, _source: &str) -> Result<(), StoreError> {
        not_here()
    }

    async fn purge(&self, _executions: &[ExecutionId]) -> Result<Vec<ExecutionId>, StoreError> {
        Ok(Vec::new())
    }

    async fn size(&self) -> Result<StoreSize, StoreError> {
        Ok(StoreSize::default())
    }

    async fn unfinished(
        &self,
        after: Option<ExecutionId>,
        limit: usize,
    ) -> Result<Vec<ExecutionId>, StoreError> {
        let at_work = |summary: &Summary| {
            matches!(summary.status, Status::Pending | Status::Running | Status::Compensating)
                && after.is_none_or(|after| summary.id > after)
        };
        let found = self.summaries().into_iter().filter(at_work);
        Ok(found.take(limit).map(|summary| summary.id).collect())
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, ExecutionId)>,
        limit: usize,
    ) -> Result<Vec<(Timestamp, ExecutionId)>, StoreError> {
        let inside = self.inside();
        let wakes = |row: &Row| Some((row.stored.summary.wakes_at?, row.stored.summary.id));
        let mut due: Vec<_> = inside.rows.values().filter_map(wakes).collect();
        due.retain(|place| place.0 <= now && after.is_none_or(|after| *place > after));
        due.sort_unstable();
        due.truncate(limit);
        Ok(due)
    }

    async fn awaiting(
        &self,
        runtime: &RuntimeId,
        event: &str,
        after: Option<ExecutionId>,
        limit: usize,
    ) -> Result<Vec<ExecutionId>, StoreError> {
        let inside = self.inside();
        let waits = |row: &&Row| {
            row.stored.summary.runtime == *runtime
                && row.awaited.iter().any(|awaited| awaited == event)
                && after.is_none_or(|after| row.stored.summary.id > after)
        };
        Ok(inside.rows.values().filter(waits).take(limit).map(|row| row.stored.summary.id).collect())
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.wakes_after(now))
    }

    async fn pinned(&self) -> Result<BTreeSet<Digest>, StoreError> {
        let going_on = self.summaries().into_iter().filter(|summary| !summary.status.is_end());
        Ok(going_on.flat_map(|summary| summary.plugins.into_values()).collect())
    }

    async fn inbox(&self, query: &InboxQuery) -> Result<Page<PendingIntervention>, StoreError> {
        Ok(page(self.open().into_iter().filter(|open| query.wants(open)).collect(), query.limit))
    }

    async fn publish_playbook(&self, _playbook: &PublishedPlaybook) -> Result<(), StoreError> {
        not_here()
    }

    async fn retire_playbook(&self, _runtime: &RuntimeId, _name: &PlaybookName) -> Result<bool, StoreError> {
        not_here()
    }

    async fn current_playbooks(&self) -> Result<Vec<PublishedPlaybook>, StoreError> {
        Ok(Vec::new())
    }

    async fn playbook_source(&self, _digest: Digest) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    async fn put_runtime(&self, _runtime: &Runtime) -> Result<(), StoreError> {
        not_here()
    }

    async fn runtimes(&self) -> Result<Vec<Runtime>, StoreError> {
        Ok(Vec::new())
    }

    async fn remove_runtime(&self, _id: &RuntimeId) -> Result<bool, StoreError> {
        not_here()
    }

    async fn schedules(&self) -> Result<Vec<ScheduleMark>, StoreError> {
        Ok(Vec::new())
    }

    async fn put_schedule(&self, _mark: &ScheduleMark) -> Result<(), StoreError> {
        not_here()
    }

    async fn with_key(
        &self,
        runtime: &RuntimeId,
        key: &str,
        limit: usize,
    ) -> Result<Vec<ExecutionId>, StoreError> {
        let inside = self.inside();
        let has_key = |id: &&ExecutionId| {
            inside.rows.get(*id).is_some_and(|row| {
                let summary = &row.stored.summary;
                summary.runtime == *runtime && summary.labels.get(KEY_LABEL).map(String::as_str) == Some(key)
            })
        };
        Ok(inside.keyed.iter().filter(has_key).take(limit).copied().collect())
    }

    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        Ok(Vec::new())
    }

    async fn put_key(&self, _key: &KeyRecord) -> Result<(), StoreError> {
        not_here()
    }

    async fn touch_key(&self, _id: KeyId, _used_at: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
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
