//! What plugins may reach in one runtime, as it is at this moment: sessions hold it, and it changes under them.
//!
//! Calls of plugins that want nothing never come here. A call of another takes a [`Lease`] at its start; who revokes ends all
//! leases of the plugin at once.
//!
//! What the runtime offers follows from the same: a [`Catalog`] in which a pending version is replaced by the one before it. It is
//! made anew when the host's catalog is another one, by whoever asks first: no start can come between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

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

/// What plugins may reach in one runtime. Nothing, by default.
#[derive(Default)]
pub struct RuntimeGrants {
    /// What the operator says.
    configured: BTreeMap<PluginName, Arc<Grants>>,
    /// Absent where every version may reach what is configured: tests and drafts.
    kept: Option<Kept>,
    witness: Option<Witness>,
}

/// Of a runtime that is one.
struct Kept {
    runtime: RuntimeId,
    /// The plugins that it offers; absent: all.
    offered: Option<Vec<PluginName>>,
    inside: RwLock<Inside>,
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
        f.debug_struct("RuntimeGrants").field("configured", &self.configured).finish_non_exhaustive()
    }
}

impl RuntimeGrants {
    /// Of a runtime. Nothing is known of any version yet.
    pub(crate) fn of(runtime: &Runtime, witness: Option<Witness>) -> Self {
        let (id, offered) = (runtime.id.clone(), runtime.plugins.clone());
        let kept = Kept { runtime: id, offered, inside: RwLock::default() };
        Self { configured: shared(runtime.grants.clone()), kept: Some(kept), witness }
    }

    /// What the operator says. Whether a call gets it, its [`Lease`] tells.
    pub fn configured(&self, plugin: &PluginName) -> Option<&Grants> {
        self.configured.get(plugin).map(AsRef::as_ref)
    }

    /// What a call of this version may reach from now on, until it is revoked.
    pub fn lease(&self, plugin: &Arc<Plugin>, execution: ExecutionId) -> Result<Lease, Withheld> {
        let (ended, uses) = match &self.kept {
            None => Default::default(),
            Some(kept) => kept.held(plugin, self.now())?,
        };
        let grants = self.configured.get(&plugin.name).cloned();
        Ok(Lease::new(plugin, execution, grants, ended, uses, self.witness.clone()))
    }

    fn now(&self) -> Timestamp {
        self.witness.as_ref().map(|witness| witness.clock.now()).unwrap_or_default()
    }

    /// What the runtime offers of the host's catalog, and whether that changed what must be kept.
    pub(crate) fn view(&self, catalog: &Arc<Catalog>) -> (Arc<Catalog>, bool) {
        let Some(kept) = &self.kept else { return (Arc::clone(catalog), false) };
        {
            let inside = kept.read();
            if inside.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, catalog)) {
                return (Arc::clone(&inside.view), false);
            }
        }
        let mut inside = kept.write();
        let before = inside.unsaved.len();
        for (plugin, why) in kept.look(&mut inside, catalog, self.now()) {
            self.tell_waiting(&kept.runtime, &plugin, why);
        }
        (Arc::clone(&inside.view), inside.unsaved.len() > before)
    }

    fn tell_waiting(&self, runtime: &RuntimeId, plugin: &Plugin, why: String) {
        tracing::warn!(%runtime, plugin = %plugin.name, version = plugin.version, "{why}");
        let Some(witness) = &self.witness else { return };
        let subject = format!("{runtime}/{}@{}", plugin.name, plugin.digest);
        let verdict = AuditVerdict::Denied(why);
        let record = AuditRecord::of_plugin(self.now(), plugin, AuditRecord::PENDING, subject, verdict);
        witness.store.audit_log().tell(record);
    }

    /// Why the runtime does not offer the current version, if that is for its grants.
    pub(crate) fn why_not(&self, plugin: &Plugin) -> Option<String> {
        let inside = self.kept.as_ref()?.read();
        let standing = &inside.plugins.get(&plugin.name)?.standing;
        (!standing.allows(plugin)).then(|| standing.why_not(plugin))
    }

    /// Whether a version would have to be confirmed before the runtime offers it.
    pub(crate) fn would_wait(&self, plugin: &Plugin) -> bool {
        let Some(kept) = &self.kept else { return false };
        let inside = kept.read();
        inside.plugins.get(&plugin.name).is_some_and(|held| !held.standing.allows(plugin))
    }

    /// Every plugin that is known here, by name.
    pub(crate) fn all(&self) -> Vec<HeldInfo> {
        let Some(kept) = &self.kept else { return Vec::new() };
        let inside = kept.read();
        inside.plugins.iter().map(|(name, held)| self.info(name, held)).collect()
    }

    fn info(&self, name: &PluginName, held: &Held) -> HeldInfo {
        HeldInfo {
            standing: held.standing.clone(),
            configured: self.configured(name).cloned().unwrap_or_default(),
            uses: held.uses.all(),
        }
    }

    /// One of them.
    pub(crate) fn one(&self, plugin: &PluginName) -> Option<HeldInfo> {
        let inside = self.kept.as_ref()?.read();
        Some(self.info(plugin, inside.plugins.get(plugin)?))
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
        let Some(kept) = &self.kept else { return };
        let mut inside = kept.write();
        change(&mut inside);
        inside.seen = None;
    }

    /// The standings that changed since they were kept.
    pub(crate) fn unsaved(&self) -> Vec<Standing> {
        let Some(kept) = &self.kept else { return Vec::new() };
        let mut inside = kept.write();
        let names = std::mem::take(&mut inside.unsaved);
        names.iter().filter_map(|name| Some(inside.plugins.get(name)?.standing.clone())).collect()
    }

    /// These could not be kept: they are tried again.
    pub(crate) fn still_unsaved(&self, standings: &[Standing]) {
        let Some(kept) = &self.kept else { return };
        let mut inside = kept.write();
        inside.unsaved.extend(standings.iter().map(|standing| standing.plugin.clone()));
    }
}

