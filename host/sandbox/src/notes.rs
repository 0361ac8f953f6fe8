//! What the host refused a guest in the middle of a call: things that were not granted, limits of single
//! requests, servers that cannot be trusted.
//!
//! The guest gets a typed error and goes on as it likes; the audit log gets a line; and should the guest
//! then fail, its failure says what was refused and what to do, because its own message rarely does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orgata_engine::Want;
use orgata_engine::grants::Lease;
use orgata_engine::ports::SessionContext;
use orgata_model::{Failure, PluginName};

use crate::given::Given;
use crate::limits::Limit;
use crate::settings::Settings;

/// Refusals of one call are remembered up to this many; the audit log has all.
const REMEMBERED: usize = 8;

/// The notes on one instance's present call. Cheap to clone: requests under way write to the same.
#[derive(Debug, Clone)]
pub(crate) struct Notes {
    taken: Arc<Mutex<Taken>>,
    /// What must not get into the audit log with the name of a server.
    given: Arc<Given>,
}

/// Something that a guest was refused.
pub(crate) struct Denial<'a> {
    pub(crate) plugin: &'a PluginName,
    /// What kind of thing.
    pub(crate) want: Want,
    /// Which.
    pub(crate) what: &'a str,
    /// What would let it through.
    pub(crate) grant: &'a str,
}

/// The notes on a call that has ended.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    denied: Vec<String>,
    /// Reasons that a typed error has no room for.
    explained: Vec<String>,
    limit: Option<Limit>,
}

impl Notes {
    /// Without any yet.
    pub(crate) fn of(given: Arc<Given>) -> Self {
        Self { taken: Arc::default(), given }
    }

    /// Notes that a guest was refused something.
    pub(crate) fn denied(&self, session: &SessionContext, lease: Option<&Lease>, denial: &Denial<'_>) {
        let Denial { plugin, want, what, grant } = denial;
        let (what, grant) = (&self.given.redacted(what), &self.given.redacted(grant));
        if let Some(lease) = lease {
            lease.denied(*want, what, &format!("it would take {grant} in runtime {}", session.runtime));
        }
        tracing::warn!(
            target: "audit",
            execution = %session.execution,
            runtime = %session.runtime,
            plugin = %plugin,
            what = what.as_str(),
            missing = grant.as_str(),
            "denied"
        );
        let hint =
            format!("{what} was denied: grant {grant} to plugin {plugin} in runtime {}", session.runtime);
        let mut notes = self.lock();
        if notes.denied.len() < REMEMBERED && !notes.denied.contains(&hint) {
            notes.denied.push(hint);
        }
    }

    /// Notes why something was refused, where the error that the guest gets does not say it.
    pub(crate) fn explained(&self, why: String) {
        let mut notes = self.lock();
        if notes.explained.len() < REMEMBERED && !notes.explained.contains(&why) {
            notes.explained.push(why);
        }
    }

    /// Notes that a limit was reached which ends a request, not the call.
    pub(crate) fn limited(&self, limit: Limit) {
        self.lock().limit.get_or_insert(limit);
    }

    /// Takes what was noted.
    pub(crate) fn take(&self) -> Taken {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Adds the notes to the failure that the call ended with.
    pub(crate) fn explain(self, mut failure: Failure, settings: &Settings) -> Failure {
        if let Some(first) = self.denied.first().or(self.explained.first()) {
            failure.message = format!("{} ({first})", failure.message);
        }
        failure.causes.extend(self.denied);
        failure.causes.extend(self.explained);
        if let Some(limit) = self.limit {
            let limited = limit.failure(settings);
            failure.causes.push(limited.message);
            failure.details = failure.details.or(limited.details);
        }
        failure
    }
}
