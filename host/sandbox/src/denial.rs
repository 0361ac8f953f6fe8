//! What was asked for and not granted.
//!
//! The guest gets a typed error and goes on as it likes; the audit log gets a line; and should the guest
//! then fail, its failure says which grant was missing, because its own message rarely does.

use std::sync::{Arc, Mutex, PoisonError};

use orgata_engine::ports::SessionContext;
use orgata_model::PluginName;

/// Denials of one call are remembered up to this many; the audit log has all.
const REMEMBERED: usize = 8;

/// The denials of one instance's present call. Cheap to clone: requests under way write to the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Denials(Arc<Mutex<Vec<String>>>);

impl Denials {
    /// Records that `plugin` was refused `what`, and that `grant` would let it through.
    pub(crate) fn record(&self, session: &SessionContext, plugin: &PluginName, what: &str, grant: &str) {
        tracing::warn!(
            target: "audit",
            execution = %session.execution,
            runtime = %session.runtime,
            %plugin,
            what,
            missing = grant,
            "denied"
        );
        let mut denied = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hint = format!("{what} was denied: grant {grant} to plugin {plugin} in runtime {}", session.runtime);
        if denied.len() < REMEMBERED && !denied.contains(&hint) {
            denied.push(hint);
        }
    }

    /// Takes what was recorded.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
