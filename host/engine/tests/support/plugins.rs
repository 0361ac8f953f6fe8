//! The plugins of a world, as the engine lists them. Nothing is loaded here.

use std::collections::BTreeSet;
use std::sync::Arc;

use orgata_engine::ports::{LoadError, PluginChange, PluginEntry, PluginState, Plugins, Source};
use orgata_model::operation::Plugin;
use orgata_model::{Digest, PluginName};
use tokio::sync::broadcast;

use super::operations::World;

/// The plugins of a world, which nobody changes from inside.
pub struct GivenPlugins {
    world: World,
    changes: broadcast::Sender<PluginChange>,
}

impl GivenPlugins {
    pub fn of(world: &World) -> Self {
        Self { world: world.clone(), changes: broadcast::Sender::new(16) }
    }
}

fn refused() -> LoadError {
    LoadError {
        code: "IO",
        message: "nothing is loaded here".to_owned(),
        causes: Vec::new(),
        hint: String::new(),
    }
}

#[async_trait::async_trait]
impl Plugins for GivenPlugins {
    fn list(&self) -> Vec<PluginEntry> {
        let entry = |(plugin, current): (Arc<Plugin>, bool)| PluginEntry {
            plugin,
            state: if current { PluginState::Current } else { PluginState::Earlier },
            loaded_at: super::clock::BEGIN.parse().unwrap(),
            source: Source::Upload { by: "ada".to_owned() },
        };
        self.world.plugins().into_iter().map(entry).collect()
    }

    async fn load(&self, _bytes: Vec<u8>, _source: Source) -> Result<Arc<Plugin>, LoadError> {
        Err(refused())
    }

    async fn inspect(&self, _bytes: Vec<u8>, _source: Source) -> Result<Arc<Plugin>, LoadError> {
        Err(refused())
    }

    async fn discard(&self, _digest: Digest) {}

    async fn rollback(&self, _name: &PluginName, _to: Option<Digest>) -> Result<Arc<Plugin>, LoadError> {
        Err(refused())
    }

    async fn retire(&self, _digest: Digest) -> Result<(), LoadError> {
        Err(refused())
    }

    async fn keep(&self, _pinned: &BTreeSet<Digest>) {}

    fn changes(&self) -> broadcast::Receiver<PluginChange> {
        self.changes.subscribe()
    }
}
