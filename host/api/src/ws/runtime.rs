//! Following everything in one runtime.

use std::path::Path;

use orgata_engine::ports::{PluginChange, Source};
use orgata_engine::{Engine, Notice, Notices, Principal};
use orgata_model::RuntimeId;
use orgata_model::operation::Plugin;
use tokio::sync::broadcast::error::RecvError;

use super::outbox::{Gone, Outbox};
use crate::wire::frame::{PluginEventView, RuntimeEventView, ServerFrame};

/// A subscription to a runtime.
pub(super) struct Follower {
    pub(super) runtime: RuntimeId,
    pub(super) engine: Engine,
    pub(super) principal: Principal,
    pub(super) outbox: Outbox,
}

impl Follower {
    /// Sends what happens in the runtime, until the host stops.
    pub(super) async fn follow(self, mut notices: Notices) -> Result<(), Gone> {
        let runtime_id = &self.runtime;
        loop {
            match notices.recv().await {
                Ok(Notice::Event { runtime, execution, event }) if runtime == *runtime_id => {
                    let what = RuntimeEventView::Execution((&*event).into());
                    let frame = ServerFrame::RuntimeEvent {
                        runtime_id,
                        execution_id: Some(execution),
                        seq: Some(event.seq),
                        event: what,
                    };
                    self.outbox.send(&frame).await?;
                }
                // Definitions have no frame: clients of this protocol ask for them.
                Ok(Notice::Event { .. } | Notice::Definitions { .. }) => {}
                Ok(Notice::Plugin(change)) => self.plugin_changed(&change).await?,
                Err(RecvError::Lagged(missed)) => {
                    self.outbox.send(&ServerFrame::Lagged { runtime_id, missed }).await?;
                }
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }

    async fn plugin_changed(&self, change: &PluginChange) -> Result<(), Gone> {
        let message = match change {
            PluginChange::Refused { source: Source::File(path), error } => {
                without_folder(&error.message, path)
            }
            PluginChange::Refused { error, .. } => error.message.clone(),
            PluginChange::Loaded(_) | PluginChange::Retired(_) => String::new(),
        };
        let what = match change {
            PluginChange::Loaded(plugin) if self.offers(plugin) => PluginEventView::PluginLoaded {
                plugin: &plugin.name,
                version: &plugin.version,
                digest: plugin.digest,
            },
            PluginChange::Retired(plugin) if self.offers(plugin) => PluginEventView::PluginRetired {
                plugin: &plugin.name,
                version: &plugin.version,
                digest: plugin.digest,
            },
            PluginChange::Loaded(_) | PluginChange::Retired(_) => return Ok(()),
            // Which plugin a broken file would have been, nobody knows.
            PluginChange::Refused { source, error } => PluginEventView::PluginRefused {
                source: match source {
                    Source::File(path) => path.file_name().and_then(|name| name.to_str()).unwrap_or_default(),
                    Source::Upload { by } => by,
                },
                code: error.code,
                message: &message,
                hint: &error.hint,
            },
        };
        let event = RuntimeEventView::Plugin(what);
        let frame =
            ServerFrame::RuntimeEvent { runtime_id: &self.runtime, execution_id: None, seq: None, event };
        self.outbox.send(&frame).await
    }

    fn offers(&self, plugin: &Plugin) -> bool {
        let info = self.engine.runtime(&self.principal, &self.runtime);
        info.is_ok_and(|info| info.runtime.offers(&plugin.name))
    }
}

/// Where the folder of a file lies on the machine is nobody's business.
fn without_folder(message: &str, file: &Path) -> String {
    match file.parent().filter(|folder| folder.is_absolute()) {
        Some(folder) => message.replace(&format!("{}/", folder.display()), ""),
        None => message.to_owned(),
    }
}
