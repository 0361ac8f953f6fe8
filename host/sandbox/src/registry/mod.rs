//! The versions of plugins: what is current, what was, and what runs keep.
//!
//! New executions read one immutable [`Catalog`] and pin the digests that they find there; the rest is found
//! by digest. So a new version is published by one swap, and nobody ever sees a schema of one version with
//! the code of another.
//!
//! Order of every change: bytes on disk, index on disk, memory, announcement. Whatever fails before the index
//! is written leaves everything as it was.

mod blobs;
mod folder;
mod index;
mod shelf;
mod watch;

pub use watch::{FileReport, FolderReport};

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use orgata_engine::ports::{Catalog, Clock, LoadError, PluginChange, PluginEntry, Source};
use orgata_model::failure::code;
use orgata_model::operation::Plugin;
use orgata_model::{Digest, Failure, PluginName};
use tokio::sync::broadcast;

use self::blobs::Blobs;
use self::index::{Index, State};
use self::shelf::Shelf;
use crate::prepare::{Prepared, Workshop};
use crate::refusal::{Refusal as _, io, refuse};
use crate::signature;
use crate::version::Version;

/// Changes that a slow subscriber may fall behind by.
const CHANGES: usize = 256;

/// Signatures that lie beside a plugin's file.
fn beside(source: &Source) -> String {
    match source {
        Source::File(path) => signature::beside(path),
        Source::Upload { .. } => String::new(),
    }
}

/// The registry.
pub(crate) struct Registry {
    workshop: Arc<Workshop>,
    blobs: Blobs,
    clock: Arc<dyn Clock>,
    state: Mutex<Known>,
    catalog: RwLock<Arc<Catalog>>,
    shelf: Shelf,
    /// Held by whoever changes the index, from reading it to announcing the change.
    changing: tokio::sync::Mutex<()>,
    /// Held by whoever loads a version that is not in memory, so that it is loaded once.
    loading: tokio::sync::Mutex<()>,
    changes: broadcast::Sender<PluginChange>,
    watches: Mutex<Vec<watch::Watch>>,
}

/// The index, and what the versions in it are.
struct Known {
    index: Index,
    plugins: BTreeMap<Digest, Arc<Plugin>>,
}

impl Registry {
    /// Opens the registry of a folder. What was current is current again.
    pub(crate) fn open(
        workshop: Arc<Workshop>,
        folder: PathBuf,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<Self> {
        let blobs = Blobs::open(folder)?;
        let mut index = blobs.index()?;
        let plugins = known_plugins(&blobs, &mut index);
        let versions: BTreeSet<_> = index.versions.keys().map(|digest| digest.hex()).collect();
        workshop.compiler.cache.sweep(|digest| versions.contains(digest))?;
        let known = Known { index, plugins };
        Ok(Self {
            workshop,
            blobs,
            clock,
            catalog: RwLock::new(Arc::new(known.catalog())),
            state: Mutex::new(known),
            shelf: Shelf::default(),
            changing: tokio::sync::Mutex::default(),
            loading: tokio::sync::Mutex::default(),
            changes: broadcast::Sender::new(CHANGES),
            watches: Mutex::default(),
        })
    }

    /// What is published now.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the version `digest` holds.
    pub(crate) fn plugin(&self, digest: Digest) -> Result<Arc<Plugin>, Failure> {
        let known = self.known().plugins.get(&digest).cloned();
        let inspected = || self.shelf.get(digest).map(|version| Arc::clone(&version.plugin));
        known.or_else(inspected).ok_or_else(|| gone(digest))
    }

    /// A version ready to run, loaded back when it is not in memory.
    pub(crate) async fn version(&self, digest: Digest) -> Result<Arc<Version>, Failure> {
        if let Some(version) = self.shelf.get(digest) {
            return Ok(version);
        }
        let _one_at_a_time = self.loading.lock().await;
        if let Some(version) = self.shelf.get(digest) {
            return Ok(version);
        }
        let version = self.load_back(digest).await?;
        // What was published meanwhile is on the shelf already.
        let current =
            self.known().index.versions.get(&digest).is_some_and(|entry| entry.state == State::Current);
        self.shelf.put(&version, current);
        Ok(version)
    }

    async fn load_back(&self, digest: Digest) -> Result<Arc<Version>, Failure> {
        self.plugin(digest)?;
        let metadata = self.blobs.metadata(digest);
        if let Some(version) = metadata.as_ref().and_then(|known| self.workshop.recall(digest, known)) {
            return Ok(version);
        }
        let bytes = self.blobs.bytes(digest).ok_or_else(|| gone(digest))?;
        match self.workshop.prepare(&bytes, None, "", metadata).await {
            Ok(prepared) => Ok(prepared.version),
            Err(error) => Err(gone(digest).caused_by(&error)),
        }
    }

    /// Loads the current versions into memory, so that the first calls need not.
    pub(crate) async fn warm_up(&self) {
        let current: Vec<_> = self.catalog().plugins.values().map(|plugin| plugin.digest).collect();
        for digest in current {
            if let Err(failure) = self.version(digest).await {
                tracing::error!(%digest, %failure, causes = ?failure.causes, "a current plugin cannot be loaded");
            }
        }
    }

    /// Every version that is known.
    pub(crate) fn list(&self) -> Vec<PluginEntry> {
        let known = self.known();
        let entry = |(digest, entry): (&Digest, &index::Entry)| {
            Some(PluginEntry {
                plugin: Arc::clone(known.plugins.get(digest)?),
                state: entry.state.into(),
                loaded_at: entry.loaded_at,
                source: (&entry.source).into(),
            })
        };
        known.index.versions.iter().filter_map(entry).collect()
    }

    /// What changes from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<PluginChange> {
        self.changes.subscribe()
    }

