//! Recording what happened, and making it durable.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orgata_model::execution::{Actor, Event, Fact};
use tracing::{debug, error, warn};

use crate::error::EngineError;
use crate::host::Host;
use crate::ports::{Append, StoreError};

use super::{Command, Driver, deliver};

/// The actor of events that the host itself causes.
const ENGINE: &str = "engine";
/// Waits between tries while the store is unavailable.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(50);
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Why a driver leaves before its execution settles.
#[derive(Debug)]
pub(super) enum Stop {
    /// The host stops; the next start goes on.
    Host,
    /// The execution cannot go on here. The store has what is durable.
    Fault(EngineError),
    /// What a caller wished cannot be kept now, and it is all that would be lost: the execution rests as it did.
    Unkept(EngineError),
}

impl Stop {
    /// What callers are told whose wish was not met because of it.
    pub(super) fn error(&self) -> EngineError {
        match self {
            Self::Host => EngineError::Draining,
            Self::Fault(error) | Self::Unkept(error) => error.clone(),
        }
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Self::Fault(error)
    }
}

impl Driver {
    /// Records a fact that the host itself causes.
    pub(super) fn note(&mut self, fact: Fact) -> Result<(), Stop> {
        self.record(fact, Arc::from(ENGINE))
    }

    /// Records a fact: the state moves now, the store hears of it at the next commit.
    pub(super) fn record(&mut self, fact: Fact, actor: Actor) -> Result<(), Stop> {
        let event = Event { seq: self.state.version + 1, at: self.host.clock.now(), actor, fact };
        self.state.advance(&event).map_err(EngineError::from)?;
        self.uncommitted.push(Arc::new(event));
        Ok(())
    }

    /// When the oldest event that is not durable must become so.
    pub(super) fn flush_at(&self) -> Option<Timestamp> {
        let oldest = self.uncommitted.first()?;
        oldest.at.checked_add(self.host.settings.flush_after.0).ok()
    }

    /// Makes everything recorded durable, then tells watchers. While the store is unavailable it tries again:
    /// what is recorded may be the result of an effect, which must not be lost. A new execution that nobody was
    /// told of is refused instead, and so is the wish of a caller to one that rests.
    pub(super) async fn commit(&mut self) -> Result<(), Stop> {
        if self.uncommitted.is_empty() {
            return Ok(());
        }
        let mut wait = FIRST_WAIT;
        let awaited = self.awaited_now();
        loop {
            let append = Append {
                awaited: awaited.clone(),
                seen: self.durable,
                events: self.uncommitted.clone(),
                summary: self.state.summary(),
                idempotency_key: self.key.clone(),
            };
            match self.host.store.append(append).await {
                Ok(()) => break,
                Err(error @ StoreError::Unavailable(_)) if self.rested => {
                    return Err(Stop::Unkept(error.into()));
                }
                Err(error @ StoreError::Unavailable(_)) if self.durable > 0 => {
                    wait = self.wait_for_store(&error, wait).await?;
                }
                Err(error) => return Err(Stop::Fault(error.into())),
            }
        }
        let events = std::mem::take(&mut self.uncommitted);
        self.durable = self.state.version;
        self.urgent = false;
        self.rested = false;
        self.key = None;
        if let Some(awaited) = awaited {
            self.awaited = awaited;
        }
        self.host.feed.publish(&self.state.runtime, self.state.id, &events);
        if let Some(end) = &self.state.end {
            let status = end.status.as_str();
            metrics::counter!("orgata_executions_ended_total", "status" => status).increment(1);
            debug!(status, "execution ended");
            self.tell_parent();
            self.make_room();
            self.host.schedules.ended(&self.state.labels);
        }
        if self.caller.as_ref().is_some_and(|caller| caller.acknowledge) {
            self.tell_caller();
        }
        Ok(())
    }

