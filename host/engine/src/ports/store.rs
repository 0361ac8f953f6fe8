//! Where executions are kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use orgata_model::execution::{Event, Seq, Status, Summary};
use orgata_model::intervention::Intervention;
use orgata_model::runtime::Runtime;
use orgata_model::{Digest, ExecutionId, InterventionId, KeyId, PlaybookName, RoleName, RuntimeId};

use super::audit::AuditLog;
use super::grants::GrantStore;
use super::secrets::SecretStore;
use super::state::StateStore;
use crate::principal::Identity;

/// Keeps executions, playbooks and runtimes.
///
/// After a crash, whatever a writing method returned `Ok` for is there.
#[async_trait::async_trait]
pub trait Store: Send + Sync + 'static {
    /// Appends to one execution's history and replaces its summary, all or nothing. Open interventions are
    /// kept beside, as the events say: `InterventionRequired` opens one, `InterventionResolved`,
    /// `InterventionWithdrawn`, `InterventionExpired` (unless it escalates: then it stays, reassigned, without a deadline)
    /// and whatever [`Fact::closes_questions`](orgata_model::execution::Fact::closes_questions) close.
    /// A writer that saw an older version gets [`StoreError::Conflict`]; so does a second execution with the
    /// same runtime and idempotency key.
    async fn append(&self, append: Append) -> Result<(), StoreError>;

    /// Events with `after < seq`, in order, `limit` at most. Empty when there are none.
    async fn events(&self, id: ExecutionId, after: Seq, limit: usize) -> Result<Vec<Event>, StoreError>;

    /// One execution.
    async fn execution(&self, id: ExecutionId) -> Result<Option<StoredExecution>, StoreError>;

    /// The execution that was started in this runtime with this key.
    async fn by_idempotency_key(
        &self,
        runtime: &RuntimeId,
        key: &str,
    ) -> Result<Option<StoredExecution>, StoreError>;

    /// A page of executions, newest first.
    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Summary>, StoreError>;

    /// The same page, with as much of each as work on many needs: outputs are not read.
    async fn find(&self, query: &ExecutionQuery) -> Result<Page<Found>, StoreError>;

    /// Every runtime that has executions with every playbook that they are of, retired ones among them; in order.
    async fn homes(&self) -> Result<Vec<(RuntimeId, PlaybookName)>, StoreError>;

    /// Keeps an execution that was recorded elsewhere, with the source of its playbook, all or nothing. `append` is
    /// its whole history; who has its id or its key already makes it a [`StoreError::Conflict`].
    async fn import(&self, append: Append, source: &str) -> Result<(), StoreError>;

    /// Deletes those of these executions that have ended, with their histories, labels and keys; tells which.
    /// The others stay as they are. It is done little by little, so that appends need not wait: after a crash
    /// each is there as a whole or gone as a whole. Whoever calls says what is to go, by whatever rule.
    async fn purge(&self, executions: &[ExecutionId]) -> Result<Vec<ExecutionId>, StoreError>;

    /// How much room it takes.
    async fn size(&self) -> Result<StoreSize, StoreError>;

    /// Executions that a host must have at work: `pending`, `running` or `compensating`, in order of id, after `after`.
    async fn unfinished(
        &self,
        after: Option<ExecutionId>,
        limit: usize,
    ) -> Result<Vec<ExecutionId>, StoreError>;

    /// Executions whose `wakes_at` is at or before `now`, earliest first, beginning after the given place.
    async fn due(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, ExecutionId)>,
        limit: usize,
    ) -> Result<Vec<(Timestamp, ExecutionId)>, StoreError>;

    /// Executions of a runtime that wait for an outside event of this name, in order of id, after `after`.
    async fn awaiting(
        &self,
        runtime: &RuntimeId,
        event: &str,
        after: Option<ExecutionId>,
        limit: usize,
    ) -> Result<Vec<ExecutionId>, StoreError>;

    /// The earliest `wakes_at` later than `now`.
    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// Versions of plugins that executions which have not ended keep.
    async fn pinned(&self) -> Result<BTreeSet<Digest>, StoreError>;

    /// A page of open interventions, oldest first, each with those who have approved it so far.
    async fn inbox(&self, query: &InboxQuery) -> Result<Page<PendingIntervention>, StoreError>;

    /// Keeps this version of a playbook and makes it the current one of its name.
    async fn publish_playbook(&self, playbook: &PublishedPlaybook) -> Result<(), StoreError>;

    /// Nothing new starts on this name. False when there was none.
    async fn retire_playbook(&self, runtime: &RuntimeId, name: &PlaybookName) -> Result<bool, StoreError>;

    /// The current version of every playbook in every runtime.
    async fn current_playbooks(&self) -> Result<Vec<PublishedPlaybook>, StoreError>;

    /// The source of a version, current or not.
    async fn playbook_source(&self, digest: Digest) -> Result<Option<String>, StoreError>;

    /// Keeps a runtime, new or changed.
    async fn put_runtime(&self, runtime: &Runtime) -> Result<(), StoreError>;

    /// Every runtime that was kept and not removed.
    async fn runtimes(&self) -> Result<Vec<Runtime>, StoreError>;

    /// Forgets a runtime and retires its playbooks; its executions stay. False when there was none.
    async fn remove_runtime(&self, id: &RuntimeId) -> Result<bool, StoreError>;

    /// How far each schedule has been dealt with.
    async fn schedules(&self) -> Result<Vec<ScheduleMark>, StoreError>;

    /// Keeps how far a schedule has been dealt with, instead of what was kept of it before.
    async fn put_schedule(&self, mark: &ScheduleMark) -> Result<(), StoreError>;

    /// Executions of a runtime with this [`KEY_LABEL`](orgata_model::playbook::KEY_LABEL) that have not ended, `limit` at
    /// most, in the order in which they came. An execution comes with its first append, and goes with the one that ends
    /// it; one that goes on after its end comes anew, behind the others.
    async fn with_key(
        &self,
        runtime: &RuntimeId,
        key: &str,
        limit: usize,
    ) -> Result<Vec<ExecutionId>, StoreError>;

    /// Every key that was made, revoked ones among them.
    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError>;

    /// Keeps a key, instead of what was kept of it before.
    async fn put_key(&self, key: &KeyRecord) -> Result<(), StoreError>;

    /// Writes down when a key was last used. One that is not there is no fault.
    async fn touch_key(&self, id: KeyId, used_at: Timestamp) -> Result<(), StoreError>;

    /// Whether the store can be written to now: for readiness.
    async fn ready(&self) -> Result<(), StoreError>;

    /// The audit, kept in the same order as everything else.
    fn audit_log(&self) -> &dyn AuditLog;

    /// Secrets, sealed.
    fn secret_store(&self) -> &dyn SecretStore;

    /// What plugins keep for themselves.
    fn state_store(&self) -> &dyn StateStore;

    /// How plugins stand in runtimes.
    fn grant_store(&self) -> &dyn GrantStore;
}