    /// Checks a component without publishing it. It can be run by its digest for as long as it is in memory.
    pub(crate) async fn inspect(&self, bytes: Arc<[u8]>, source: &Source) -> Result<Arc<Plugin>, LoadError> {
        let prepared = self.prepare(&bytes, source).await.map_err(|error| error.of(source))?;
        if self.shelf.get(prepared.version.plugin.digest).is_none() {
            self.shelf.put(&prepared.version, false);
        }
        Ok(Arc::clone(&prepared.version.plugin))
    }

    /// Lets go of the code of a component that was inspected, unless it is a version by now.
    pub(crate) fn discard(&self, digest: Digest) {
        let known = self.known();
        if !known.index.versions.contains_key(&digest) {
            self.shelf.forget(digest);
            self.workshop.compiler.cache.forget(digest);
        }
    }

    /// Checks a component and publishes it.
    pub(crate) async fn load(&self, bytes: Vec<u8>, source: &Source) -> Result<Arc<Plugin>, LoadError> {
        let loaded = self.take_in(bytes.into(), source).await.map_err(|error| error.of(source));
        if let Err(error) = &loaded {
            self.announce_refusal(source, error);
        }
        loaded
    }

    async fn take_in(&self, bytes: Arc<[u8]>, source: &Source) -> Result<Arc<Plugin>, LoadError> {
        let digest = Digest::of(&bytes);
        if let Some(plugin) = self.current_with(digest) {
            let signers = signature::signers(&bytes, &beside(source));
            if signers.iter().all(|signer| plugin.signers.contains(signer)) {
                return Ok(plugin);
            }
        }
        let prepared = self.prepare(&bytes, source).await?;
        self.publish(&bytes, prepared, source).await
    }

    /// Compiles and describes these bytes, or finds that it was done before.
    async fn prepare(&self, bytes: &Arc<[u8]>, source: &Source) -> Result<Prepared, LoadError> {
        let known = self.blobs.metadata(Digest::of(bytes));
        self.workshop.prepare(bytes, stem(source), &beside(source), known).await
    }

    fn current_with(&self, digest: Digest) -> Option<Arc<Plugin>> {
        let known = self.known();
        let entry = known.index.versions.get(&digest).filter(|entry| entry.state == State::Current);
        entry.and_then(|_| known.plugins.get(&digest).cloned())
    }

