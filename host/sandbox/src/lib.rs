//! Runs operations as sandboxed WebAssembly components, and keeps the plugins that hold them.
//!
//! [`Sandbox`] is the implementation of the engine's ports `Operations` (running) and `Plugins` (the life of
//! plugin files). The way of a file is in [`prepare`] and [`registry`]; the way of a call in [`session`] and
//! [`instance`]; what a guest may reach in [`capability`], one file each.
//!
//! Invariants:
//!
//! - A guest reaches nothing but what [`capability`] links, and of that only what was granted.
//! - No guest stops the host: time, memory, stack, output, log, host calls and compiling are limited
//!   ([`Settings`]), and every limit reached is a typed failure that names it.
//! - What a plugin is follows from its bytes alone; what a version is never changes under its digest.
//!
//! Not here: retries, durability, pinning (the engine's); HTTP and command line (the adapters').

mod bindings;
mod capability;
mod compile;

mod describe;
mod disk;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod given;
mod guest;
mod host;
mod instance;
mod limits;
mod log;
mod machine;
mod metrics;
mod notes;
mod outcome;
mod plain;
mod precheck;
mod prepare;
mod refusal;
mod registry;
mod session;
mod settings;
pub mod signature;
mod size;
mod trap;
mod turns;
mod version;

pub use capability::TrustError;
pub use compile::compile_child_main;
pub use metrics::describe_metrics;
pub use registry::{FileReport, FolderReport};
pub use settings::{JSON_DEPTH, Settings, SettingsError};
pub use size::{Size, SizeError};

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orgata_engine::ports::{
    Catalog, Clock, LoadError, Operations, PluginChange, PluginEntry, Plugins, Session, SessionContext,
    Source,
};
use orgata_model::operation::Plugin;
use orgata_model::{Digest, Failure, PluginName};
use tokio::sync::broadcast;

use crate::capability::http::Trust;
use crate::compile::{Cache, Compiler};
use crate::host::Host;
use crate::machine::Machine;
use crate::prepare::Workshop;
use crate::registry::Registry;

/// The sandbox: runs operations, keeps plugins. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Sandbox {
    host: Arc<Host>,
}

/// Why the sandbox does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting cannot work.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The operator's certificates cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// wasmtime does not start here.
    #[error("the WebAssembly engine does not start: {0}")]
    Engine(String),
    /// The data folder cannot be used.
    #[error("the sandbox's data folder {folder} cannot be used")]
    Data {
        /// Which folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Sandbox {
    /// Opens the sandbox with its data in `cache` and `plugins` inside `data`, private folders that are made
    /// where they are not there. What was current when it was last open is current again; its code is
    /// loaded in the background, within a tokio runtime.
    pub async fn open(settings: Settings, data: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        settings.validate()?;
        let trust = Trust::open(settings.http_roots.as_deref())?;
        let settings = Arc::new(settings);
        let machine = Machine::new(&settings).map_err(|error| OpenError::Engine(format!("{error:#}")))?;
        let unusable = |folder: &Path| {
            let folder = folder.to_owned();
            move |source| OpenError::Data { folder, source }
        };
        let (cache, plugins) = (data.join("cache"), data.join("plugins"));
        let cache = Cache::open(cache.clone(), &machine.engine).map_err(unusable(&cache))?;
        let compiler = Compiler::new(&machine.engine, &settings, cache);
        let workshop = Arc::new(Workshop { settings, machine, compiler, trust: Arc::new(trust) });
        let registry =
            Registry::open(Arc::clone(&workshop), plugins.clone(), clock).map_err(unusable(&plugins))?;
        let registry = Arc::new(registry);
        let warming = Arc::clone(&registry);
        tokio::spawn(async move { warming.warm_up().await });
        Ok(Self { host: Arc::new(Host::new(workshop, registry)) })
    }

    /// Loads every `.wasm` file of a folder, then follows it: files that come or change are loaded, and
    /// plugins whose files go are retired. Ends when the last clone of the sandbox is dropped.
    ///
    /// Fails where the folder cannot be watched; files that are refused are in the report.
    pub async fn watch(&self, folder: &Path) -> Result<FolderReport, LoadError> {
        self.host.registry.watch(folder).await
    }
}

#[async_trait::async_trait]
impl Operations for Sandbox {
    fn catalog(&self) -> Arc<Catalog> {
        self.host.registry.catalog()
    }

    async fn plugin(&self, digest: Digest) -> Result<Arc<Plugin>, Failure> {
        self.host.registry.plugin(digest)
    }

    fn open(&self, context: SessionContext) -> Box<dyn Session> {
        Box::new(session::Session::new(Arc::clone(&self.host), context))
    }
}

#[async_trait::async_trait]
impl Plugins for Sandbox {
    fn list(&self) -> Vec<PluginEntry> {
        self.host.registry.list()
    }

    async fn load(&self, bytes: Vec<u8>, source: Source) -> Result<Arc<Plugin>, LoadError> {
        self.host.registry.load(bytes, &source).await
    }

    async fn inspect(&self, bytes: Vec<u8>, source: Source) -> Result<Arc<Plugin>, LoadError> {
        self.host.registry.inspect(bytes.into(), &source).await
    }

    async fn discard(&self, digest: Digest) {
        self.host.registry.discard(digest);
    }

    async fn rollback(&self, name: &PluginName, to: Option<Digest>) -> Result<Arc<Plugin>, LoadError> {
        self.host.registry.rollback(name, to).await
    }

    async fn retire(&self, digest: Digest) -> Result<(), LoadError> {
        self.host.registry.retire(digest).await
    }

    async fn keep(&self, pinned: &BTreeSet<Digest>) {
        self.host.registry.keep(pinned).await;
    }

    fn changes(&self) -> broadcast::Receiver<PluginChange> {
        self.host.registry.changes()
    }
}
