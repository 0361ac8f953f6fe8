//! One driver per execution at work: it does what the state says is ready, and records what came of it.
//!
//! A driver exists while there is something to do, or soon will be. An execution that waits for a person or
//! for a far time has none: it lives in the store, and whoever has something for it ([`deliver`], the
//! timekeeper) brings it back. So there is one writer per execution at any time.
//!
//! - `run`: the loop; `step`: one attempt of an operation; `commit`: recording, and when it becomes durable;
//!   `command`: what callers ask while it is at work.

mod command;
mod commit;
mod run;
mod step;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use orgata_model::ExecutionId;
use orgata_model::execution::{Event, State, Summary};
use orgata_model::operation::Plugin;
use orgata_model::playbook::Playbook;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tracing::{Instrument, error, info_span};

use crate::error::{EngineError, Thing};
use crate::host::{Host, RuntimeEntry};
use crate::ports::{Progress, Session};

pub(crate) use command::Command;

/// Events of a history that are folded at a time.
const PAGE: usize = 1_000;

/// A new execution, ready to begin.
pub(crate) struct Start {
    pub(crate) first: Event,
    pub(crate) playbook: Arc<Playbook>,
    pub(crate) entry: Arc<RuntimeEntry>,
    pub(crate) key: Option<String>,
    /// Tell the caller as soon as it is durable, not only when it settles.
    pub(crate) acknowledge: bool,
    pub(crate) place: OwnedSemaphorePermit,
}

/// Whoever started it, and what they wait for.
struct Caller {
    reply: oneshot::Sender<Result<Summary, EngineError>>,
    acknowledge: bool,
}

struct Driver {
    host: Arc<Host>,
    entry: Option<Arc<RuntimeEntry>>,
    state: State,
    inbox: mpsc::UnboundedReceiver<Command>,
    /// Recorded and not yet durable.
    uncommitted: Vec<Arc<Event>>,
    /// Seq of the last durable event.
    durable: u64,
    /// An outward effect's result is among `uncommitted`: make it durable before anything else happens.
    urgent: bool,
    /// Goes with the first commit.
    key: Option<String>,
    caller: Option<Caller>,
    session: Option<Box<dyn Session>>,
    /// The pinned plugins that were looked at.
    plugins: Vec<Arc<Plugin>>,
    progress: Option<(mpsc::Sender<Progress>, mpsc::Receiver<Progress>)>,
    /// Held while it is at work.
    _place: OwnedSemaphorePermit,
}

impl Driver {
    fn new(
        host: Arc<Host>,
        state: State,
        inbox: mpsc::UnboundedReceiver<Command>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            host,
            entry: None,
            durable: state.version,
            state,
            inbox,
            uncommitted: Vec::new(),
            urgent: false,
            key: None,
            caller: None,
            session: None,
            plugins: Vec::new(),
            progress: None,
            _place: place,
        }
    }
}

/// Begins an execution. Returns once it is durable, or, with `wait`, once it settles or so long has passed.
pub(crate) async fn start(
    host: &Arc<Host>,
    start: Start,
    wait: Option<Duration>,
) -> Result<Summary, EngineError> {
    let id = ExecutionId::new(host.clock.fresh_id());
    let state = State::begin(id, start.playbook, &start.first)?;
    let (sender, inbox) = mpsc::unbounded_channel();
    let (reply, mut settled) = oneshot::channel();
    let mut driver = Driver::new(Arc::clone(host), state, inbox, start.place);
    driver.entry = Some(start.entry);
    driver.durable = 0;
    driver.uncommitted.push(Arc::new(start.first));
    driver.key = start.key;
    driver.caller = Some(Caller { reply, acknowledge: start.acknowledge });
    host.residents.lock().unwrap_or_else(PoisonError::into_inner).insert(id, sender);
    let span = info_span!("execution", id = %id);
    host.drivers.spawn(driver.run().instrument(span));
    metrics::counter!("orgata_executions_started_total").increment(1);

    let gone = || EngineError::Draining;
    let Some(wait) = wait else { return settled.await.map_err(|_| gone())? };
    match tokio::time::timeout(wait, &mut settled).await {
        Ok(summary) => summary.map_err(|_| gone())?,
        Err(_) => {
            let (reply, report) = oneshot::channel();
            deliver(host, id, Command::Report { reply })?;
            tokio::select! {
                summary = settled => summary.map_err(|_| gone())?,
                summary = report => summary.map_err(|_| gone())?,
            }
        }
    }
}

/// Hands a command to an execution's driver, bringing it back from the store if it has none.
pub(crate) fn deliver(host: &Arc<Host>, id: ExecutionId, command: Command) -> Result<(), EngineError> {
    if host.stopping.is_cancelled() {
        return Err(EngineError::Draining);
    }
    let mut residents = host.residents.lock().unwrap_or_else(PoisonError::into_inner);
    // The lock is held while sending: a driver that leaves checks its inbox under the same lock.
    let refused = match residents.get(&id) {
        Some(sender) => match sender.send(command) {
            Ok(()) => return Ok(()),
            Err(mpsc::error::SendError(command)) => command,
        },
        None => command,
    };
    let (sender, inbox) = mpsc::unbounded_channel();
    let _ = sender.send(refused);
    residents.insert(id, sender);
    let host_of_task = Arc::clone(host);
    host.drivers.spawn(bring_back(host_of_task, id, inbox).instrument(info_span!("execution", id = %id)));
    Ok(())
}

/// Brings an execution back, if it has no driver: its time has come, or the host has started.
pub(crate) fn wake(host: &Arc<Host>, id: ExecutionId) {
    let resident = host.residents.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&id);
    if !resident {
        // Refused only when the host stops, and then the next start wakes it.
        let _ = deliver(host, id, Command::Wake);
    }
}

async fn bring_back(host: Arc<Host>, id: ExecutionId, mut inbox: mpsc::UnboundedReceiver<Command>) {
    let place = Arc::clone(&host.places).acquire_owned().await;
    let loaded = load(&host, id).await;
    let (Ok(place), Ok(state)) = (place, &loaded) else {
        host.residents.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        let error = loaded.err().unwrap_or(EngineError::Draining);
        if !matches!(error, EngineError::NotFound { .. }) {
            error!(%error, "the execution cannot be brought back");
        }
        while let Ok(command) = inbox.try_recv() {
            command.refuse(error.clone());
        }
        return;
    };
    Driver::new(host, state.clone(), inbox, place).run().await;
}

/// An execution's state, as its durable events tell.
pub(crate) async fn load(host: &Host, id: ExecutionId) -> Result<State, EngineError> {
    let mut events = host.store.events(id, 0, PAGE).await?;
    let Some(first) = events.first() else { return Err(EngineError::not_found(Thing::Execution, id)) };
    let orgata_model::execution::Fact::ExecutionStarted { playbook, .. } = &first.fact else {
        return Err(EngineError::Internal(format!("{id} does not begin with its start")));
    };
    let playbook = host.playbook(playbook.digest).await?;
    let mut state = State::begin(id, playbook, first)?;
    let mut skip = 1;
    loop {
        for event in events.iter().skip(skip) {
            state.advance(event)?;
        }
        if events.len() < PAGE {
            return Ok(state);
        }
        skip = 0;
        events = host.store.events(id, state.version, PAGE).await?;
    }
}
