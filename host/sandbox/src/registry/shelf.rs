//! Versions in memory: the current ones, a few that were used lately, and whatever somebody still holds.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use orgata_model::Digest;

use crate::version::Version;

/// Versions that are not current but kept, so that executions which pinned one do not load it for each call.
const LATELY: usize = 8;

/// The shelf.
#[derive(Default)]
pub(super) struct Shelf(RwLock<Versions>);

#[derive(Default)]
struct Versions {
    current: HashMap<Digest, Arc<Version>>,
    others: HashMap<Digest, Weak<Version>>,
    lately: VecDeque<Arc<Version>>,
}

impl Shelf {
    /// The version, when it is in memory. Every call asks.
    pub(super) fn get(&self, digest: Digest) -> Option<Arc<Version>> {
        let versions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match versions.current.get(&digest) {
            Some(version) => Some(Arc::clone(version)),
            None => versions.others.get(&digest)?.upgrade(),
        }
    }

    /// Puts a version here, for good while it is current.
    pub(super) fn put(&self, version: &Arc<Version>, current: bool) {
        let digest = version.plugin.digest;
        self.change(|versions| {
            if current {
                versions.current.insert(digest, Arc::clone(version));
            } else {
                versions.set_aside(Arc::clone(version));
            }
        });
    }

    /// A version is no longer current.
    pub(super) fn step_back(&self, digest: Digest) {
        self.change(|versions| {
            if let Some(version) = versions.current.remove(&digest) {
                versions.set_aside(version);
            }
        });
    }

    /// Lets go of a version.
    pub(super) fn forget(&self, digest: Digest) {
        self.change(|versions| {
            versions.current.remove(&digest);
            versions.others.remove(&digest);
            versions.lately.retain(|version| version.plugin.digest != digest);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Versions)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Versions {
    fn set_aside(&mut self, version: Arc<Version>) {
        self.others.retain(|_, version| version.strong_count() > 0);
        self.others.insert(version.plugin.digest, Arc::downgrade(&version));
        self.lately.push_back(version);
        if self.lately.len() > LATELY {
            self.lately.pop_front();
        }
    }
}