/// What is said here holds for every version, and nobody revokes it: for tests, and for drafts.
impl From<BTreeMap<PluginName, Grants>> for RuntimeGrants {
    fn from(grants: BTreeMap<PluginName, Grants>) -> Self {
        Self { configured: shared(grants), ..Self::default() }
    }
}

impl Kept {
    fn read(&self) -> RwLockReadGuard<'_, Inside> {
        self.inside.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inside> {
        self.inside.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a call of this version holds on to, unless it is withheld.
    fn held(&self, plugin: &Plugin, now: Timestamp) -> Result<(CancellationToken, Arc<Uses>), Withheld> {
        let taken = |held: &Held| match held.standing.allows(plugin) {
            true => Ok((held.ended.clone(), Arc::clone(&held.uses))),
            false => Err(Withheld { message: held.standing.why_not(plugin) }),
        };
        if let Some(held) = self.read().plugins.get(&plugin.name) {
            return taken(held);
        }
        // No version of it was current since standings are kept: what runs on it was let in before.
        let mut inside = self.write();
        let held = inside.plugins.entry(plugin.name.clone());
        let held = held.or_insert_with(|| Held::unseen(&self.runtime, &plugin.name));
        held.standing.see(plugin, now);
        taken(held)
    }

    /// Makes the view anew. Tells which versions wait from now on, and why.
    fn look(
        &self,
        inside: &mut Inside,
        catalog: &Arc<Catalog>,
        now: Timestamp,
    ) -> Vec<(Arc<Plugin>, String)> {
        let mut plugins = catalog.plugins.clone();
        let mut waiting = Vec::new();
        let offered = |name: &PluginName| self.offered.as_ref().is_none_or(|offered| offered.contains(name));
        for (name, current) in catalog.plugins.iter().filter(|(name, _)| offered(name)) {
            let held = inside.plugins.entry(name.clone());
            let held = held.or_insert_with(|| Held::unseen(&self.runtime, name));
            match held.standing.see(current, now) {
                Seen::Same => {}
                Seen::Confirmed => drop(inside.unsaved.insert(name.clone())),
                Seen::Pending => {
                    inside.unsaved.insert(name.clone());
                    waiting.push((Arc::clone(current), held.standing.why_not(current)));
                }
            }
            match held.offered_for(current) {
                Some(version) => plugins.insert(name.clone(), version),
                None => plugins.remove(name),
            };
        }
        inside.view = Arc::new(Catalog { plugins });
        inside.seen = Some(Arc::clone(catalog));
        waiting
    }
}

impl Held {
    fn unseen(runtime: &RuntimeId, plugin: &PluginName) -> Self {
        Self::of(Standing::new(runtime.clone(), plugin.clone()), None)
    }

    fn of(standing: Standing, version: Option<Arc<Plugin>>) -> Self {
        Self { standing, version, ended: CancellationToken::new(), uses: Arc::default() }
    }

    /// The version that is offered where this one is the host's current one.
    fn offered_for(&mut self, current: &Arc<Plugin>) -> Option<Arc<Plugin>> {
        if self.standing.allows(current) {
            self.version = Some(Arc::clone(current));
        }
        self.version.clone()
    }
}

fn shared(grants: BTreeMap<PluginName, Grants>) -> BTreeMap<PluginName, Arc<Grants>> {
    grants.into_iter().map(|(plugin, grants)| (plugin, Arc::new(grants))).collect()
}