    async fn publish(
        &self,
        bytes: &Arc<[u8]>,
        new: Prepared,
        source: &Source,
    ) -> Result<Arc<Plugin>, LoadError> {
        let _changing = self.changing.lock().await;
        let plugin = Arc::clone(&new.version.plugin);
        let (digest, name) = (plugin.digest, plugin.name.clone());
        self.blobs
            .put(digest, bytes, &new.metadata)
            .map_err(|error| io("the plugin cannot be kept", &error))?;
        let mut index = self.known().index.clone();
        index.publish(digest, &name, source, self.clock.now());
        if let Source::File(path) = source {
            index.files.insert(path.clone(), digest);
        }
        self.shelf.put(&new.version, true);
        self.commit(index, Some((digest, Arc::clone(&plugin))))?;
        tracing::info!(plugin = %name, version = plugin.version, %digest, effect = plugin.effect.as_str(), "plugin loaded");
        self.announce(PluginChange::Loaded(Arc::clone(&plugin)));
        Ok(plugin)
    }

    /// Makes an earlier version current again.
    pub(crate) async fn rollback(
        &self,
        name: &PluginName,
        to: Option<Digest>,
    ) -> Result<Arc<Plugin>, LoadError> {
        let digest = self.rollback_target(name, to)?;
        // It must be able to run before anything new starts on it.
        self.version(digest).await.map_err(|failure| {
            let hint = "roll back to another version, or load the file again";
            LoadError { causes: failure.causes.clone(), ..refuse("UNKNOWN_PLUGIN", &failure.message, hint) }
        })?;
        let _changing = self.changing.lock().await;
        let mut index = self.known().index.clone();
        index.restore(digest);
        self.commit(index, None)?;
        let plugin = self.plugin(digest).map_err(|failure| unknown(failure.message))?;
        tracing::info!(plugin = %name, version = plugin.version, %digest, "plugin rolled back");
        self.announce(PluginChange::Loaded(Arc::clone(&plugin)));
        Ok(plugin)
    }

    fn rollback_target(&self, name: &PluginName, to: Option<Digest>) -> Result<Digest, LoadError> {
        let known = self.known();
        let mut versions = known.index.versions.iter().filter(|(_, entry)| entry.name == *name).peekable();
        if versions.peek().is_none() {
            return Err(unknown(format!("there is no plugin {name}")));
        }
        match to {
            Some(digest) if versions.any(|(known, _)| *known == digest) => Ok(digest),
            Some(digest) => Err(unknown(format!("plugin {name} has no version {digest}"))),
            None => known.index.before(name).ok_or_else(|| {
                let message = format!("plugin {name} has no earlier version");
                refuse("NO_EARLIER_VERSION", message, "load the version that is wanted")
            }),
        }
    }

    /// Nothing new starts on this version.
    pub(crate) async fn retire(&self, digest: Digest) -> Result<(), LoadError> {
        let _changing = self.changing.lock().await;
        let plugin = self.plugin(digest).map_err(|failure| unknown(failure.message))?;
        let mut index = self.known().index.clone();
        if let Some(entry) = index.versions.get_mut(&digest) {
            entry.state = State::Retired;
        }
        self.commit(index, None)?;
        tracing::info!(plugin = %plugin.name, version = plugin.version, %digest, "plugin retired");
        self.announce(PluginChange::Retired(plugin));
        Ok(())
    }

    /// The present, by the engine's clock.
    fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// The files of a folder that were taken in before, with what they held.
    fn files_in(&self, folder: &Path) -> Vec<(PathBuf, PluginName, Digest)> {
        let known = self.known();
        let files = known.index.files_in(folder).into_iter();
        files
            .filter_map(|(path, digest)| {
                Some((path, known.index.versions.get(&digest)?.name.clone(), digest))
            })
            .collect()
    }

    /// The plugin in a file that was taken in before as it is now.
    fn taken_in_before(&self, path: &Path, digest: Digest) -> Option<Arc<Plugin>> {
        let known = self.known();
        known.index.files.get(path).filter(|taken_in| **taken_in == digest)?;
        known.plugins.get(&digest).cloned()
    }

    /// The plugin in a file that holds what is current already, by another name or from an upload: the file
    /// is taken in, and nothing else changes.
    async fn same_elsewhere(&self, path: &Path, digest: Digest) -> Result<Option<Arc<Plugin>>, LoadError> {
        let Some(plugin) = self.current_with(digest) else { return Ok(None) };
        let _changing = self.changing.lock().await;
        let mut index = self.known().index.clone();
        index.files.insert(path.to_owned(), digest);
        self.commit(index, None)?;
        Ok(Some(plugin))
    }