/// What one commit adds to one execution.
#[derive(Debug, Clone)]
pub struct Append {
    /// The version that the writer saw: the seq before the first of `events`. 0 for a new execution.
    pub seen: Seq,
    /// At least one, in order, without gaps.
    pub events: Vec<Arc<Event>>,
    /// The execution after them.
    pub summary: Summary,
    /// Only on the first append.
    pub idempotency_key: Option<String>,
    /// The names of the outside events that it waits for now, when they changed: all of them.
    pub awaited: Option<Vec<String>>,
}

/// A key with which a caller proves who it is, as far as it is kept: what proves it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// What it is known by.
    pub id: KeyId,
    /// The digest of its secret part. Whoever checks keys says which digest that is.
    pub hash: [u8; 32],
    /// Who it proves its holder to be.
    pub identity: Arc<Identity>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// From when on it is no longer good.
    pub expires_at: Option<Timestamp>,
    /// When somebody revoked it.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used; a few minutes late.
    pub last_used_at: Option<Timestamp>,
}

/// How far a schedule has been dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleMark {
    /// The runtime.
    pub runtime: RuntimeId,
    /// The playbook whose schedule it is.
    pub playbook: PlaybookName,
    /// Due times up to here are dealt with: started, left out, or queued.
    pub seen: Timestamp,
    /// Due times whose runs wait for earlier ones to end, in order.
    pub queued: Vec<Timestamp>,
}

/// An execution as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredExecution {
    /// What lists show.
    pub summary: Summary,
    /// The key that it was started with.
    pub idempotency_key: Option<String>,
}

/// Which executions.
#[derive(Debug, Clone, Default)]
pub struct ExecutionQuery {
    /// Only of this runtime.
    pub runtime: Option<RuntimeId>,
    /// Only of these runtimes; absent for all.
    pub runtimes: Option<BTreeSet<RuntimeId>>,
    /// Only of this playbook.
    pub playbook: Option<PlaybookName>,
    /// Only of these statuses; empty for all.
    pub statuses: Vec<Status>,
    /// Only started at or after.
    pub since: Option<Timestamp>,
    /// Only started before.
    pub until: Option<Timestamp>,
    /// Only with this label.
    pub label: Option<(String, String)>,
    /// Only ended before.
    pub ended_before: Option<Timestamp>,
    /// From the page before.
    pub cursor: Option<String>,
    /// At most so many, 1 to 1000.
    pub limit: usize,
}

