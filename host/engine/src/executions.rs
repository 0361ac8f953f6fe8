//! Doors: starting executions, looking at them, steering them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orgata_model::execution::{Event, Fact, PlaybookRef, Seq, State, Summary};
use orgata_model::operation::Plugin;
use orgata_model::playbook::Playbook;
use orgata_model::schema::Violation;
use orgata_model::{ExecutionId, PlaybookName, RuntimeId};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::driver::{self, Command, Start};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::host::RuntimeEntry;
use crate::ports::{ExecutionQuery, Page, StoreError, StoredExecution};
use crate::principal::Principal;

/// Most labels on one execution, and longest text of one.
const MAX_LABELS: usize = 20;
const MAX_LABEL: usize = 200;

/// What to start.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// Which playbook.
    pub playbook: PlaybookName,
    /// Must satisfy its input schema.
    pub input: Value,
    /// The same key starts one execution only.
    pub idempotency_key: Option<String>,
    /// Free words to find it by.
    pub labels: BTreeMap<String, String>,
    /// Hold until it ends or needs a person, so long at most.
    pub wait: Option<Duration>,
}

/// What was started.
#[derive(Debug, Clone)]
pub struct Started {
    /// Where it stands now.
    pub summary: Summary,
    /// It was started before, with the same key.
    pub existing: bool,
}

/// A control that an operator has over an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Nothing new starts until it is resumed.
    Pause,
    /// It goes on.
    Resume,
    /// It ends; what is at work is stopped.
    Cancel,
}

impl Engine {
    /// Starts an execution. Without `wait`, `Ok` means that it is durable; with it, that it has come as far
    /// as the summary says.
    pub async fn start(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        request: StartRequest,
    ) -> Result<Started, EngineError> {
        let host = &self.0;
        if host.stopping.is_cancelled() {
            return Err(EngineError::Draining);
        }
        let entry = host.runtime(runtime)?;
        if let Some(key) = &request.idempotency_key
            && let Some(started) = self.started_before(runtime, key, &request).await?
        {
            return Ok(started);
        }
        let playbook = entry.playbook(&request.playbook)?;
        self.check_request(&playbook, &request)?;
        let plugins = self.pin(&entry, &playbook)?;
        let pins = plugins.iter().map(|plugin| (plugin.name.clone(), plugin.digest)).collect();
        let place = Arc::clone(&host.places).try_acquire_owned().map_err(|_| EngineError::Overloaded {
            limit: host.settings.active_executions,
            retry_after: Duration::from_secs(1),
        })?;
        let now = host.clock.now();
        let first = Event {
            seq: 1,
            at: now,
            actor: who.actor(),
            fact: Fact::ExecutionStarted {
                runtime: runtime.clone(),
                environment: entry.runtime.environment,
                playbook: PlaybookRef {
                    name: playbook.name.clone(),
                    version: playbook.version.clone(),
                    digest: playbook.digest,
                },
                input: Arc::new(request.input.clone()),
                plugins: pins,
                deadline: playbook.timeout.and_then(|timeout| now.checked_add(timeout).ok()),
                labels: request.labels.clone(),
            },
        };
        let wait = request.wait.map(|wait| wait.min(host.settings.longest_wait.0));
        let key = request.idempotency_key.clone();
        let start = Start { first, playbook, entry, key, acknowledge: wait.is_none(), plugins, place };
        match driver::start(host, start, wait).await {
            Ok(summary) => Ok(Started { summary, existing: false }),
            // Somebody else started with the same key, between our look and our commit.
            Err(EngineError::Store(StoreError::Conflict)) if request.idempotency_key.is_some() => {
                let key = request.idempotency_key.as_deref().unwrap_or_default();
                let started = self.started_before(runtime, key, &request).await?;
                started.ok_or(EngineError::Store(StoreError::Conflict))
            }
            Err(error) => Err(error),
        }
    }

    async fn started_before(
        &self,
        runtime: &RuntimeId,
        key: &str,
        request: &StartRequest,
    ) -> Result<Option<Started>, EngineError> {
        if key.is_empty() || key.len() > MAX_LABEL {
            return Err(EngineError::BadRequest(format!("an idempotency key has 1 to {MAX_LABEL} bytes")));
        }
        let Some(stored) = self.0.store.by_idempotency_key(runtime, key).await? else { return Ok(None) };
        let first = self.0.store.events(stored.summary.id, 0, 1).await?;
        let same_input = first.first().is_some_and(
            |event| matches!(&event.fact, Fact::ExecutionStarted { input, .. } if **input == request.input),
        );
        if stored.summary.playbook.name != request.playbook || !same_input {
            return Err(EngineError::KeyReused);
        }
        Ok(Some(Started { summary: stored.summary, existing: true }))
    }

