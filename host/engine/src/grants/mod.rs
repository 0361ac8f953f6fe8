//! What plugins may reach: granted by the operator, confirmed for each version and runtime, revoked at once.
//!
//! What is granted stands in the runtime. Which versions get it is a [`Standing`] for each plugin in each runtime, durable, and
//! held in memory beside the runtime ([`RuntimeGrants`]). Doors of this room look at it, confirm a version, and revoke.
//!
//! Not here: checking single reaches (`sandbox`), which asks the [`Lease`] of its call.

mod held;
mod lease;
mod standing;
mod uses;

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use orgata_model::operation::Plugin;
use orgata_model::runtime::{Grants, Runtime};
use orgata_model::text::is_longer;
use orgata_model::{Digest, PluginName, RuntimeId};
use tokio::sync::broadcast;
use tracing::{error, info, warn};

use crate::access::{AuditVerdict, Place, Subject, rules};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::feed::Notice;
use crate::host::{Host, RuntimeEntry};
use crate::ports::{Catalog, StoreError};
use crate::principal::{Principal, PrincipalKind};
use crate::wants::Want;

pub use held::{RuntimeGrants, Withheld};
pub use lease::Lease;
pub use standing::{BY_ITSELF, Confirmed, Pending, Revocation, Standing};
pub use uses::Use;

pub(crate) use held::HeldInfo;
pub(crate) use lease::Witness;

/// Longest reason of a revocation, in characters.
const MOST_REASON: usize = 500;
/// How long after a change that could not be kept it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// One plugin in one runtime: what it wants, gets and does.
#[derive(Debug, Clone)]
pub struct PluginGrants {
    /// Which plugin.
    pub plugin: PluginName,
    /// What the version that new executions get wants; that of the pending one where there is no other.
    pub wanted: BTreeSet<Want>,
    /// What it may reach now.
    pub granted: Grants,
    /// What it reached since the host started.
    pub used: Vec<Use>,
    /// The version that new executions get.
    pub confirmed: Option<Confirmed>,
    /// The version that waits to be confirmed.
    pub pending: Option<PendingVersion>,
    /// What was granted is taken until somebody confirms.
    pub revoked: Option<Revocation>,
}

/// A version that waits, and what it wants beyond the one that is confirmed.
#[derive(Debug, Clone)]
pub struct PendingVersion {
    /// The version.
    pub version: Pending,
    /// What is new.
    pub more: BTreeSet<Want>,
}

impl From<HeldInfo> for PluginGrants {
    fn from(HeldInfo { standing, configured, uses }: HeldInfo) -> Self {
        let confirmed = standing.latest().cloned();
        let more = standing.pending.as_ref().map(|pending| standing.beyond(&pending.wants));
        let wanted = confirmed.as_ref().map(|confirmed| &confirmed.wants);
        let wanted = wanted.or(standing.pending.as_ref().map(|pending| &pending.wants));
        Self {
            plugin: standing.plugin.clone(),
            wanted: wanted.cloned().unwrap_or_default(),
            granted: if standing.revoked.is_some() { Grants::default() } else { configured },
            used: uses,
            confirmed,
            pending: standing.pending.zip(more).map(|(version, more)| PendingVersion { version, more }),
            revoked: standing.revoked,
        }
    }
}

impl Engine {
    /// What each plugin wants, gets and does in a runtime.
    pub fn grants(&self, who: &Principal, runtime: &RuntimeId) -> Result<Vec<PluginGrants>, EngineError> {
        let entry = self.0.look_into(who, &rules::GRANTS, runtime)?;
        self.0.catalog_of(&entry);
        Ok(entry.grants.all().into_iter().map(PluginGrants::from).collect())
    }

    /// Lets the current version of a plugin reach what the runtime grants. `digest` is the version that the caller looked at:
    /// another one is not confirmed in its place.
    pub async fn confirm_grants(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        plugin: &PluginName,
        digest: Option<Digest>,
    ) -> Result<PluginGrants, EngineError> {
        let entry = self.0.enter(who, runtime)?;
        let current = self.0.operations.catalog().plugins.get(plugin).cloned();
        let meant = digest.or(current.as_ref().map(|current| current.digest));
        let name = match meant {
            Some(digest) => format!("{runtime}/{plugin}@{digest}"),
            None => format!("{runtime}/{plugin}"),
        };
        let subject = Subject { thing: Thing::Runtime, name: &name };
        let place = Place::In(entry.runtime.environment);
        self.0.permit(who, &rules::CONFIRM_GRANTS, place, subject)?;
        self.0.is_for_people(who, &name)?;
        let gained = current.and_then(|current| self.0.gained(&entry, &current));
        let work = self.confirmed(who, runtime, plugin, digest);
        self.0.recorded(who, &rules::CONFIRM_GRANTS, subject, gained, work).await
    }

