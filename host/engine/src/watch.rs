//! Following one execution: what is stored, then what comes, without a gap or a repeat.
//!
//! The live feed is joined *before* the store is read, so nothing falls between; what both have is told
//! once, by seq. A watcher that is slower than the execution reads from the store again, so it costs no
//! memory and misses nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use orgata_model::ExecutionId;
use orgata_model::execution::{Event, Seq};
use tokio::sync::broadcast;

use crate::error::EngineError;
use crate::host::Host;
use crate::principal::Principal;

/// Events read from the store at a time.
const PAGE: usize = 256;

/// The events of one execution, from a seq on.
pub struct Watch {
    host: Arc<Host>,
    who: Principal,
    id: ExecutionId,
    next: Seq,
    stored: VecDeque<Arc<Event>>,
    /// `None` while reading from the store may still give something.
    live: Option<broadcast::Receiver<Arc<Event>>>,
    joined: bool,
    ended: bool,
}

impl Watch {
    pub(crate) fn new(host: Arc<Host>, who: Principal, id: ExecutionId, from: Seq) -> Self {
        let live = Some(host.feed.watch(id));
        Self { host, who, id, next: from.max(1), stored: VecDeque::new(), live, joined: false, ended: false }
    }

    /// The next event; waits for it. `None` once the execution's last event was given.
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<Arc<Event>>, EngineError> {
        while !self.ended {
            if let Some(event) = self.stored.pop_front() {
                return self.give(event).map(Some);
            }
            if !self.joined {
                self.read().await?;
                continue;
            }
            let Some(live) = &mut self.live else { return Ok(None) };
            match live.recv().await {
                Ok(event) if event.seq < self.next => {}
                Ok(event) if event.seq == self.next => return self.give(event).map(Some),
                // Something is missing between: the store has it.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => self.joined = false,
                Err(broadcast::error::RecvError::Closed) => {
                    self.live = Some(self.host.feed.watch(self.id));
                    self.joined = false;
                }
            }
        }
        Ok(None)
    }

    async fn read(&mut self) -> Result<(), EngineError> {
        let events = self.host.store.events(self.id, self.next - 1, PAGE).await?;
        self.joined = events.is_empty();
        if self.joined {
            // From a seq past the end of an execution that has ended, nothing will ever come.
            let stored = self.host.store.execution(self.id).await?;
            self.ended = stored
                .is_none_or(|stored| stored.summary.status.is_end() && stored.summary.version < self.next);
        }
        self.stored.extend(events.into_iter().map(Arc::new));
        Ok(())
    }

    /// Whoever follows may have lost meanwhile what it proved itself with.
    fn give(&mut self, event: Arc<Event>) -> Result<Arc<Event>, EngineError> {
        if !self.host.believes(&self.who) {
            let told = "what you proved yourself with is no longer good: it was revoked, or has expired";
            return Err(EngineError::NotAllowed(told.to_owned()));
        }
        self.next = event.seq + 1;
        // An end of the past may have been followed by a retry: then the store tells whether more comes.
        self.ended = self.joined && event.fact.is_end();
        Ok(event)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.live = None;
        self.host.feed.unwatch(self.id);
    }
}