    /// Waits before the store is tried again; gives the wait after that.
    async fn wait_for_store(&mut self, error: &StoreError, wait: Duration) -> Result<Duration, Stop> {
        warn!(%error, "the execution waits for the store");
        self.refuse_commands(&error.clone().into());
        pause_before_retry(&self.host, wait).await?;
        Ok((wait * 2).min(LONGEST_WAIT))
    }

    /// What the store says, asked again and again while it is unavailable: nobody else would come back for what waits
    /// for it. Callers are told at once, as with [`Driver::commit`].
    pub(super) async fn patiently<T, F>(&mut self, mut ask: impl FnMut() -> F) -> Result<T, Stop>
    where
        F: Future<Output = Result<T, EngineError>>,
    {
        let mut wait = FIRST_WAIT;
        loop {
            match ask().await {
                Err(EngineError::Store(error @ StoreError::Unavailable(_))) => {
                    wait = self.wait_for_store(&error, wait).await?;
                }
                told => return told.map_err(Stop::Fault),
            }
        }
    }

    /// The outside events that it waits for now, when they are others than the store knows.
    fn awaited_now(&self) -> Option<Vec<String>> {
        // What failed and is let go on waits again for what waited inside of it.
        let may_wait = |event: &Arc<Event>| {
            matches!(
                event.fact,
                Fact::StepWaiting { event: Some(_), .. }
                    | Fact::ExecutionRetried { .. }
                    | Fact::StepEntered { .. }
                    | Fact::LoopStarted { .. }
            )
        };
        if self.awaited.is_empty() && !self.uncommitted.iter().any(may_wait) {
            return None;
        }
        let awaited = if self.state.end.is_some() { Vec::new() } else { self.state.awaited() };
        (awaited != self.awaited).then_some(awaited)
    }

    /// Callers hear that it cannot be done now, instead of waiting for as long as it takes.
    fn refuse_commands(&mut self, error: &EngineError) {
        while let Ok(command) = self.inbox.try_recv() {
            // Nobody waits for an answer to it, and nobody sends it again.
            self.look_again |= matches!(command, Command::ChildEnded);
            command.refuse(error.clone());
        }
    }

    /// Tells whoever started it where it stands.
    pub(super) fn tell_caller(&mut self) {
        if let Some(caller) = self.caller.take() {
            // A caller that went away needs no answer.
            let _ = caller.reply.send(Ok(self.state.summary()));
        }
    }

    /// Leaves because something went wrong: callers are told, what is durable stays for the next time.
    pub(super) fn leave_with(&mut self, error: &EngineError) {
        let refused = matches!(error, EngineError::Store(_)) && self.durable == 0;
        if !refused {
            error!(%error, "the execution cannot go on");
        }
        if let Some(caller) = self.caller.take() {
            let _ = caller.reply.send(Err(error.clone()));
        }
        // Off the list first: what comes from now on is for the next driver.
        self.host.residents().remove(&self.state.id);
        self.refuse_commands(error);
    }

    /// Leaves because what a caller wished cannot be kept. What would have woken this driver wakes the next one.
    pub(super) fn leave_unkept(&mut self, error: &EngineError) {
        if let Some(caller) = self.caller.take() {
            let _ = caller.reply.send(Err(error.clone()));
        }
        self.host.residents().remove(&self.state.id);
        let mut woken = self.look_again;
        while let Ok(command) = self.inbox.try_recv() {
            woken |= command.wakes();
            command.refuse(error.clone());
        }
        if woken {
            // A host that stops needs nobody to come back.
            let _ = deliver(&self.host, self.state.id, Command::Wake);
        }
        if let Some(at) = self.rest_until {
            self.host.expect_wake(at);
        }
    }
}

/// Waits before the store is tried again, also while the host stops: until nobody waits for it any more.
pub(super) async fn pause_before_retry(host: &Host, wait: Duration) -> Result<(), Stop> {
    let until = host.clock.now() + wait;
    tokio::select! {
        biased;
        () = host.clock.sleep_until(until) => Ok(()),
        () = host.given_up.cancelled() => Err(Stop::Host),
    }
}
