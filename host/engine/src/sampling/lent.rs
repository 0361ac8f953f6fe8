//! Assistants that lend their model to executions that they wait for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use orgata_model::ExecutionId;

use crate::ports::ModelClient;

/// Who lends to which execution, for as long as somebody holds the client.
#[derive(Default)]
pub(crate) struct Lent(Mutex<HashMap<ExecutionId, Weak<dyn ModelClient>>>);

impl Lent {
    /// This client's model is for this execution.
    pub(crate) fn lend(&self, execution: ExecutionId, client: &Arc<dyn ModelClient>) {
        let mut all = self.lock();
        all.retain(|_, client| client.strong_count() > 0);
        all.insert(execution, Arc::downgrade(client));
    }

    /// What runs for an execution asks whom that would ask.
    pub(crate) fn pass_on(&self, parent: ExecutionId, child: ExecutionId) {
        if let Some(client) = self.to(parent) {
            self.lend(child, &client);
        }
    }

    /// Whose model is for this execution now.
    pub(crate) fn to(&self, execution: ExecutionId) -> Option<Arc<dyn ModelClient>> {
        self.lock().get(&execution)?.upgrade()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ExecutionId, Weak<dyn ModelClient>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
