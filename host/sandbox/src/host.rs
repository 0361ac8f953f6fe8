//! What all sessions of a sandbox share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Semaphore;

use crate::metrics::Metrics;
use crate::prepare::Workshop;
use crate::registry::Registry;
use crate::settings::Settings;

/// The parts of a sandbox.
pub(crate) struct Host {
    pub(crate) settings: Arc<Settings>,
    pub(crate) workshop: Arc<Workshop>,
    pub(crate) registry: Arc<Registry>,
    /// Instances at work. The pool is larger by what may be idle, so whoever has a permit finds a place.
    pub(crate) places: Semaphore,
    pub(crate) metrics: Metrics,
    idle: AtomicU32,
}

impl Host {
    pub(crate) fn new(workshop: Arc<Workshop>, registry: Arc<Registry>) -> Self {
        let settings = Arc::clone(&workshop.settings);
        let places = Semaphore::new(settings.instances as usize);
        Self { settings, workshop, registry, places, metrics: Metrics::new(), idle: AtomicU32::new(0) }
    }
}

/// A place for one idle instance, given back when dropped. Idle instances hold no permit: executions that
/// each held one while waiting for another would wait for each other.
pub(crate) struct IdlePlace(Arc<Host>);

impl IdlePlace {
    /// Takes a place, if there is one.
    pub(crate) fn take(host: &Arc<Host>) -> Option<Self> {
        let most = host.settings.idle_instances;
        let take = |idle: u32| (idle < most).then(|| idle + 1);
        host.idle.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        host.metrics.idle.increment(1.0);
        Some(Self(Arc::clone(host)))
    }
}

impl Drop for IdlePlace {
    fn drop(&mut self) {
        self.0.idle.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics.idle.decrement(1.0);
    }
}
