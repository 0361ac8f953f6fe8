//! Looks at a folder whenever something happens in it.
//!
//! Events only say *when* to look: what happened is found by comparing the folder with what is known of it
//! ([`Folder`]). So lost, merged and reordered events do no harm, and a copy, a rename or a removal need no
//! cases of their own. Every few seconds it looks unasked, for file systems that tell nothing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use notify::RecursiveMode;
use notify_debouncer_full::{DebounceEventResult, new_debouncer};
use orgata_engine::ports::LoadError;
use orgata_model::operation::Plugin;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::Registry;
use super::folder::Folder;
use crate::refusal::{Refusal as _, refuse};

/// Quiet time after which a burst of events is one.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// How soon a file that was still growing is looked at again.
pub(super) const SETTLING: Duration = Duration::from_millis(100);

/// How often the folder is looked at unasked.
const UNASKED: Duration = Duration::from_secs(5);

/// What came of the files of a folder when it was first looked at.
#[derive(Debug)]
pub struct FolderReport {
    /// The folder, as an absolute path.
    pub folder: PathBuf,
    /// Its files, in order of their names.
    pub files: Vec<FileReport>,
}

/// What came of one file.
#[derive(Debug)]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// The plugin in it, or why it was refused. A plugin that was loaded before, and since replaced or
    /// retired by an operator, is told but not published again.
    pub outcome: Result<Arc<Plugin>, LoadError>,
}

/// A folder under watch; dropping it ends that.
pub(super) struct Watch {
    task: AbortHandle,
    _events: Box<dyn Send + Sync>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Registry {
    /// Loads every file of a folder, then follows it.
    pub(crate) async fn watch(self: &Arc<Self>, folder: &Path) -> Result<FolderReport, LoadError> {
        let path = std::path::absolute(folder).map_err(|error| unwatchable(folder, &error))?;
        let changed = Arc::new(Notify::new());
        // Before the first look, so that nothing falls between.
        let events = events(&path, Arc::clone(&changed)).map_err(|error| unwatchable(&path, &error))?;
        let mut folder = Folder::new(path.clone(), self);
        let files = folder.first_look(self).await.map_err(|error| unwatchable(&path, &error))?;
        let task = tokio::spawn(follow(folder, Arc::downgrade(self), changed)).abort_handle();
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).push(Watch { task, _events: events });
        Ok(FolderReport { folder: path, files })
    }
}

fn events(folder: &Path, changed: Arc<Notify>) -> notify::Result<Box<dyn Send + Sync>> {
    let heard = move |events: DebounceEventResult| {
        if let Err(errors) = events {
            tracing::warn!(?errors, "watching a plugin folder: some events may be lost");
        }
        changed.notify_one();
    };
    let mut debouncer = new_debouncer(DEBOUNCE, None, heard)?;
    // The folder, not its files: a file that is replaced by a rename is another file.
    debouncer.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(Box::new(debouncer))
}

async fn follow(mut folder: Folder, registry: Weak<Registry>, changed: Arc<Notify>) {
    let mut again = UNASKED;
    loop {
        // Either way it is time to look.
        let _ = tokio::time::timeout(again, changed.notified()).await;
        let Some(registry) = registry.upgrade() else { return };
        again = match folder.look(&registry).await {
            Ok(true) => SETTLING,
            Ok(false) => UNASKED,
            Err(error) => {
                // What was loaded from a folder that cannot be read stays.
                tracing::warn!(folder = %folder.path().display(), %error, "a plugin folder cannot be read");
                UNASKED
            }
        };
    }
}

fn unwatchable(folder: &Path, error: &dyn std::error::Error) -> LoadError {
    let message = format!("the plugin folder {} cannot be watched", folder.display());
    refuse("IO", message, "create the folder, or name another one").because(error)
}
