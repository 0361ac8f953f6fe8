//! Doors: starting executions, looking at them, steering them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orgata_model::execution::{Event, Fact, Seq, State, Summary, Timeline};
use orgata_model::playbook::Playbook;
use orgata_model::text::is_longer;
use orgata_model::{ExecutionId, PlaybookName, RoleName, RuntimeId, StepPath};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::access::{Place, Subject, rules};
use crate::driver::{self, Command, Start};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::host::RuntimeEntry;
use crate::keys::check_room;
use crate::ports::{ExecutionQuery, ModelClient, Page, StoreError, StoredExecution};
use crate::principal::Principal;
use crate::starting::{self, Beginning, Pinned};

/// Most labels on one execution, and longest text of one.
const MAX_LABELS: usize = 20;
const MAX_LABEL: usize = 200;
/// Most events that a timeline is made of, and how many are read at a time.
const MOST_TOLD: Seq = 100_000;
const PAGE: usize = 500;

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
#[derive(Debug, Clone, PartialEq)]
pub enum Control {
    /// Nothing new starts until it is resumed.
    Pause,
    /// It goes on.
    Resume,
    /// It ends; what is at work is stopped.
    Cancel {
        /// Completed steps are undone first, where they say how.
        compensate: bool,
    },
    /// An execution that failed goes on: a step that failed begins anew.
    Retry {
        /// Which; the one that failed when absent.
        step: Option<StepPath>,
        /// What it is given instead of what the playbook says.
        input: Option<Value>,
    },
    /// A step is not run, or counts as done with this result.
    Skip {
        /// Which.
        step: StepPath,
        /// What counts as its result; it is skipped when absent.
        result: Option<Value>,
    },
    /// Somebody must answer before a step begins.
    Hold(Hold),
}

