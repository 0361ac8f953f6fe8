//! What one call of a guest may reach, what it reached, and what it was denied.
//!
//! A lease is taken at the start of a call and asked at every reach: who revokes ends all leases of the plugin at once, and what
//! was granted is gone for whoever still asks. Denials are gathered, each thing once with a count, and become lines of the audit
//! when the call is over, however it ended: a guest cannot flood the audit.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orgata_model::ExecutionId;
use orgata_model::operation::Plugin;
use orgata_model::runtime::Grants;
use tokio_util::sync::CancellationToken;

use super::uses::Uses;
use crate::access::{AuditRecord, AuditVerdict};
use crate::ports::{Clock, Store};
use crate::wants::Want;

/// Things that one call is denied and that get a line each; those of more are told together.
const DISTINCT: usize = 8;
/// What stands in the line of those.
const OTHERS: &str = "(others)";

/// Where denials are written down.
#[derive(Clone)]
pub(crate) struct Witness {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What one call may reach.
pub struct Lease {
    plugin: Arc<Plugin>,
    execution: ExecutionId,
    grants: Option<Arc<Grants>>,
    ended: CancellationToken,
    uses: Arc<Uses>,
    witness: Option<Witness>,
    denied: Mutex<BTreeMap<(Want, String), Denied>>,
}

/// One thing that a call was denied.
#[derive(Debug)]
struct Denied {
    why: String,
    count: u64,
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease").field("plugin", &self.plugin.name).field("grants", &self.grants).finish()
    }
}

impl Lease {
    pub(super) fn new(
        plugin: &Arc<Plugin>,
        execution: ExecutionId,
        grants: Option<Arc<Grants>>,
        ended: CancellationToken,
        uses: Arc<Uses>,
        witness: Option<Witness>,
    ) -> Self {
        let (plugin, denied) = (Arc::clone(plugin), Mutex::default());
        Self { plugin, execution, grants, ended, uses, witness, denied }
    }

    /// What is granted at this moment.
    pub fn granted(&self) -> Option<&Grants> {
        self.grants.as_deref().filter(|_| !self.ended.is_cancelled())
    }

    /// Waits until what was granted is revoked.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// The guest reached this.
    pub fn reached(&self, want: Want, what: &str) {
        let now = self.witness.as_ref().map(|witness| witness.clock.now());
        self.uses.add(want, what, now.unwrap_or_default());
    }

    /// The guest was denied this. Texts must hold no secrets: they are kept.
    pub fn denied(&self, want: Want, what: &str, why: &str) {
        let mut denied = self.lock();
        let mut key = (want, what.to_owned());
        if denied.len() >= DISTINCT && !denied.contains_key(&key) {
            key.1 = OTHERS.to_owned();
        }
        let fresh = || Denied { why: why.to_owned(), count: 0 };
        denied.entry(key).or_insert_with(fresh).count += 1;
    }

    /// The call is over: what it was denied is written down. Never waits.
    pub fn settle(&self) {
        let denied = std::mem::take(&mut *self.lock());
        let Some(witness) = &self.witness else { return };
        for ((want, what), Denied { why, count }) in denied {
            metrics::counter!("orgata_guest_denials_total", "kind" => want.word()).increment(count);
            let why = if count == 1 { why } else { format!("{why}; {count} times") };
            let subject = format!("{what} in {}", self.execution);
            let (now, verdict) = (witness.clock.now(), AuditVerdict::Denied(why));
            let record = AuditRecord::of_plugin(now, &self.plugin, want.action(), subject, verdict);
            witness.store.audit_log().tell(record);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Want, String), Denied>> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.settle();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orgata_model::Digest;
    use orgata_model::operation::EffectClass;

    fn lease(ended: &CancellationToken) -> Lease {
        let plugin = Plugin {
            digest: Digest::of(b""),
            name: "words".parse().unwrap(),
            version: "1".to_owned(),
            description: String::new(),
            effect: EffectClass::Effectful,
            imports: Vec::new(),
            size: 0,
            compile_ms: None,
            signers: Vec::new(),
            operations: Vec::new(),
        };
        let grants = Some(Arc::new(Grants { kv: true, ..Grants::default() }));
        let execution = ExecutionId::new(uuid::Uuid::nil());
        Lease::new(&Arc::new(plugin), execution, grants, ended.clone(), Arc::default(), None)
    }

    #[test]
    fn what_is_revoked_is_granted_no_more() {
        let ended = CancellationToken::new();
        let lease = lease(&ended);
        assert!(lease.granted().unwrap().kv);
        ended.cancel();
        assert!(lease.granted().is_none());
    }

    #[test]
    fn each_thing_is_told_once_and_things_without_end_together() {
        let lease = lease(&CancellationToken::new());
        for number in 0..DISTINCT + 5 {
            lease.denied(Want::Network, &format!("host-{number}"), "no");
            lease.denied(Want::Network, "host-0", "no");
        }
        let denied = lease.lock();
        let count = |what: &str| denied.get(&(Want::Network, what.to_owned())).unwrap().count;
        assert_eq!(denied.len(), DISTINCT + 1);
        assert_eq!((count("host-0"), count("host-1"), count(OTHERS)), (DISTINCT as u64 + 6, 1, 5));
    }
}