    async fn confirmed(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        plugin: &PluginName,
        digest: Option<Digest>,
    ) -> Result<PluginGrants, EngineError> {
        let _one_at_a_time = self.0.changing.lock().await;
        let entry = self.0.runtime(runtime)?;
        self.0.catalog_of(&entry);
        let current = self.0.to_confirm(plugin, digest)?;
        let mut standing = self.0.standing(&entry, plugin)?;
        let is_latest = standing.latest().is_some_and(|latest| latest.digest == current.digest);
        if !is_latest || standing.revoked.is_some() || standing.pending.is_some() {
            standing.confirm(&current, self.0.clock.now(), who.name());
            self.0.store.grant_store().put_standings(std::slice::from_ref(&standing)).await?;
            entry.grants.confirmed(standing, Arc::clone(&current));
            info!(%runtime, %plugin, version = current.version, digest = %current.digest, by = who.name(), "grants confirmed");
            self.0.feed.tell(Notice::Definitions { runtime: runtime.clone(), playbook: None });
        }
        self.0.plugin_grants(&entry, plugin)
    }

    /// Takes what a plugin was granted in a runtime, at once: calls under way end, and nothing gets it until it is confirmed.
    /// The reason stands in the audit, too.
    pub async fn revoke_grants(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        plugin: &PluginName,
        reason: String,
    ) -> Result<PluginGrants, EngineError> {
        let entry = self.0.enter(who, runtime)?;
        let name = format!("{runtime}/{plugin}");
        let subject = Subject { thing: Thing::Runtime, name: &name };
        let place = Place::In(entry.runtime.environment);
        self.0.permit(who, &rules::REVOKE_GRANTS, place, subject)?;
        let reason = checked_reason(&reason)?;
        let work = self.revoked(who, runtime, plugin, reason.clone());
        self.0.recorded(who, &rules::REVOKE_GRANTS, subject, Some(reason), work).await
    }

    async fn revoked(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        plugin: &PluginName,
        reason: String,
    ) -> Result<PluginGrants, EngineError> {
        let _one_at_a_time = self.0.changing.lock().await;
        let entry = self.0.runtime(runtime)?;
        self.0.catalog_of(&entry);
        self.0.standing(&entry, plugin)?;
        let (at, by) = (self.0.clock.now(), who.name().to_owned());
        // Cut off first: should the store fail, the caller hears of it, and nothing is reached meanwhile.
        let standing = entry.grants.revoke(plugin, Revocation { at, by, reason: reason.clone() });
        warn!(%runtime, %plugin, by = who.name(), reason, "grants revoked");
        self.0.store.grant_store().put_standings(standing.as_slice()).await?;
        self.0.feed.tell(Notice::Definitions { runtime: runtime.clone(), playbook: None });
        // The current version waits from now on.
        self.0.catalog_of(&entry);
        self.0.plugin_grants(&entry, plugin)
    }
}

impl Host {
    /// What a runtime offers: of the host's plugins the versions that are confirmed there.
    pub(crate) fn catalog_of(&self, entry: &RuntimeEntry) -> Arc<Catalog> {
        let (view, changed) = entry.grants.view(&self.operations.catalog());
        if changed {
            self.grants_changed.notify_one();
        }
        view
    }

    /// Where denials are written down.
    pub(crate) fn witness(&self) -> Witness {
        Witness { store: Arc::clone(&self.store), clock: Arc::clone(&self.clock) }
    }

    /// Whoever makes a runtime that grants something, or has a model to ask, might as well confirm what plugins reach there:
    /// the first version of each is confirmed by that.
    pub(crate) fn may_grant(&self, who: &Principal, runtime: &Runtime) -> Result<(), EngineError> {
        let grants = runtime.grants.values().any(|grants| *grants != Grants::default());
        if !grants && runtime.model.is_none() {
            return Ok(());
        }
        let name = runtime.id.as_str();
        let subject = Subject { thing: Thing::Runtime, name };
        self.permit(who, &rules::CONFIRM_GRANTS, Place::In(runtime.environment), subject)?;
        self.is_for_people(who, name)
    }

    /// What an assistant wants must not be what it confirms.
    fn is_for_people(&self, who: &Principal, subject: &str) -> Result<(), EngineError> {
        if who.kind() != PrincipalKind::Assistant || self.settings.access.assistants_confirm {
            return Ok(());
        }
        let message = format!(
            "{} is an assistant, and people confirm what plugins may reach: ask one, or have the operator say \
             access.assistantsConfirm: true",
            who.name()
        );
        self.note(who, &rules::CONFIRM_GRANTS, subject, AuditVerdict::Denied(message.clone()));
        Err(EngineError::NotAllowed(message))
    }

