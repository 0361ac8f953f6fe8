//! Doors: the life of plugin files.

use std::sync::Arc;

use orgata_model::operation::Plugin;
use orgata_model::{Digest, PluginName};
use tracing::info;

use crate::access::{Place, Subject, rules};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::ports::{PluginEntry, Source};
use crate::principal::Principal;

/// All of them, as refusals name them.
const ALL: Subject<'static> = Subject { thing: Thing::Plugin, name: "*" };

impl Engine {
    /// Every version of every plugin that is known.
    pub fn plugins(&self, who: &Principal) -> Result<Vec<PluginEntry>, EngineError> {
        self.0.permit(who, &rules::PLUGINS, Place::Anywhere, ALL)?;
        Ok(self.0.plugins.list())
    }

    /// One version.
    pub fn plugin(&self, who: &Principal, digest: Digest) -> Result<PluginEntry, EngineError> {
        self.0.permit(who, &rules::PLUGINS, Place::Anywhere, ALL)?;
        self.version(digest)
    }

    fn version(&self, digest: Digest) -> Result<PluginEntry, EngineError> {
        let all = self.0.plugins.list();
        all.into_iter()
            .find(|entry| entry.plugin.digest == digest)
            .ok_or_else(|| EngineError::not_found(Thing::Plugin, digest))
    }

    /// Checks a component and makes it the current version of its plugin.
    pub async fn load_plugin(&self, who: &Principal, bytes: Vec<u8>) -> Result<Arc<Plugin>, EngineError> {
        let digest = Digest::of(&bytes).to_string();
        let subject = Subject { thing: Thing::Plugin, name: &digest };
        let work = self.make_current(who, bytes);
        self.0.guarded(who, &rules::LOAD_PLUGIN, Place::Host, subject, work).await
    }

    pub(crate) async fn make_current(
        &self,
        who: &Principal,
        bytes: Vec<u8>,
    ) -> Result<Arc<Plugin>, EngineError> {
        let source = Source::Upload { by: who.name().to_owned() };
        let plugins = Arc::clone(&self.0.plugins);
        let plugin = self.0.in_workshop(async move { plugins.load(bytes, source).await }).await??;
        info!(plugin = %plugin.name, version = %plugin.version, digest = %plugin.digest, by = who.name(), "plugin loaded");
        // Whoever hears that it is loaded finds in every runtime what it stands for there.
        self.0.look_at_versions().await?;
        self.forget_old_files().await?;
        Ok(plugin)
    }

    /// Makes an earlier version current again.
    pub async fn rollback_plugin(
        &self,
        who: &Principal,
        name: &PluginName,
        to: Option<Digest>,
    ) -> Result<Arc<Plugin>, EngineError> {
        let work = async {
            if !self.0.plugins.list().iter().any(|entry| entry.plugin.name == *name) {
                return Err(EngineError::not_found(Thing::Plugin, name));
            }
            let plugin = self.0.plugins.rollback(name, to).await?;
            info!(plugin = %plugin.name, digest = %plugin.digest, by = who.name(), "plugin rolled back");
            Ok(plugin)
        };
        let subject = Subject { thing: Thing::Plugin, name: name.as_str() };
        self.0.guarded(who, &rules::ROLL_BACK_PLUGIN, Place::Host, subject, work).await
    }

    /// Withdraws a version: nothing new starts on it, what runs finishes.
    pub async fn retire_plugin(&self, who: &Principal, digest: Digest) -> Result<(), EngineError> {
        let work = async {
            self.version(digest)?;
            self.0.plugins.retire(digest).await?;
            info!(%digest, by = who.name(), "plugin retired");
            Ok(())
        };
        let name = digest.to_string();
        let subject = Subject { thing: Thing::Plugin, name: &name };
        self.0.guarded(who, &rules::RETIRE_PLUGIN, Place::Host, subject, work).await
    }

    /// Files of versions that nothing needs any more go; those that executions keep stay.
    pub(crate) async fn forget_old_files(&self) -> Result<(), EngineError> {
        let mut pinned = self.0.store.pinned().await?;
        pinned.extend(self.0.confirmed_versions());
        self.0.plugins.keep(&pinned).await;
        Ok(())
    }
}
