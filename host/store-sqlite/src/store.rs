//! The store as the engine sees it: writing goes to the one writer, reading to the readers.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use orgata_engine::ports::{
    Append, AuditLog, ExecutionQuery, Found, GrantStore, InboxQuery, KeyRecord, Page, PendingIntervention,
    PublishedPlaybook, ScheduleMark, SecretStore, StateStore, Store, StoreError, StoreSize, StoredExecution,
};
use orgata_model::execution::{Event, Seq, Summary};
use orgata_model::runtime::Runtime;
use orgata_model::{Digest, ExecutionId, KeyId, PlaybookName, RuntimeId};
use sqlx::SqlitePool;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::AbortHandle;

use crate::append::Encoded;
use crate::checkpoint::Log;
use crate::commit::Committer;
use crate::open::{DataFile, OpenError, Opened, Settings, open};
use crate::row::Statement;
use crate::writer::{Job, QUEUE, Reply, Writer, describe_metrics};
use crate::{
    api_keys, audit, events, executions, interventions, keys, pins, playbooks, reclaim, runtimes, schedules,
    size, waits,
};

/// How many executions are purged in one transaction: what begins meanwhile waits for no more.
const PURGED_AT_A_TIME: usize = 16;

/// A store in one SQLite file, for one host.
#[derive(Debug)]
pub struct SqliteStore {
    pub(crate) jobs: mpsc::Sender<Job>,
    pub(crate) readers: SqlitePool,
    file: DataFile,
    pub(crate) audit: Arc<audit::Queue>,
    /// Wakes whoever gives free pages back.
    freed: Arc<Notify>,
    reclaimer: AbortHandle,
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.reclaimer.abort();
    }
}

impl SqliteStore {
    /// Opens this data file, or makes it in a folder that exists. Nobody else can open it until it is closed, or
    /// gone and its queue done. Must be called, and kept, inside a tokio runtime.
    pub async fn open(path: &Path, settings: Settings) -> Result<Self, OpenError> {
        let Opened { lock, file, writer, links, folder, logged, readers } = open(path, &settings).await?;
        describe_metrics();
        let (jobs, queue) = mpsc::channel(QUEUE);
        let long = usize::try_from(settings.log_mib).unwrap_or(usize::MAX).saturating_mul(1024 * 1024);
        let log = Log::new(folder, logged, long, jobs.downgrade());
        let audit = Arc::new(audit::Queue::default());
        let committer = Committer::new(writer, Arc::clone(&audit), links);
        tokio::spawn(Writer::new(committer, log, lock, queue, Arc::clone(&audit)).run());
        let freed = Arc::new(Notify::new());
        let reclaimer = tokio::spawn(reclaim::run(Arc::clone(&freed), jobs.downgrade())).abort_handle();
        Ok(Self { jobs, readers, file, audit, freed, reclaimer })
    }

