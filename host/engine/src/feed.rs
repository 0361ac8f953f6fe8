//! Who is told of what was committed.
//!
//! Only committed events come here. A watcher of one execution that falls behind reads on from the store
//! ([`crate::Watch`]); a watcher of a whole runtime is told how much it missed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use orgata_model::execution::Event;
use orgata_model::{ExecutionId, PlaybookName, RuntimeId};
use tokio::sync::broadcast;

use crate::ports::PluginChange;

/// Events that a slow watcher of one execution may fall behind before it reads from the store.
const EXECUTION_BACKLOG: usize = 256;
/// Notices that a slow watcher of a runtime may fall behind before it misses some.
const NOTICE_BACKLOG: usize = 4_096;

/// Something happened in the host.
#[derive(Debug, Clone)]
pub enum Notice {
    /// An execution has a new event.
    Event {
        /// The runtime that it lives in.
        runtime: RuntimeId,
        /// Which execution.
        execution: ExecutionId,
        /// What happened.
        event: Arc<Event>,
    },
    /// A plugin changed, for every runtime that offers it.
    Plugin(PluginChange),
    /// What a runtime has to start from changed.
    Definitions {
        /// Which runtime.
        runtime: RuntimeId,
        /// The playbook that was published or retired; absent when the runtime itself was made or retired.
        playbook: Option<PlaybookName>,
    },
}

#[derive(Debug)]
pub(crate) struct Feed {
    executions: Mutex<HashMap<ExecutionId, broadcast::Sender<Arc<Event>>>>,
    /// How many executions are watched: most are not, and then committing takes no lock.
    watched: AtomicUsize,
    notices: broadcast::Sender<Notice>,
}

impl Feed {
    pub(crate) fn new() -> Self {
        Self {
            executions: Mutex::default(),
            watched: AtomicUsize::new(0),
            notices: broadcast::Sender::new(NOTICE_BACKLOG),
        }
    }

    /// Tells everybody of these events, which are durable now.
    pub(crate) fn publish(&self, runtime: &RuntimeId, execution: ExecutionId, events: &[Arc<Event>]) {
        // The event is in the store by now. A watcher counts itself first and reads the store then, so one of the
        // two sees the other: that takes the strongest order.
        if self.watched.load(Ordering::SeqCst) > 0 {
            self.tell_watchers(execution, events);
        }
        if self.notices.receiver_count() > 0 {
            for event in events {
                let event = Arc::clone(event);
                let _ = self.notices.send(Notice::Event { runtime: runtime.clone(), execution, event });
            }
        }
    }

    fn tell_watchers(&self, execution: ExecutionId, events: &[Arc<Event>]) {
        let mut executions = self.executions.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = executions.get(&execution) else { return };
        let mut heard = true;
        for event in events {
            heard = sender.send(Arc::clone(event)).is_ok();
        }
        if !heard {
            executions.remove(&execution);
            self.watched.store(executions.len(), Ordering::SeqCst);
        }
    }

    pub(crate) fn tell(&self, notice: Notice) {
        // Nobody listening is no fault.
        let _ = self.notices.send(notice);
    }

    pub(crate) fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    pub(crate) fn watch(&self, execution: ExecutionId) -> broadcast::Receiver<Arc<Event>> {
        let mut executions = self.executions.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = executions.entry(execution).or_insert_with(|| broadcast::Sender::new(EXECUTION_BACKLOG));
        let receiver = sender.subscribe();
        self.watched.store(executions.len(), Ordering::SeqCst);
        receiver
    }

    /// Called when a watcher is gone.
    pub(crate) fn unwatch(&self, execution: ExecutionId) {
        let mut executions = self.executions.lock().unwrap_or_else(PoisonError::into_inner);
        if executions.get(&execution).is_some_and(|sender| sender.receiver_count() == 0) {
            executions.remove(&execution);
        }
        self.watched.store(executions.len(), Ordering::SeqCst);
    }
}