    /// A file is gone, or holds another plugin now. Its version retires if it is current and `last`.
    async fn lost_file(&self, path: Option<&Path>, digest: Digest, last: bool) -> Result<(), LoadError> {
        if let Some(path) = path {
            let _changing = self.changing.lock().await;
            let mut index = self.known().index.clone();
            index.files.remove(path);
            self.commit(index, None)?;
        }
        match self.current_with(digest) {
            Some(_) if last => self.retire(digest).await,
            _ => Ok(()),
        }
    }

    /// Forgets the files of versions that nobody needs.
    pub(crate) async fn keep(&self, pinned: &BTreeSet<Digest>) {
        let _changing = self.changing.lock().await;
        let mut index = self.known().index.clone();
        let useless = index.useless(self.workshop.settings.kept_versions, |digest| pinned.contains(&digest));
        if useless.is_empty() {
            return;
        }
        index.versions.retain(|digest, _| !useless.contains(digest));
        // The index first: a crash in between leaves a file that nobody names, not a name without a file.
        if let Err(error) = self.commit(index, None) {
            tracing::warn!(error = %error, causes = ?error.causes, "useless plugin versions stay");
            return;
        }
        for digest in useless {
            self.shelf.forget(digest);
            self.blobs.remove(digest);
            self.workshop.compiler.cache.forget(digest);
        }
    }

    /// Writes the index, then turns memory to it: the swap.
    fn commit(&self, index: Index, new: Option<(Digest, Arc<Plugin>)>) -> Result<(), LoadError> {
        self.blobs.put_index(&index).map_err(|error| io("the plugin index cannot be written", &error))?;
        let mut known = self.known();
        known.index = index;
        known.plugins.extend(new);
        let Known { index, plugins } = &mut *known;
        plugins.retain(|digest, _| index.versions.contains_key(digest));
        let catalog = Arc::new(known.catalog());
        let before = std::mem::replace(
            &mut *self.catalog.write().unwrap_or_else(PoisonError::into_inner),
            Arc::clone(&catalog),
        );
        drop(known);
        for (name, plugin) in &before.plugins {
            if catalog.plugins.get(name).is_none_or(|now| now.digest != plugin.digest) {
                self.shelf.step_back(plugin.digest);
            }
        }
        Ok(())
    }

    fn announce(&self, change: PluginChange) {
        // Nobody listening is no fault.
        let _ = self.changes.send(change);
    }

    /// Tells of a component that was refused.
    fn announce_refusal(&self, source: &Source, error: &LoadError) {
        tracing::warn!(code = error.code, error = %error, causes = ?error.causes, hint = error.hint, "plugin refused");
        self.announce(PluginChange::Refused { source: source.clone(), error: Arc::new(error.clone()) });
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn catalog(&self) -> Catalog {
        let current = self.index.versions.iter().filter(|(_, entry)| entry.state == State::Current);
        let plugins = current
            .filter_map(|(digest, entry)| Some((entry.name.clone(), self.plugins.get(digest)?.clone())));
        Catalog { plugins: plugins.collect() }
    }
}

/// What the versions of an index are. Those whose files are gone leave it, and are missed aloud.
fn known_plugins(blobs: &Blobs, index: &mut Index) -> BTreeMap<Digest, Arc<Plugin>> {
    let mut plugins = BTreeMap::new();
    index.versions.retain(|digest, entry| match blobs.metadata(*digest) {
        Some(metadata) => {
            plugins.insert(*digest, Arc::new(metadata.plugin(*digest, None)));
            true
        }
        None => {
            tracing::error!(plugin = %entry.name, %digest, "the files of a plugin version are gone or broken");
            false
        }
    });
    plugins
}

/// A plain component without a name of its own is named after its file.
fn stem(source: &Source) -> Option<&str> {
    match source {
        Source::File(path) => path.file_stem()?.to_str(),
        Source::Upload { .. } => None,
    }
}

fn gone(digest: Digest) -> Failure {
    Failure::permanent(
        code::PLUGIN_GONE,
        format!("version {digest} of a plugin can no longer be had: load its file again"),
    )
}

fn unknown(message: impl std::fmt::Display) -> LoadError {
    refuse("UNKNOWN_PLUGIN", message, "see which plugins and versions there are with `orgata plugin list`")
}