    /// Finishes what is queued, folds the log into the data file and closes it. Whatever is asked afterwards is
    /// refused as [`StoreError::Unavailable`].
    pub async fn close(&self) -> Result<(), StoreError> {
        // Readers first: the log can be folded and removed only when nobody reads from it.
        self.readers.close().await;
        self.ask(Job::Close).await
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(job(reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    #[cfg(test)]
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    pub(crate) async fn edit(&self, statements: Vec<Statement>) -> Result<Vec<u64>, StoreError> {
        self.ask(|reply| Job::Edit(statements, reply)).await
    }

    /// Runs these, and tells whether the first changed anything.
    pub(crate) async fn removes(&self, statements: Vec<Statement>) -> Result<bool, StoreError> {
        let changed = self.edit(statements).await?;
        Ok(changed.first().is_some_and(|rows| *rows > 0))
    }
}

pub(crate) fn closed() -> StoreError {
    StoreError::Unavailable("it is closed".into())
}

#[async_trait::async_trait]
impl Store for SqliteStore {
    async fn append(&self, append: Append) -> Result<(), StoreError> {
        let encoded = Box::new(Encoded::new(append)?);
        self.ask(|reply| Job::Append(encoded, reply)).await
    }

    async fn events(&self, id: ExecutionId, after: Seq, limit: usize) -> Result<Vec<Event>, StoreError> {
        events::read(&self.readers, id, after, limit).await
    }

    async fn execution(&self, id: ExecutionId) -> Result<Option<StoredExecution>, StoreError> {
        executions::by_id(&self.readers, id).await
    }

    async fn by_idempotency_key(
        &self,
        runtime: &RuntimeId,
        key: &str,
    ) -> Result<Option<StoredExecution>, StoreError> {
        executions::by_key(&self.readers, runtime, key).await
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Summary>, StoreError> {
        executions::list(&self.readers, query).await
    }

    async fn find(&self, query: &ExecutionQuery) -> Result<Page<Found>, StoreError> {
        executions::find(&self.readers, query).await
    }

    async fn homes(&self) -> Result<Vec<(RuntimeId, PlaybookName)>, StoreError> {
        executions::homes(&self.readers).await
    }

    async fn import(&self, append: Append, source: &str) -> Result<(), StoreError> {
        let playbook = append.summary.playbook.digest;
        let mut encoded = Encoded::new(append)?;
        encoded.rest.push(playbooks::keep_source(playbook, source));
        self.ask(|reply| Job::Append(Box::new(encoded), reply)).await
    }

    async fn purge(&self, ids: &[ExecutionId]) -> Result<Vec<ExecutionId>, StoreError> {
        let mut gone = Vec::with_capacity(ids.len());
        for some in ids.chunks(PURGED_AT_A_TIME) {
            let began = Instant::now();
            gone.extend(self.ask(|reply| Job::Purge(some.to_vec(), reply)).await?);
            // As long again for everyone else.
            tokio::time::sleep(began.elapsed()).await;
        }
        if !gone.is_empty() {
            self.freed.notify_one();
        }
        Ok(gone)
    }

    async fn size(&self) -> Result<StoreSize, StoreError> {
        size::measure(&self.readers, self.file.path()).await
    }

    async fn unfinished(
        &self,
        after: Option<ExecutionId>,
        limit: usize,
    ) -> Result<Vec<ExecutionId>, StoreError> {
        executions::unfinished(&self.readers, after, limit).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, ExecutionId)>,
        limit: usize,
    ) -> Result<Vec<(Timestamp, ExecutionId)>, StoreError> {
        executions::due(&self.readers, now, after, limit).await
    }

    async fn awaiting(
        &self,
        runtime: &RuntimeId,
        event: &str,
        after: Option<ExecutionId>,
        limit: usize,
    ) -> Result<Vec<ExecutionId>, StoreError> {
        waits::awaiting(&self.readers, runtime, event, after, limit).await
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        executions::next_due(&self.readers, now).await
    }

    async fn pinned(&self) -> Result<BTreeSet<Digest>, StoreError> {
        pins::pinned(&self.readers).await
    }

    async fn inbox(&self, query: &InboxQuery) -> Result<Page<PendingIntervention>, StoreError> {
        interventions::inbox(&self.readers, query).await
    }

    async fn publish_playbook(&self, playbook: &PublishedPlaybook) -> Result<(), StoreError> {
        self.edit(playbooks::publish(playbook)).await.map(|_| ())
    }

    async fn retire_playbook(&self, runtime: &RuntimeId, name: &PlaybookName) -> Result<bool, StoreError> {
        self.removes(vec![playbooks::retire(runtime, name)]).await
    }

    async fn current_playbooks(&self) -> Result<Vec<PublishedPlaybook>, StoreError> {
        playbooks::current(&self.readers).await
    }

    async fn playbook_source(&self, digest: Digest) -> Result<Option<String>, StoreError> {
        playbooks::source(&self.readers, digest).await
    }

    async fn put_runtime(&self, runtime: &Runtime) -> Result<(), StoreError> {
        self.edit(vec![runtimes::put(runtime)?]).await.map(|_| ())
    }

    async fn runtimes(&self) -> Result<Vec<Runtime>, StoreError> {
        runtimes::all(&self.readers).await
    }

    async fn remove_runtime(&self, id: &RuntimeId) -> Result<bool, StoreError> {
        self.removes(vec![runtimes::remove(id), playbooks::retire_all(id)]).await
    }

    async fn schedules(&self) -> Result<Vec<ScheduleMark>, StoreError> {
        schedules::all(&self.readers).await
    }

    async fn put_schedule(&self, mark: &ScheduleMark) -> Result<(), StoreError> {
        self.edit(vec![schedules::put(mark)?]).await.map(|_| ())
    }

    async fn with_key(
        &self,
        runtime: &RuntimeId,
        key: &str,
        limit: usize,
    ) -> Result<Vec<ExecutionId>, StoreError> {
        keys::in_order(&self.readers, runtime, key, limit).await
    }

    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        api_keys::all(&self.readers).await
    }

    async fn put_key(&self, key: &KeyRecord) -> Result<(), StoreError> {
        self.edit(vec![api_keys::put(key)?]).await.map(|_| ())
    }

    async fn touch_key(&self, id: KeyId, used_at: Timestamp) -> Result<(), StoreError> {
        self.edit(vec![api_keys::touch(id, used_at)]).await.map(|_| ())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        // SQLite goes on writing to a file that has lost its name, and all would be gone with the process.
        if !self.file.is_in_place() {
            let path = self.file.path().display();
            return Err(StoreError::Unavailable(format!("the data file {path} was moved or removed")));
        }
        self.ask(Job::Probe).await
    }

    fn audit_log(&self) -> &dyn AuditLog {
        self
    }

    fn secret_store(&self) -> &dyn SecretStore {
        self
    }

    fn grant_store(&self) -> &dyn GrantStore {
        self
    }

    fn state_store(&self) -> &dyn StateStore {
        self
    }
}