    fn check_request(&self, playbook: &Playbook, request: &StartRequest) -> Result<(), EngineError> {
        let most = self.0.settings.input_bytes;
        let size = json_size(&request.input);
        if size > most {
            let message = format!("it is {size} bytes long, {most} at most");
            let violations = vec![Violation { pointer: String::new(), message }];
            return Err(EngineError::Mismatch { what: "input", violations });
        }
        if let Some(schema) = &playbook.input {
            let fits = schema.check(&request.input);
            fits.map_err(|violations| EngineError::Mismatch { what: "input", violations })?;
        }
        let long = |text: &String| text.is_empty() || text.len() > MAX_LABEL;
        if request.labels.len() > MAX_LABELS
            || request.labels.iter().any(|(key, value)| long(key) || long(value))
        {
            let message =
                format!("an execution has {MAX_LABELS} labels at most, of 1 to {MAX_LABEL} bytes each");
            return Err(EngineError::BadRequest(message));
        }
        Ok(())
    }

    /// The version of each plugin that a new execution keeps; everything that is missing is told at once.
    fn pin(&self, entry: &RuntimeEntry, playbook: &Playbook) -> Result<Vec<Arc<Plugin>>, EngineError> {
        let catalog = self.0.operations.catalog();
        let mut pins: Vec<Arc<Plugin>> = Vec::new();
        let mut missing = Vec::new();
        for name in playbook.operations() {
            match catalog.plugins.get(&name.plugin) {
                _ if !entry.runtime.offers(&name.plugin) => {
                    missing.push(format!("{name} (add `{}` to the runtime's plugins)", name.plugin));
                }
                Some(plugin) if plugin.operation(&name.operation).is_some() => {
                    if !pins.iter().any(|pinned| pinned.digest == plugin.digest) {
                        pins.push(Arc::clone(plugin));
                    }
                }
                Some(_) => {
                    missing.push(format!("{name} (plugin `{}` has no such operation)", name.plugin));
                }
                None => missing.push(format!("{name} (load plugin `{}`)", name.plugin)),
            }
        }
        if missing.is_empty() {
            return Ok(pins);
        }
        Err(EngineError::MissingOperations { runtime: entry.runtime.id.to_string(), missing })
    }

    pub(crate) async fn stored(&self, id: ExecutionId) -> Result<StoredExecution, EngineError> {
        let stored = self.0.store.execution(id).await?;
        stored.ok_or_else(|| EngineError::not_found(Thing::Execution, id))
    }

    /// Where an execution stands.
    pub async fn execution(&self, _who: &Principal, id: ExecutionId) -> Result<Summary, EngineError> {
        Ok(self.stored(id).await?.summary)
    }

    /// A page of executions, newest first.
    pub async fn executions(
        &self,
        _who: &Principal,
        query: &ExecutionQuery,
    ) -> Result<Page<Summary>, EngineError> {
        Ok(self.0.store.executions(query).await?)
    }

    /// An execution with its whole context, as its durable events tell.
    pub async fn state(&self, _who: &Principal, id: ExecutionId) -> Result<State, EngineError> {
        driver::load(&self.0, id).await
    }

    /// Events with `after < seq`, in order, `limit` at most.
    pub async fn history(
        &self,
        _who: &Principal,
        id: ExecutionId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Event>, EngineError> {
        let events = self.0.store.events(id, after, limit.clamp(1, 1000)).await?;
        if events.is_empty() {
            self.stored(id).await?;
        }
        Ok(events)
    }

    /// Steers an execution. `Ok` means that it is durable.
    pub async fn control(
        &self,
        who: &Principal,
        id: ExecutionId,
        control: Control,
        reason: Option<String>,
    ) -> Result<Summary, EngineError> {
        let (reply, done) = oneshot::channel();
        let reason = reason.map(|reason| reason.chars().take(1_000).collect());
        driver::deliver(&self.0, id, Command::Control { control, reason, who: who.actor(), reply })?;
        done.await.map_err(|_| self.0.gone())?
    }
}

/// How many bytes a value has as JSON. Nothing is written: most inputs are small, and some are not.
fn json_size(value: &Value) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Neither counting nor a value can fail.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}
