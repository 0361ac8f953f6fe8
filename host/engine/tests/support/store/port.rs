//! The store of tests as the engine sees it: the port, for one life of the host.

use super::*;

/// The store as one life sees it.
pub struct LifeStore {
    store: MemoryStore,
    life: Life,
}

impl LifeStore {
    pub(super) fn new(store: &MemoryStore, life: &Life) -> Self {
        Self { store: store.clone(), life: life.clone() }
    }

    async fn append_as(&self, append: Append, imported: bool) -> Result<(), StoreError> {
        self.life.boundary().await;
        self.store.synced().await;
        self.life.alive().await;
        self.store.write(append, imported)?;
        self.life.boundary().await;
        Ok(())
    }

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
        self.append_as(append, false).await
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
        let wanted = |row: &Row| query.wants(&row.summary);
        let mut all = self.store.executions_where(wanted);
        all.reverse();
        Ok(page(all, query.limit))
    }

    async fn find(&self, query: &ExecutionQuery) -> Result<Page<Found>, StoreError> {
        let Page { items, next } = self.executions(query).await?;
        let found = items.into_iter().map(|summary| Found { id: summary.id, status: summary.status });
        Ok(Page { items: found.collect(), next })
    }

    async fn homes(&self) -> Result<Vec<(RuntimeId, PlaybookName)>, StoreError> {
        let home = |summary: &Summary| (summary.runtime.clone(), summary.playbook.name.clone());
        let homes = self.read(|disk| disk.rows.values().map(|row| home(&row.summary)).collect()).await;
        homes.map(|homes: BTreeSet<_>| homes.into_iter().collect())
    }

    async fn import(&self, append: Append, source: &str) -> Result<(), StoreError> {
        let digest = append.summary.playbook.digest;
        self.read(|disk| disk.sources.entry(digest).or_insert_with(|| source.to_owned()).clone()).await?;
        self.append_as(append, true).await
    }

    async fn purge(&self, executions: &[ExecutionId]) -> Result<Vec<ExecutionId>, StoreError> {
        self.life.boundary().await;
        let gone = self
            .read(|disk| {
                let ended = |id: &&ExecutionId| disk.rows.get(id).is_some_and(|row| row.state.end.is_some());
                let gone: Vec<_> = executions.iter().filter(ended).copied().collect();
                disk.rows.retain(|id, _| !gone.contains(id));
                disk.keys.retain(|_, id| !gone.contains(id));
                disk.purged.extend(&gone);
                disk.chronicle.push(Written::Purged(gone.clone()));
                gone
            })
            .await?;
        self.life.boundary().await;
        Ok(gone)
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
            page(open.filter(|open| query.wants(open)).cloned().collect(), query.limit)
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
        let keep = |disk: &mut Disk| {
            disk.chronicle.push(Written::Marked(mark.clone()));
            disk.schedules.insert(key, mark.clone())
        };
        self.read(keep).await?;
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

    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        self.read(|disk| disk.api_keys.values().cloned().collect()).await
    }

    async fn put_key(&self, key: &KeyRecord) -> Result<(), StoreError> {
        self.read(|disk| disk.api_keys.insert(key.id, key.clone())).await.map(drop)
    }

    async fn touch_key(&self, id: KeyId, used_at: Timestamp) -> Result<(), StoreError> {
        self.read(|disk| {
            if let Some(key) = disk.api_keys.get_mut(&id) {
                key.last_used_at = Some(used_at);
            }
        })
        .await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.store.check_available()
    }

    fn audit_log(&self) -> &dyn AuditLog {
        &self.store.0.beside
    }

    fn secret_store(&self) -> &dyn SecretStore {
        &self.store.0.beside
    }

    fn state_store(&self) -> &dyn StateStore {
        &self.store.0.beside
    }

    fn grant_store(&self) -> &dyn GrantStore {
        &self.store.0.beside
    }
}