    /// The version that can be confirmed: the current one, if it is the one that is meant.
    fn to_confirm(&self, plugin: &PluginName, meant: Option<Digest>) -> Result<Arc<Plugin>, EngineError> {
        let catalog = self.operations.catalog();
        let current = catalog.plugins.get(plugin).ok_or_else(|| {
            EngineError::not_found_among(
                Thing::Plugin,
                plugin,
                catalog.plugins.keys().map(PluginName::as_str),
            )
        })?;
        match meant {
            Some(meant) if meant != current.digest => Err(EngineError::Refusal(format!(
                "version {meant} of plugin `{plugin}` is not current: {} {} is; look at what it wants, and confirm that",
                current.version, current.digest
            ))),
            _ => Ok(Arc::clone(current)),
        }
    }

    /// What a plugin gets when this version is confirmed, for the audit.
    fn gained(&self, entry: &RuntimeEntry, current: &Plugin) -> Option<String> {
        self.catalog_of(entry);
        Some(entry.grants.one(&current.name)?.standing.gained(current))
    }

    fn standing(&self, entry: &RuntimeEntry, plugin: &PluginName) -> Result<Standing, EngineError> {
        entry.grants.one(plugin).map(|held| held.standing).ok_or_else(|| {
            let all = entry.grants.all();
            let names = all.iter().map(|held| held.standing.plugin.as_str());
            EngineError::not_found_among(Thing::Plugin, plugin, names)
        })
    }

    fn plugin_grants(&self, entry: &RuntimeEntry, plugin: &PluginName) -> Result<PluginGrants, EngineError> {
        let held = entry.grants.one(plugin);
        held.map(PluginGrants::from).ok_or_else(|| EngineError::not_found(Thing::Plugin, plugin))
    }

    /// Versions that runtimes offer, current or not: their files are needed.
    pub(crate) fn confirmed_versions(&self) -> BTreeSet<Digest> {
        let runtimes = self.runtimes.read().unwrap_or_else(PoisonError::into_inner).clone();
        let standings = runtimes.values().flat_map(|entry| entry.grants.all());
        standings.filter_map(|held| Some(held.standing.latest()?.digest)).collect()
    }

    /// Keeps what changed.
    async fn keep_standings(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.changing.lock().await;
        let runtimes = self.runtimes.read().unwrap_or_else(PoisonError::into_inner).clone();
        let unsaved: Vec<_> = runtimes.values().map(|entry| (entry, entry.grants.unsaved())).collect();
        let all: Vec<_> = unsaved.iter().flat_map(|(_, standings)| standings.iter().cloned()).collect();
        if all.is_empty() {
            return Ok(());
        }
        let kept = self.store.grant_store().put_standings(&all).await;
        if kept.is_err() {
            for (entry, standings) in &unsaved {
                entry.grants.still_unsaved(standings);
            }
        }
        kept
    }

    /// Looks at every runtime, and keeps what changed.
    pub(crate) async fn look_at_versions(&self) -> Result<(), StoreError> {
        let runtimes = self.runtimes.read().unwrap_or_else(PoisonError::into_inner).clone();
        for entry in runtimes.values() {
            self.catalog_of(entry);
        }
        self.keep_standings().await
    }
}

/// A reason that can stand beside what was taken.
fn checked_reason(reason: &str) -> Result<String, EngineError> {
    let reason = reason.trim();
    if reason.is_empty() || is_longer(reason, MOST_REASON) {
        let message = format!("a revocation has a reason of 1 to {MOST_REASON} characters");
        return Err(EngineError::BadRequest(message));
    }
    Ok(reason.to_owned())
}

/// Brings what was kept into memory, and looks at what is current now.
pub(crate) async fn recall(host: &Arc<Host>) -> Result<(), EngineError> {
    for standing in host.store.grant_store().standings().await? {
        let Ok(entry) = host.runtime(&standing.runtime) else { continue };
        let version = match standing.latest() {
            Some(latest) => host.operations.plugin(latest.digest).await.ok(),
            None => None,
        };
        entry.grants.recall(standing, version);
    }
    Ok(host.look_at_versions().await?)
}

/// Keeps what changes from now on, until the host stops.
pub(crate) async fn run(host: Arc<Host>) {
    let mut changes = host.plugins.changes();
    let mut failed = false;
    loop {
        let again = async {
            match failed {
                true => host.clock.sleep_until(host.clock.now() + AGAIN).await,
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = host.stopping.cancelled() => return,
            () = host.grants_changed.notified() => {}
            () = again => {}
            change = changes.recv() => {
                if matches!(change, Err(broadcast::error::RecvError::Closed)) {
                    return;
                }
            }
        }
        let kept = host.look_at_versions().await;
        if let Err(error) = &kept {
            error!(%error, "which versions of plugins are confirmed cannot be kept; trying again");
        }
        failed = kept.is_err();
    }
}
