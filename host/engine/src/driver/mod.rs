//! One driver per execution at work: it does what the state says is ready, and records what came of it.
//!
//! A driver exists while there is something to do, or soon will be. An execution that waits for a person or
//! for a far time has none: it lives in the store, and whoever has something for it ([`deliver`], the
//! timekeeper) brings it back. So there is one writer per execution at any time.
//!
//! - `run`: the loop; `admission`: whether it may begin; `turn`: whether a step may; `calls`: the calls under way; `step`, `undo`, `child`, `ask`: what steps need; `commit`:
//!   recording, and when it becomes durable; `pace`: how often progress is recorded; `command`, `control`: what callers
//!   ask while it is at work.

mod admission;
mod ask;
mod cached;
mod calls;
mod child;
mod command;
mod commit;
mod control;
mod pace;
mod run;
mod step;
mod turn;
mod undo;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orgata_model::ExecutionId;
use orgata_model::execution::{Event, Fact, State, Summary};
use orgata_model::operation::Plugin;
use orgata_model::playbook::{Playbook, Priority};
use tokio::sync::{mpsc, oneshot};
use tracing::{Instrument, Span, error, info_span, warn};

use crate::error::{EngineError, Thing};
use crate::host::{Host, RuntimeEntry};
use crate::places::Place;
use crate::pool::Lane;
use crate::ports::{ModelClient, Session, StoreError};

pub(crate) use command::Command;
use commit::{FIRST_WAIT, LONGEST_WAIT, pause_before_retry};
use run::Residence;
pub(crate) use turn::Turns;

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
    /// The plugins that it keeps.
    pub(crate) plugins: Vec<Arc<Plugin>>,
    pub(crate) place: Place,
    /// The assistant that lends its model.
    pub(crate) lent: Option<Arc<dyn ModelClient>>,
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
    /// Seq of the last event when it last came from the store.
    remembered: u64,
    /// An outward effect's result is among `uncommitted`: make it durable before anything else happens.
    urgent: bool,
    /// It rested, in the store as in memory, when the wish of a caller came that is being recorded.
    rested: bool,
    /// What time would have woken it then.
    rest_until: Option<Timestamp>,
    /// Goes with the first commit.
    key: Option<String>,
    caller: Option<Caller>,
    /// It came from the store: a step may have been at work when the host stopped.
    left_over: bool,
    session: Option<Arc<dyn Session>>,
    /// What its operations asked AI models, to be recorded.
    asked: Option<mpsc::UnboundedReceiver<Fact>>,
    /// The pinned plugins that were looked at.
    plugins: Vec<Arc<Plugin>>,
    /// Calls that begin once nothing else is ready.
    planned: Vec<calls::Planned>,
    /// Calls under way.
    calls: calls::Calls,
    /// A child ended while the store could not be read.
    look_again: bool,
    /// The outside events that the store knows it to wait for.
    awaited: Vec<String>,
    /// Its turns among steps with the same concurrency key.
    turns: turn::OwnTurns,
    /// It may be at work as far as its concurrency key is concerned.
    admitted: bool,
    /// Held while it is at work. One that was brought back for a caller takes it when there is work: an answer or
    /// a cancellation does not wait for what others are at.
    place: Option<Place>,
}

impl Driver {
    fn new(
        host: Arc<Host>,
        state: State,
        inbox: mpsc::UnboundedReceiver<Command>,
        place: Option<Place>,
    ) -> Self {
        let awaited = state.awaited();
        let admitted = state.playbook.concurrency.is_none();
        Self {
            host,
            entry: None,
            durable: state.version,
            remembered: state.version,
            state,
            inbox,
            uncommitted: Vec::new(),
            urgent: false,
            rested: false,
            rest_until: None,
            key: None,
            caller: None,
            left_over: true,
            session: None,
            asked: None,
            plugins: Vec::new(),
            planned: Vec::new(),
            calls: calls::Calls::default(),
            awaited,
            turns: turn::OwnTurns::default(),
            look_again: false,
            admitted,
            place,
        }
    }

    fn lane(&self) -> Lane {
        Lane::of(&self.state.runtime, &self.state.playbook.name)
    }

