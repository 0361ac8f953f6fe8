//! What plugins may reach in one runtime, as it is at this moment: sessions hold it, and it changes under them.
//!
//! Calls of plugins that want nothing never come here. A call of another takes a [`Lease`] at its start; who revokes ends all
//! leases of the plugin at once.
//!
//! What the runtime offers follows from the same: a [`Catalog`] in which a pending version is replaced by the one before it. It is
//! made anew when the host's catalog is another one, by whoever asks first: no start can come between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use orgata_model::operation::Plugin;
use orgata_model::runtime::{Grants, Runtime};
use orgata_model::{ExecutionId, PluginName, RuntimeId};
use tokio_util::sync::CancellationToken;

use super::lease::{Lease, Witness};
use super::standing::{Revocation, Seen, Standing};
use super::uses::{Use, Uses};
use crate::access::{AuditRecord, AuditVerdict};
use crate::ports::Catalog;

/// What plugins may reach in one runtime.
pub struct RuntimeGrants {
    runtime: RuntimeId,
    /// The plugins that the runtime offers; absent: all.
    offered: Option<Vec<PluginName>>,
    /// What the operator says.
    configured: BTreeMap<PluginName, Arc<Grants>>,
    /// Absent where every version may reach what is configured: tests and drafts.
    inside: Option<RwLock<Inside>>,
    witness: Option<Witness>,
}

#[derive(Default)]
struct Inside {
    plugins: BTreeMap<PluginName, Held>,
    /// The host's catalog that `view` was made of.
    seen: Option<Arc<Catalog>>,
    view: Arc<Catalog>,
    /// Plugins whose standing changed since it was kept.
    unsaved: BTreeSet<PluginName>,
}

/// One plugin.
struct Held {
    standing: Standing,
    /// The version that was confirmed last, where it can be had.
    version: Option<Arc<Plugin>>,
    /// Ends the calls under way when what was granted is revoked.
    ended: CancellationToken,
    uses: Arc<Uses>,
}

/// Why a call of a plugin may not begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Withheld {
    /// What happened, and what to do.
    pub message: String,
}

/// One plugin in one runtime, at this moment.
#[derive(Debug, Clone)]
pub struct HeldInfo {
    /// Where it stands.
    pub standing: Standing,
    /// What the operator granted it.
    pub configured: Grants,
    /// What it reached since the host started.
    pub uses: Vec<Use>,
}

impl std::fmt::Debug for RuntimeGrants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuntimeGrants").field("runtime", &self.runtime).finish_non_exhaustive()
    }
}

impl RuntimeGrants {
    /// What is said here holds for every version, and nobody revokes it: for tests, and for drafts.
    pub fn fixed(runtime: RuntimeId, grants: BTreeMap<PluginName, Grants>) -> Self {
        Self { runtime, offered: None, configured: shared(grants), inside: None, witness: None }
    }

    /// Of a runtime. Nothing is known of any version yet.
    pub(crate) fn of(runtime: &Runtime, witness: Option<Witness>) -> Self {
        Self {
            runtime: runtime.id.clone(),
            offered: runtime.plugins.clone(),
            configured: shared(runtime.grants.clone()),
            inside: Some(RwLock::default()),
            witness,
        }
    }

    /// What the operator says. Whether a call gets it, its [`Lease`] tells.
    pub fn configured(&self, plugin: &PluginName) -> Option<&Grants> {
        self.configured.get(plugin).map(AsRef::as_ref)
    }

    /// What a call of this version may reach from now on, until it is revoked.
    pub fn lease(&self, plugin: &Arc<Plugin>, execution: ExecutionId) -> Result<Lease, Withheld> {
        let (ended, uses) = match &self.inside {
            None => Default::default(),
            Some(inside) => self.held(inside, plugin)?,
        };
        let grants = self.configured.get(&plugin.name).cloned();
        Ok(Lease::new(plugin, execution, grants, ended, uses, self.witness.clone()))
    }