impl ExecutionQuery {
    /// Whether an execution is one of those that are asked for. Where the page begins and ends is not looked at.
    pub fn wants(&self, summary: &Summary) -> bool {
        self.runtime.as_ref().is_none_or(|runtime| *runtime == summary.runtime)
            && self.runtimes.as_ref().is_none_or(|runtimes| runtimes.contains(&summary.runtime))
            && self.playbook.as_ref().is_none_or(|playbook| *playbook == summary.playbook.name)
            && (self.statuses.is_empty() || self.statuses.contains(&summary.status))
            && self.since.is_none_or(|since| summary.started_at >= since)
            && self.until.is_none_or(|until| summary.started_at < until)
            && self.label.as_ref().is_none_or(|(name, value)| summary.labels.get(name) == Some(value))
            && self.ended_before.is_none_or(|time| summary.ended_at.is_some_and(|at| at < time))
    }
}

/// What work on many executions needs to know of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Which.
    pub id: ExecutionId,
    /// Where it stands.
    pub status: Status,
}

/// How much room a store takes, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreSize {
    /// What is kept, and room in it that is free.
    pub data: u64,
    /// Of `data`, what is free: the next executions take it before the store grows.
    pub free: u64,
    /// What was written and is not yet part of `data`.
    pub log: u64,
}

/// Which open interventions.
#[derive(Debug, Clone, Default)]
pub struct InboxQuery {
    /// Only of this runtime.
    pub runtime: Option<RuntimeId>,
    /// Only of these runtimes; absent for all.
    pub runtimes: Option<BTreeSet<RuntimeId>>,
    /// Only of this execution.
    pub execution: Option<ExecutionId>,
    /// Only for this role.
    pub role: Option<RoleName>,
    /// Only for one of these roles, or for nobody in particular; absent for all.
    pub roles: Option<BTreeSet<RoleName>>,
    /// Only this one.
    pub intervention: Option<InterventionId>,
    /// From the page before.
    pub cursor: Option<String>,
    /// At most so many, 1 to 1000.
    pub limit: usize,
}

impl InboxQuery {
    /// Whether an open intervention is one of those that are asked for. Where the page begins and ends is not looked at.
    pub fn wants(&self, open: &PendingIntervention) -> bool {
        let assignee = open.intervention.assignee_role.as_ref();
        self.runtime.as_ref().is_none_or(|runtime| *runtime == open.runtime)
            && self.runtimes.as_ref().is_none_or(|runtimes| runtimes.contains(&open.runtime))
            && self.execution.is_none_or(|execution| execution == open.execution)
            && self.role.as_ref().is_none_or(|role| assignee == Some(role))
            && self.roles.as_ref().is_none_or(|roles| assignee.is_none_or(|role| roles.contains(role)))
            && self.intervention.is_none_or(|id| id == open.intervention.id)
    }
}

/// Some of a list, and how to get on.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// In the order of the list.
    pub items: Vec<T>,
    /// Present when there is more. Opaque to callers; one that is not the store's own is refused as
    /// [`StoreError::Cursor`].
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Nothing, and nothing more.
    pub const fn empty() -> Self {
        Self { items: Vec::new(), next: None }
    }
}

/// An open intervention and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingIntervention {
    /// The execution that waits.
    pub execution: ExecutionId,
    /// The runtime that it lives in.
    pub runtime: RuntimeId,
    /// The playbook that it runs.
    pub playbook: PlaybookName,
    /// When it was asked.
    pub opened_at: Timestamp,
    /// What is asked.
    pub intervention: Intervention,
}

/// A version of a playbook in a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPlaybook {
    /// The runtime.
    pub runtime: RuntimeId,
    /// Its name.
    pub name: PlaybookName,
    /// Its version text.
    pub version: String,
    /// The digest of `source`.
    pub digest: Digest,
    /// The YAML.
    pub source: String,
    /// When it was published.
    pub published_at: Timestamp,
}

/// What a store answers when it does not do as asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Somebody else wrote first; nothing was written.
    #[error("the execution changed meanwhile")]
    Conflict,
    /// The cursor is not one that this store gave.
    #[error("the cursor is not one that this list gave: begin again without it")]
    Cursor,
    /// A row cannot be understood.
    #[error("row {key} of table {table} is broken: {reason}")]
    Broken {
        /// Which table.
        table: &'static str,
        /// Which row.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store cannot work now: disk full, read-only, gone. Nothing was written.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}