    /// Has it run, in turns with others.
    fn begin(self, span: Span) {
        let host = Arc::clone(&self.host);
        host.pool.spawn(self.lane(), host.drivers.track_future(self.run().instrument(span)));
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
    let mut driver = Driver::new(Arc::clone(host), state, inbox, Some(start.place));
    driver.entry = Some(start.entry);
    driver.durable = 0;
    driver.left_over = false;
    driver.plugins = start.plugins;
    driver.uncommitted.push(Arc::new(start.first));
    driver.key = start.key;
    driver.caller = Some(Caller { reply, acknowledge: start.acknowledge });
    if let Some(client) = &start.lent {
        host.lent.lend(id, client);
    }
    host.residents().insert(id, sender);
    let span = info_span!("execution", id = %id);
    driver.begin(span);
    metrics::counter!("orgata_executions_started_total").increment(1);

    let gone = |_| host.gone();
    let Some(wait) = wait else { return settled.await.map_err(gone)? };
    let until = host.clock.now() + wait;
    tokio::select! {
        biased;
        summary = &mut settled => return summary.map_err(gone)?,
        () = host.clock.sleep_until(until) => {}
    }
    let (reply, report) = oneshot::channel();
    deliver(host, id, Command::Report { reply })?;
    tokio::select! {
        biased;
        summary = &mut settled => return summary.map_err(gone)?,
        Ok(summary) = report => return summary,
        else => {}
    }
    // The driver left without a report: it has told why, or it is gone.
    settled.await.map_err(gone)?
}

/// Hands a command to an execution's driver, bringing it back from the store if it has none.
pub(crate) fn deliver(host: &Arc<Host>, id: ExecutionId, command: Command) -> Result<(), EngineError> {
    if host.stopping.is_cancelled() {
        return Err(EngineError::Draining);
    }
    deliver_at(host, id, command, None);
    Ok(())
}

/// [`deliver`], with a place for the driver if there is one already.
fn deliver_at(host: &Arc<Host>, id: ExecutionId, command: Command, place: Option<Place>) {
    let mut residents = host.residents();
    // The lock is held while sending: a driver that leaves checks its inbox under the same lock.
    let refused = match residents.get(&id) {
        Some(sender) => match sender.send(command) {
            Ok(()) => return,
            Err(mpsc::error::SendError(command)) => command,
        },
        None => command,
    };
    let (sender, inbox) = mpsc::unbounded_channel();
    let _ = sender.send(refused);
    residents.insert(id, sender);
    let host_of_task = Arc::clone(host);
    host.drivers
        .spawn(bring_back(host_of_task, id, inbox, place).instrument(info_span!("execution", id = %id)));
}

/// Brings an execution back, if it has no driver: its time has come, or the host has started. Waits for a place,
/// so that what cannot be at work yet stays on disk. `false`: the host stops, and the next start wakes it.
pub(crate) async fn wake(host: &Arc<Host>, id: ExecutionId, priority: Priority) -> bool {
    let resident = host.residents().contains_key(&id);
    if resident {
        return true;
    }
    let place = tokio::select! {
        biased;
        place = host.places.take(priority) => Some(place),
        () = host.stopping.cancelled() => None,
    };
    if place.is_none() || host.stopping.is_cancelled() {
        return false;
    }
    deliver_at(host, id, Command::Wake, place);
    true
}

async fn bring_back(
    host: Arc<Host>,
    id: ExecutionId,
    mut inbox: mpsc::UnboundedReceiver<Command>,
    place: Option<Place>,
) {
    let mut residence = Residence::new(&host, id);
    let state = match load_patiently(&host, id, &mut inbox).await {
        Ok(state) => state,
        Err(error) => {
            if !matches!(error, EngineError::NotFound { .. } | EngineError::Draining) {
                error!(%error, "the execution cannot be brought back");
            }
            // Off the list first: what comes from now on is for the next driver.
            residence.leave();
            while let Ok(command) = inbox.try_recv() {
                command.refuse(error.clone());
            }
            return;
        }
    };
    residence.pass_on();
    Driver::new(host, state, inbox, place).begin(Span::current());
}

/// [`load`], again and again while the store is unavailable and the execution has work of its own: nobody else
/// would come back for it. Callers are told at once.
async fn load_patiently(
    host: &Host,
    id: ExecutionId,
    inbox: &mut mpsc::UnboundedReceiver<Command>,
) -> Result<State, EngineError> {
    let mut wait = FIRST_WAIT;
    let mut woken = false;
    loop {
        let error = match load(host, id).await {
            Err(error @ EngineError::Store(StoreError::Unavailable(_))) => error,
            loaded => return loaded,
        };
        while let Ok(command) = inbox.try_recv() {
            woken |= command.wakes();
            command.refuse(error.clone());
        }
        if !woken || host.stopping.is_cancelled() {
            return Err(error);
        }
        warn!(%error, "the execution waits for the store");
        pause_before_retry(host, wait).await.map_err(|stop| stop.error())?;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// An execution's state, as its durable events tell.
pub(crate) async fn load(host: &Host, id: ExecutionId) -> Result<State, EngineError> {
    let mut events = host.store.events(id, 0, PAGE).await?;
    let Some(first) = events.first() else { return Err(EngineError::not_found(Thing::Execution, id)) };
    let Fact::ExecutionStarted { playbook, .. } = &first.fact else {
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