    fn held(
        &self,
        inside: &RwLock<Inside>,
        plugin: &Plugin,
    ) -> Result<(CancellationToken, Arc<Uses>), Withheld> {
        let taken = |held: &Held| match held.standing.allows(plugin) {
            true => Ok((held.ended.clone(), Arc::clone(&held.uses))),
            false => Err(Withheld { message: held.standing.why_not(plugin) }),
        };
        if let Some(held) = inside.read().unwrap_or_else(PoisonError::into_inner).plugins.get(&plugin.name) {
            return taken(held);
        }
        // No version of it was current since standings are kept: what runs on it was let in before.
        let mut inside = inside.write().unwrap_or_else(PoisonError::into_inner);
        let held = inside.plugins.entry(plugin.name.clone());
        let held = held.or_insert_with(|| Held::unseen(&self.runtime, &plugin.name));
        held.standing.see(plugin, self.now());
        taken(held)
    }

    fn now(&self) -> Timestamp {
        self.witness.as_ref().map(|witness| witness.clock.now()).unwrap_or_default()
    }

    /// What the runtime offers of the host's catalog, and whether that changed what must be kept.
    pub(crate) fn view(&self, catalog: &Arc<Catalog>) -> (Arc<Catalog>, bool) {
        let Some(inside) = &self.inside else { return (Arc::clone(catalog), false) };
        {
            let inside = inside.read().unwrap_or_else(PoisonError::into_inner);
            if inside.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, catalog)) {
                return (Arc::clone(&inside.view), false);
            }
        }
        let mut inside = inside.write().unwrap_or_else(PoisonError::into_inner);
        let before = inside.unsaved.len();
        self.look(&mut inside, catalog);
        (Arc::clone(&inside.view), inside.unsaved.len() > before)
    }

    fn look(&self, inside: &mut Inside, catalog: &Arc<Catalog>) {
        let mut plugins = catalog.plugins.clone();
        let offered = |name: &PluginName| self.offered.as_ref().is_none_or(|offered| offered.contains(name));
        for (name, current) in catalog.plugins.iter().filter(|(name, _)| offered(name)) {
            match self.seen(inside, current) {
                Some(version) => plugins.insert(name.clone(), version),
                None => plugins.remove(name),
            };
        }
        inside.view = Arc::new(Catalog { plugins });
        inside.seen = Some(Arc::clone(catalog));
    }

    /// The version of a plugin that is offered where this one is the host's current one.
    fn seen(&self, inside: &mut Inside, current: &Arc<Plugin>) -> Option<Arc<Plugin>> {
        let held = inside.plugins.entry(current.name.clone());
        let held = held.or_insert_with(|| Held::unseen(&self.runtime, &current.name));
        let seen = held.standing.see(current, self.now());
        if seen != Seen::Same {
            inside.unsaved.insert(current.name.clone());
        }
        if held.standing.allows(current) {
            held.version = Some(Arc::clone(current));
        } else if seen == Seen::Pending {
            self.tell_pending(&held.standing, current);
        }
        held.version.clone()
    }

    fn tell_pending(&self, standing: &Standing, plugin: &Plugin) {
        let why = standing.why_not(plugin);
        tracing::warn!(runtime = %self.runtime, plugin = %plugin.name, version = plugin.version, "{why}");
        let Some(witness) = &self.witness else { return };
        let record = AuditRecord::of_plugin(
            self.now(),
            plugin,
            AuditRecord::PENDING,
            format!("{}/{}@{}", self.runtime, plugin.name, plugin.digest),
            AuditVerdict::Denied(why),
        );
        // Only admissions are ever refused.
        let _ = witness.store.audit_log().audit(record);
    }

    /// Why the runtime does not offer the current version, if that is for its grants.
    pub(crate) fn why_not(&self, plugin: &Plugin) -> Option<String> {
        let inside = self.inside.as_ref()?.read().unwrap_or_else(PoisonError::into_inner);
        let standing = &inside.plugins.get(&plugin.name)?.standing;
        (!standing.allows(plugin)).then(|| standing.why_not(plugin))
    }

    /// Whether a version would have to be confirmed before the runtime offers it.
    pub(crate) fn would_wait(&self, plugin: &Plugin) -> bool {
        let Some(inside) = &self.inside else { return false };
        let inside = inside.read().unwrap_or_else(PoisonError::into_inner);
        inside.plugins.get(&plugin.name).is_some_and(|held| !held.standing.allows(plugin))
    }

    /// Every plugin that is known here, by name.
    pub(crate) fn all(&self) -> Vec<HeldInfo> {
        let Some(inside) = &self.inside else { return Vec::new() };
        let inside = inside.read().unwrap_or_else(PoisonError::into_inner);
        inside.plugins.iter().map(|(name, held)| self.info(name, held)).collect()
    }

    fn info(&self, name: &PluginName, held: &Held) -> HeldInfo {
        HeldInfo {
            standing: held.standing.clone(),
            configured: self.configured(name).cloned().unwrap_or_default(),
            uses: held.uses.all(),
        }
    }

    /// Where a plugin stands.
    pub(crate) fn standing(&self, plugin: &PluginName) -> Option<Standing> {
        let inside = self.inside.as_ref()?.read().unwrap_or_else(PoisonError::into_inner);
        Some(inside.plugins.get(plugin)?.standing.clone())
    }

    /// What was kept of a plugin, and the version that was confirmed last, where it can be had.
    pub(crate) fn recall(&self, standing: Standing, version: Option<Arc<Plugin>>) {
        self.change(|inside| {
            inside.plugins.insert(standing.plugin.clone(), Held::of(standing, version));
        });
    }

    /// A version is confirmed, and that is kept: from now on it gets what is configured.
    pub(crate) fn confirmed(&self, standing: Standing, version: Arc<Plugin>) {
        self.change(|inside| {
            let uses = inside.plugins.get(&standing.plugin).map(|held| Arc::clone(&held.uses));
            let mut held = Held::of(standing, Some(version));
            held.uses = uses.unwrap_or_default();
            if let Some(before) = inside.plugins.insert(held.standing.plugin.clone(), held)
                && before.standing.revoked.is_none()
                && let Some(held) = inside.plugins.get_mut(&before.standing.plugin)
            {
                // Calls under way keep what they have, and can be ended later.
                held.ended = before.ended;
            }
        });
    }

    /// Takes what was granted from every call under way and all that would begin. Tells where the plugin stands then.
    pub(crate) fn revoke(&self, plugin: &PluginName, revocation: Revocation) -> Option<Standing> {
        let mut revoked = None;
        self.change(|inside| {
            let Some(held) = inside.plugins.get_mut(plugin) else { return };
            held.standing.revoke(revocation);
            held.version = None;
            held.ended.cancel();
            revoked = Some(held.standing.clone());
        });
        revoked
    }

    fn change(&self, change: impl FnOnce(&mut Inside)) {
        let Some(inside) = &self.inside else { return };
        let mut inside = inside.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut inside);
        inside.seen = None;
    }

    /// The standings that changed since they were kept.
    pub(crate) fn unsaved(&self) -> Vec<Standing> {
        let Some(inside) = &self.inside else { return Vec::new() };
        let mut inside = inside.write().unwrap_or_else(PoisonError::into_inner);
        let names = std::mem::take(&mut inside.unsaved);
        names.iter().filter_map(|name| Some(inside.plugins.get(name)?.standing.clone())).collect()
    }

    /// These could not be kept: they are tried again.
    pub(crate) fn still_unsaved(&self, standings: &[Standing]) {
        let Some(inside) = &self.inside else { return };
        let mut inside = inside.write().unwrap_or_else(PoisonError::into_inner);
        inside.unsaved.extend(standings.iter().map(|standing| standing.plugin.clone()));
    }
}

impl Held {
    fn unseen(runtime: &RuntimeId, plugin: &PluginName) -> Self {
        Self::of(Standing::new(runtime.clone(), plugin.clone()), None)
    }

    fn of(standing: Standing, version: Option<Arc<Plugin>>) -> Self {
        Self { standing, version, ended: CancellationToken::new(), uses: Arc::default() }
    }
}

fn shared(grants: BTreeMap<PluginName, Grants>) -> BTreeMap<PluginName, Arc<Grants>> {
    grants.into_iter().map(|(plugin, grants)| (plugin, Arc::new(grants))).collect()
}
