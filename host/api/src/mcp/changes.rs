//! Notices of what changed: for sessions (`resources/subscribe`) and for `subscriptions/listen`.
//!
//! Both hear of it from the engine's feed. A client that is slow holds up nobody and costs no memory: what it missed in
//! the feed becomes one notice for each resource that it follows. A notice says that a resource changed, never how.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use orgata_engine::ports::PluginChange;
use orgata_engine::{Engine, Notice, Notices, Principal};
use orgata_model::RuntimeId;
use orgata_model::operation::Plugin;
use rmcp::model::ResourceUpdatedNotificationParam;
use rmcp::service::{Peer, RoleServer, SubscriptionContext};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::address::Address;
use crate::error::ApiError;

/// What one client follows, by the names that it gave.
#[derive(Debug, Clone, Default)]
pub(super) struct Followed(Arc<Mutex<BTreeMap<String, Address>>>);

impl Followed {
    /// Follows a resource too, if there is room for it.
    pub(super) fn add(&self, uri: String, most: usize) -> Result<(), ApiError> {
        let address = uri.parse().map_err(|why: String| ApiError::new("ROUTE_NOT_FOUND", why))?;
        let mut followed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if followed.len() >= most && !followed.contains_key(&uri) {
            let message = format!("{most} resources are followed already: follow one less first");
            return Err(ApiError::new("TOO_MANY_SUBSCRIPTIONS", message));
        }
        followed.insert(uri, address);
        Ok(())
    }

    /// No longer follows it.
    pub(super) fn remove(&self, uri: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(uri);
    }

    /// The names of those that are meant.
    fn which(&self, mut wanted: impl FnMut(&Address) -> bool) -> Vec<String> {
        let followed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        followed.iter().filter(|(_, address)| wanted(address)).map(|(uri, _)| uri.clone()).collect()
    }
}

/// What a client is to be told next.
struct Told {
    updated: Vec<String>,
    list: bool,
}

/// The feed, as one client hears it.
struct Feed {
    engine: Engine,
    who: Principal,
    followed: Followed,
    notices: Notices,
}

impl Feed {
    fn new(engine: Engine, who: Principal, followed: Followed) -> Self {
        let notices = engine.notices(&who);
        Self { engine, who, followed, notices }
    }

    /// The next thing to tell; nothing when the host stops.
    async fn next(&mut self) -> Option<Told> {
        loop {
            let told = match self.notices.recv().await {
                Ok(notice) => self.read(&notice),
                Err(RecvError::Lagged(_)) => Told { updated: self.followed.which(|_| true), list: true },
                Err(RecvError::Closed) => return None,
            };
            if told.list || !told.updated.is_empty() {
                return Some(told);
            }
        }
    }

    fn read(&self, notice: &Notice) -> Told {
        match notice {
            Notice::Event { execution, .. } => {
                let updated = self.followed.which(|address| *address == Address::Execution(*execution));
                Told { updated, list: false }
            }
            Notice::Plugin(PluginChange::Loaded(plugin) | PluginChange::Retired(plugin)) => {
                let updated = self.followed.which(|address| self.touches(plugin, address));
                Told { updated, list: true }
            }
            Notice::Plugin(PluginChange::Refused { .. }) => Told { updated: Vec::new(), list: false },
            Notice::Definitions { runtime, playbook } => {
                let is_meant = |address: &Address| match address {
                    Address::Runtime(id) | Address::Role(id, _) => id == runtime,
                    Address::Playbook(id, name) => {
                        id == runtime && playbook.as_ref().is_none_or(|it| it == name)
                    }
                    Address::Operation(id, _) => id == runtime && playbook.is_none(),
                    Address::Execution(_) => false,
                };
                Told { updated: self.followed.which(is_meant), list: true }
            }
        }
    }

    /// Whether a change of this plugin changes what is read there.
    fn touches(&self, plugin: &Plugin, address: &Address) -> bool {
        match address {
            Address::Operation(runtime, name) => name.plugin == plugin.name && self.offers(runtime, plugin),
            Address::Runtime(runtime) => self.offers(runtime, plugin),
            _ => false,
        }
    }

    fn offers(&self, runtime: &RuntimeId, plugin: &Plugin) -> bool {
        let info = self.engine.runtime(&self.who, runtime);
        info.is_ok_and(|info| info.runtime.offers(&plugin.name))
    }
}

/// Tells a session of changes from now on, until it ends.
pub(super) fn tell_session(
    engine: Engine,
    who: Principal,
    followed: Followed,
    peer: Peer<RoleServer>,
    ended: CancellationToken,
) {
    let feed = Feed::new(engine, who, followed);
    tokio::spawn(pass_on(feed, peer, ended));
}

async fn pass_on(mut feed: Feed, peer: Peer<RoleServer>, ended: CancellationToken) {
    loop {
        let told = tokio::select! {
            told = feed.next() => told,
            () = ended.cancelled() => return,
        };
        let Some(told) = told else { return };
        for uri in told.updated {
            if peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri)).await.is_err() {
                return;
            }
        }
        if told.list && peer.notify_resource_list_changed().await.is_err() {
            return;
        }
    }
}

/// Tells a stream of `subscriptions/listen` of changes until the client closes it, or the host stops.
pub(super) async fn tell_stream(
    engine: Engine,
    who: Principal,
    stream: SubscriptionContext,
    closing: &CancellationToken,
) {
    let followed = Followed::default();
    for uri in stream.accepted().resource_subscriptions.iter().flatten() {
        // What was accepted names something.
        let _ = followed.add(uri.clone(), usize::MAX);
    }
    let wants_list = stream.accepted().resources_list_changed == Some(true);
    let mut feed = Feed::new(engine, who, followed);
    loop {
        let told = tokio::select! {
            told = feed.next() => told,
            () = stream.cancelled() => return,
            () = closing.cancelled() => return,
        };
        let Some(told) = told else { return };
        for uri in told.updated {
            if stream.sink().notify_resource_updated(uri).await.is_err() {
                return;
            }
        }
        if told.list && wants_list && stream.sink().notify_resource_list_changed().await.is_err() {
            return;
        }
    }
}
