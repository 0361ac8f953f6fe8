//! Doors: the history of an execution, taken out of one host and into another.
//!
//! What is taken in was written elsewhere, so nothing of it is believed: the playbook is read anew and must have the
//! digest that the history names, every event must follow the one before, and the whole is stored at once or not at
//! all. Folding is the check, and it is the fold that live work goes through.
//!
//! An execution that has not ended comes in paused: the host that it came from may still have it at work, and both
//! would do its effects. Somebody who knows that it does not says so, by resuming it here. It could be refused
//! instead; then nothing that waits could ever move to another host.
//!
//! Not here: how it is written down (`api::wire`).

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use orgata_model::execution::{Event, Fact, Seq, State, Summary};
use orgata_model::playbook::Playbook;
use orgata_model::{Digest, ExecutionId, RuntimeId};
use tracing::info;

use crate::access::{Place, Subject, rules};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::host::Host;
use crate::ports::{Append, StoreError, StoredExecution};
use crate::principal::Principal;

/// Events read from the store at a time.
const PAGE: usize = 128;

/// What is wrong with a history that somebody brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryFault {
    /// The event at fault, unless it is the history as a whole.
    pub seq: Option<Seq>,
    /// What is wrong.
    pub reason: String,
}

impl HistoryFault {
    /// A fault of one event.
    pub fn of(seq: Seq, reason: impl fmt::Display) -> Self {
        Self { seq: Some(seq), reason: reason.to_string() }
    }

    /// A fault of the whole.
    pub fn whole(reason: impl fmt::Display) -> Self {
        Self { seq: None, reason: reason.to_string() }
    }
}

impl fmt::Display for HistoryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seq {
            Some(seq) => write!(f, "event {seq}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl From<HistoryFault> for EngineError {
    fn from(fault: HistoryFault) -> Self {
        Self::BadHistory(Box::new(fault))
    }
}

/// The history of one execution, on its way out.
pub struct Export {
    host: Arc<Host>,
    /// What it is the history of.
    pub execution: StoredExecution,
    /// The YAML of the version that it runs.
    pub source: Arc<str>,
    /// When it was taken.
    pub at: Timestamp,
    next: Seq,
    page: VecDeque<Event>,
}

impl Export {
    /// The next event, as recorded; nothing after the last that there was when the export began.
    pub async fn next(&mut self) -> Result<Option<Event>, EngineError> {
        let Summary { id, version, .. } = self.execution.summary;
        if self.next > version {
            return Ok(None);
        }
        if self.page.is_empty() {
            self.page = self.host.store.events(id, self.next - 1, PAGE).await?.into();
        }
        // Deleted meanwhile: what was sent is not the whole, and must not look like it.
        let event = self.page.pop_front().ok_or_else(|| EngineError::not_found(Thing::Execution, id))?;
        self.next = event.seq + 1;
        Ok(Some(event))
    }
}

/// What is said of a history before its events.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// Whose.
    pub execution: ExecutionId,
    /// The runtime that it is meant for: its own.
    pub runtime: RuntimeId,
    /// The digest of the version of its playbook, and that version's YAML.
    pub playbook: (Digest, String),
    /// The key that it was started with.
    pub idempotency_key: Option<String>,
    /// How many events follow.
    pub events: u64,
}

/// The history of one execution, on its way in.
pub struct Import {
    host: Arc<Host>,
    who: Principal,
    request: ImportRequest,
    playbook: Arc<Playbook>,
    state: Option<State>,
    events: Vec<Arc<Event>>,
}

impl Engine {
    /// The history of an execution, to be kept or taken elsewhere.
    pub async fn export(&self, who: &Principal, id: ExecutionId) -> Result<Export, EngineError> {
        self.0.look_at(who, &rules::LOOK, id).await?;
        let execution = self.stored(id).await?;
        let playbook = self.0.playbook(execution.summary.playbook.digest).await?;
        Ok(Export {
            host: Arc::clone(&self.0),
            execution,
            source: Arc::clone(&playbook.source),
            at: self.0.clock.now(),
            next: 1,
            page: VecDeque::new(),
        })
    }

    /// Begins to take in a history that was recorded elsewhere. Nothing is kept before [`Import::finish`].
    pub async fn import(&self, who: &Principal, request: ImportRequest) -> Result<Import, EngineError> {
        let place = Place::In(self.0.enter(who, &request.runtime)?.runtime.environment);
        let name = request.execution.to_string();
        let subject = Subject { thing: Thing::Execution, name: &name };
        self.0.guarded(who, &rules::IMPORT, place, subject, self.imported(who, request)).await
    }