/// A question that an operator opens before a step begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Hold {
    /// Which step.
    pub step: StepPath,
    /// What to decide.
    pub prompt: String,
    /// Choices to offer; `proceed` and `fail` when there are none, and no schema.
    pub options: Vec<String>,
    /// What an answer must satisfy.
    pub response_schema: Option<Value>,
    /// Who may answer.
    pub role: Option<RoleName>,
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
        self.start_lending(who, runtime, request, None).await
    }

    /// Starts an execution whose operations may ask the caller's own AI model, where the runtime says `client`: for as
    /// long as somebody holds it. One that was started before with the same key is lent nothing.
    pub async fn start_lending(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        request: StartRequest,
        client: Option<Arc<dyn ModelClient>>,
    ) -> Result<Started, EngineError> {
        let entry = self.0.enter(who, runtime)?;
        let place = Place::In(entry.runtime.environment);
        let within = format!("{runtime}/{}", request.playbook);
        let subject = Subject { thing: Thing::Runtime, name: &within };
        let work = self.begin(who, runtime, entry, request, client);
        self.0.guarded(who, &rules::START, place, subject, work).await
    }

    async fn begin(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        entry: Arc<RuntimeEntry>,
        request: StartRequest,
        lent: Option<Arc<dyn ModelClient>>,
    ) -> Result<Started, EngineError> {
        let host = &self.0;
        if host.stopping.is_cancelled() {
            return Err(EngineError::Draining);
        }
        if let Some(key) = &request.idempotency_key
            && let Some(started) = self.started_before(runtime, key, &request).await?
        {
            return Ok(started);
        }
        let playbook = entry.playbook(&request.playbook)?;
        self.check_request(&playbook, &request)?;
        let plugins = starting::pin(host, &entry, &playbook)?;
        let place = host.places.try_take().ok_or(EngineError::Overloaded {
            limit: host.settings.active_executions,
            retry_after: Duration::from_secs(1),
        })?;
        let pinned = Pinned { entry, playbook, plugins };
        let beginning = Beginning {
            runtime: runtime.clone(),
            playbook: request.playbook.clone(),
            input: Arc::new(request.input.clone()),
            actor: who.actor(),
            labels: request.labels.clone(),
            parent: None,
        };
        check_room(host, &pinned.playbook, runtime, &beginning.input).await?;
        let first = starting::first(host, &pinned, beginning, None)?;
        let Pinned { entry, playbook, plugins } = pinned;
        let wait = request.wait.map(|wait| wait.min(host.settings.longest_wait.0));
        let key = request.idempotency_key.clone();
        let start = Start { first, playbook, entry, key, acknowledge: wait.is_none(), plugins, place, lent };
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
        if key.is_empty() || is_longer(key, MAX_LABEL) {
            return Err(EngineError::BadRequest(format!(
                "an idempotency key has 1 to {MAX_LABEL} characters"
            )));
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
        starting::check_input(&self.0, playbook, &request.input)?;
        check_labels(&request.labels)
    }

    pub(crate) async fn stored(&self, id: ExecutionId) -> Result<StoredExecution, EngineError> {
        let stored = self.0.store.execution(id).await?;
        stored.ok_or_else(|| EngineError::not_found(Thing::Execution, id))
    }

    /// Where an execution stands.
    pub async fn execution(&self, who: &Principal, id: ExecutionId) -> Result<Summary, EngineError> {
        self.0.look_at(who, &rules::LOOK, id).await?;
        Ok(self.stored(id).await?.summary)
    }

    /// A page of the executions that the caller may look at, newest first.
    pub async fn executions(
        &self,
        who: &Principal,
        query: &ExecutionQuery,
    ) -> Result<Page<Summary>, EngineError> {
        let Some(query) = self.0.narrowed(who, &rules::LOOK, query) else { return Ok(Page::empty()) };
        Ok(self.0.store.executions(&query).await?)
    }

    /// An execution with its whole context, as its durable events tell.
    pub async fn state(&self, who: &Principal, id: ExecutionId) -> Result<State, EngineError> {
        self.0.look_at(who, &rules::LOOK, id).await?;
        driver::load(&self.0, id).await
    }

    /// Events with `after < seq`, in order, `limit` at most.
    pub async fn history(
        &self,
        who: &Principal,
        id: ExecutionId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Event>, EngineError> {
        self.0.look_at(who, &rules::LOOK, id).await?;
        let events = self.0.store.events(id, after, limit.clamp(1, 1000)).await?;
        if events.is_empty() {
            self.stored(id).await?;
        }
        Ok(events)
    }

    /// What each step did, and when: all of a history that has [`MOST_TOLD`] events at most.
    pub async fn timeline(&self, who: &Principal, id: ExecutionId) -> Result<Timeline, EngineError> {
        let mut timeline = Timeline::default();
        // It asks whether the caller may, once for all pages.
        let mut events = self.history(who, id, 0, PAGE).await?;
        loop {
            timeline.read(&events);
            match events.last().filter(|_| events.len() == PAGE) {
                Some(last) if last.seq >= MOST_TOLD => {
                    let many =
                        format!("{id} has more than {MOST_TOLD} events: read its history, page by page");
                    return Err(EngineError::Refusal(many));
                }
                Some(last) => events = self.0.store.events(id, last.seq, PAGE).await?,
                None => return Ok(timeline),
            }
        }
    }

    /// Steers an execution. `Ok` means that it is durable.
    pub async fn control(
        &self,
        who: &Principal,
        id: ExecutionId,
        control: Control,
        reason: Option<String>,
    ) -> Result<Summary, EngineError> {
        let place = self.0.place_of(who, id).await?;
        let name = id.to_string();
        let subject = Subject { thing: Thing::Execution, name: &name };
        let work = async {
            let (reply, done) = oneshot::channel();
            let reason = reason.map(|reason| reason.chars().take(1_000).collect());
            driver::deliver(&self.0, id, Command::Control { control, reason, who: who.actor(), reply })?;
            done.await.map_err(|_| self.0.gone())?
        };
        self.0.guarded(who, &rules::CONTROL, place, subject, work).await
    }
}

/// Whether these words can be kept beside an execution.
pub(crate) fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), EngineError> {
    let long = |text: &String| text.is_empty() || is_longer(text, MAX_LABEL);
    if labels.len() > MAX_LABELS || labels.iter().any(|(key, value)| long(key) || long(value)) {
        let message =
            format!("an execution has {MAX_LABELS} labels at most, of 1 to {MAX_LABEL} characters each");
        return Err(EngineError::BadRequest(message));
    }
    Ok(())
}
