//! Recording what happened, and making it durable.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orgata_model::execution::{Actor, Event, Fact};
use tracing::{error, warn};

use crate::error::EngineError;
use crate::ports::{Append, StoreError};

use super::Driver;

/// The actor of events that the host itself causes.
const ENGINE: &str = "engine";
/// Waits between tries while the store is unavailable.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Why a driver leaves before its execution settles.
#[derive(Debug)]
pub(super) enum Stop {
    /// The host stops; the next start goes on.
    Host,
    /// The execution cannot go on here. The store has what is durable.
    Fault(EngineError),
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
    /// told of is refused instead.
    pub(super) async fn commit(&mut self) -> Result<(), Stop> {
        if self.uncommitted.is_empty() {
            return Ok(());
        }
        let mut wait = FIRST_WAIT;
        loop {
            let append = Append {
                seen: self.durable,
                events: self.uncommitted.clone(),
                summary: self.state.summary(),
                idempotency_key: self.key.clone(),
            };
            match self.host.store.append(append).await {
                Ok(()) => break,
                Err(error @ StoreError::Unavailable(_)) if self.durable > 0 => {
                    warn!(%error, "the execution waits for the store");
                    self.pause_before_retry(wait).await?;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                Err(error) => return Err(Stop::Fault(error.into())),
            }
        }
        let events = std::mem::take(&mut self.uncommitted);
        self.durable = self.state.version;
        self.urgent = false;
        self.key = None;
        self.host.feed.publish(&self.state.runtime, self.state.id, &events);
        if self.caller.as_ref().is_some_and(|caller| caller.acknowledge) {
            self.tell_caller();
        }
        Ok(())
    }

    async fn pause_before_retry(&self, wait: Duration) -> Result<(), Stop> {
        let until = self.host.clock.now() + wait;
        tokio::select! {
            () = self.host.clock.sleep_until(until) => Ok(()),
            () = self.host.stopping.cancelled() => Err(Stop::Host),
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
        while let Ok(command) = self.inbox.try_recv() {
            command.refuse(error.clone());
        }
    }
}