    async fn imported(&self, who: &Principal, request: ImportRequest) -> Result<Import, EngineError> {
        let host = &self.0;
        if host.stopping.is_cancelled() {
            return Err(EngineError::Draining);
        }
        if host.store.execution(request.execution).await?.is_some() {
            return Err(exists(request.execution));
        }
        let (digest, source) = &request.playbook;
        if Digest::of(source.as_bytes()) != *digest {
            return Err(
                HistoryFault::whole("the playbook's source does not have the digest beside it").into()
            );
        }
        let playbook = Playbook::parse(&format!("{digest}.yaml"), source)
            .map_err(|diagnostics| EngineError::BadPlaybook(Box::new(diagnostics)))?;
        Ok(Import {
            host: Arc::clone(host),
            who: who.clone(),
            request,
            playbook: Arc::new(playbook),
            state: None,
            events: Vec::new(),
        })
    }
}

fn exists(execution: ExecutionId) -> EngineError {
    EngineError::Exists { thing: Thing::Execution, name: execution.to_string() }
}

impl Import {
    /// Takes the next event, if it can follow those before.
    pub fn take(&mut self, event: Event) -> Result<(), EngineError> {
        let fault = |reason: &dyn fmt::Display| Err(HistoryFault::of(event.seq, reason).into());
        if event.at.as_nanosecond() % 1_000 != 0 {
            return fault(&"its time is finer than a microsecond, which none of ours is");
        }
        match &mut self.state {
            Some(state) => {
                if let Err(error) = state.advance(&event) {
                    return fault(&error.reason);
                }
            }
            None => {
                let began = State::begin(self.request.execution, Arc::clone(&self.playbook), &event);
                let state = match began {
                    Ok(state) => state,
                    Err(error) => return fault(&error.reason),
                };
                if state.runtime != self.request.runtime {
                    let own = &state.runtime;
                    return fault(&format_args!("it happened in runtime `{own}`: import it into that one"));
                }
                self.state = Some(state);
            }
        }
        self.events.push(Arc::new(event));
        Ok(())
    }

    /// Keeps it, if all of it has come. One that has not ended is paused.
    pub async fn finish(mut self) -> Result<Summary, EngineError> {
        let (expected, came) = (self.request.events, self.events.len() as u64);
        let Some(mut state) = self.state.take().filter(|_| came == expected) else {
            let reason =
                format!("it has {came} events, and its first line says {expected}: a part is missing");
            return Err(HistoryFault::whole(reason).into());
        };
        if state.end.is_none() {
            self.has_plugins(&state)?;
            self.pause(&mut state)?;
        }
        let summary = state.summary();
        let append = Append {
            seen: 0,
            events: std::mem::take(&mut self.events),
            summary: summary.clone(),
            idempotency_key: self.request.idempotency_key.clone(),
            awaited: Some(state.awaited()).filter(|awaited| !awaited.is_empty()),
        };
        match self.host.store.import(append, &self.playbook.source).await {
            Ok(()) => {}
            Err(StoreError::Conflict) if self.host.store.execution(summary.id).await?.is_some() => {
                return Err(exists(summary.id));
            }
            Err(StoreError::Conflict) => return Err(EngineError::KeyReused),
            Err(error) => return Err(error.into()),
        }
        if let Some(at) = summary.wakes_at {
            self.host.expect_wake(at);
        }
        info!(execution = %summary.id, status = summary.status.as_str(), by = self.who.name(), "execution imported");
        Ok(summary)
    }

    /// Whether the host has the versions that it keeps: without them it could never go on.
    fn has_plugins(&self, state: &State) -> Result<(), EngineError> {
        let known = self.host.plugins.list();
        let missing = state.plugins.iter().filter(|(_, digest)| {
            let digest = **digest;
            !known.iter().any(|entry| entry.plugin.digest == digest)
        });
        let missing: Vec<_> =
            missing.map(|(name, digest)| format!("{name} (load its version {digest})")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(EngineError::MissingOperations { runtime: self.request.runtime.to_string(), missing })
    }

    fn pause(&mut self, state: &mut State) -> Result<(), EngineError> {
        if state.paused {
            return Ok(());
        }
        let reason = "it was imported: resume it here once it runs nowhere else";
        // Time does not run backwards in a history, whatever the clocks of two hosts say.
        let at = self.host.clock.now().max(state.updated_at);
        let fact = Fact::ExecutionPaused { reason: Some(reason.to_owned()) };
        let event = Event { seq: state.version + 1, at, actor: self.who.actor(), fact };
        state.advance(&event)?;
        self.events.push(Arc::new(event));
        Ok(())
    }
}
