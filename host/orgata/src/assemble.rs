//! Putting the rooms together: store, sandbox, engine, interface.

use std::future::Future;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use orgata_api::{Api, Tls};
use orgata_engine::ports::{Operations, Plugins, Store, SystemClock};
use orgata_engine::{Engine, Principal};
use orgata_gateway::Gateway;
use orgata_sandbox::Sandbox;
use orgata_store_sqlite::SqliteStore;
use orgata_workshop::Toolbox;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::Config;
use crate::telemetry;

/// A host that is put together and not yet listening.
pub(crate) struct Host {
    engine: Engine,
    store: Arc<SqliteStore>,
    api: Api,
    listener: TcpListener,
    secured: bool,
}

impl Host {
    /// Opens everything that the configuration names. What cannot be loaded is told, and left out.
    pub(crate) async fn assemble(config: &Config) -> anyhow::Result<Self> {
        let render = telemetry::install()?;
        // Before anything is opened: a key that cannot be read is a mistake of the configuration.
        let secret_keys = config.secrets.keys()?;
        private_folder(&config.data)?;
        // What cannot be shown is told before anything else is done.
        let tls = match &config.tls {
            Some(settings) => Some(Tls::open(settings.clone()).await?),
            None => None,
        };
        let store = SqliteStore::open(&config.data.join("orgata.db"), config.store).await?;
        let store = Arc::new(store);
        // Before plugins are compiled: nobody should wait for that to learn that it cannot listen.
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen at {}: is another host running?", config.listen))?;
        let authenticator = orgata_api::Authenticator::open(&config.authentication, config.listen.ip());
        let authenticator = authenticator.await.map_err(anyhow::Error::msg)?;
        let clock = Arc::new(SystemClock);
        let mut settings = config.sandbox.clone();
        if settings.compiler.is_none() {
            settings.compiler = std::env::current_exe().ok();
        }
        let sandbox = Arc::new(Sandbox::open(settings, &config.data, clock.clone()).await?);
        let gateway = Gateway::open(config.sandbox.http_roots.as_deref());
        let gateway = gateway.context("sandbox.httpRoots")?;
        let engine = Engine::open(
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::clone(&sandbox) as Arc<dyn Operations>,
            Arc::clone(&sandbox) as Arc<dyn Plugins>,
            clock,
            orgata_engine::Settings {
                access: config.access.clone(),
                secret_keys,
                audit_keep: config.audit.keep,
                asks_nobody: !config.exposure().is_asked(),
                trust: config.trust.clone(),
                models: Some(Arc::new(gateway)),
                ..config.engine.clone()
            },
            config.runtimes.iter().map(crate::config::RuntimeSection::runtime).collect(),
        )
        .await?;
        check_runtimes(&engine, config)?;
        engine.equip(Arc::new(Toolbox::new(config.workshop.clone())));
        for folder in &config.plugins {
            watch_folder(&sandbox, folder).await;
        }
        publish_playbooks(&engine, config).await;
        let api = Api::guarded(engine.clone(), config.api.clone(), authenticator, Some(render));
        let secured = tls.is_some();
        let api = match tls {
            Some(tls) => api.secured_by(tls),
            None => api,
        };
        Ok(Self { engine, store, api, listener, secured })
    }

    /// Where it listens, as clients write it.
    pub(crate) fn url(&self) -> anyhow::Result<String> {
        let scheme = if self.secured { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.listener.local_addr()?))
    }

    /// Serves until `stop` is done, then stops cleanly: nothing new is admitted, running steps finish within
    /// the grace period, the rest is kept for the next start.
    pub(crate) async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
        let stopping = CancellationToken::new();
        let told = stopping.clone();
        tokio::spawn(async move {
            stop.await;
            info!("stopping: running steps may finish");
            told.cancel();
        });
        let drained = async {
            stopping.cancelled().await;
            if !self.engine.stop().await {
                warn!("some steps did not finish in time: they go on at the next start");
            }
        };
        let (served, ()) =
            tokio::join!(self.api.serve(self.listener, stopping.clone().cancelled_owned()), drained);
        served?;
        self.store.close().await?;
        Ok(())
    }
}

/// Whether everybody who can reach the host may reach every runtime in it, those that were made over REST among them.
fn check_runtimes(engine: &Engine, config: &Config) -> anyhow::Result<()> {
    let runtimes = engine.runtimes(&Principal::local());
    let places = runtimes.iter().map(|info| (&info.runtime.id, info.runtime.environment));
    config.exposure().check_runtimes(places)
}

/// Makes a folder that only its owner can enter.
fn private_folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("the data folder {} cannot be made", folder.display()))
}

async fn watch_folder(sandbox: &Sandbox, folder: &Path) {
    if !folder.is_dir() {
        // Whoever never spoke of the usual folder need not have it.
        if Config::default().plugins.iter().any(|usual| usual == folder) {
            info!(folder = %folder.display(), "there is no plugin folder: nothing is loaded from it");
        } else {
            warn!(folder = %folder.display(), "there is no such plugin folder: nothing is loaded from it");
        }
        return;
    }
    // The sandbox tells of each file by itself.
    if let Err(error) = sandbox.watch(folder).await {
        warn!(folder = %folder.display(), %error, "the plugin folder cannot be watched");
    }
}

/// Publishes the playbooks of every runtime's files. A wrong one is told with its problems, and left out.
async fn publish_playbooks(engine: &Engine, config: &Config) {
    let who = Principal::trusted("configuration", orgata_engine::PrincipalKind::Service);
    for runtime in &config.runtimes {
        for file in runtime.playbooks.iter().flat_map(|path| playbook_files(path)) {
            let source = match std::fs::read_to_string(&file) {
                Ok(source) => source,
                Err(error) => {
                    warn!(file = %file.display(), %error, "the playbook cannot be read");
                    continue;
                }
            };
            let name = file.display().to_string();
            if let Err(error) = engine.publish_playbook(&who, &runtime.id, None, &name, source).await {
                warn!(file = name, runtime = %runtime.id, %error, "the playbook is left out");
            }
        }
    }
}

/// The playbook files of a path: itself, or the `.yaml` files of a folder that are playbooks.
pub(crate) fn playbook_files(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return if path.exists() { vec![path.to_owned()] } else { Vec::new() };
    }
    let Ok(entries) = std::fs::read_dir(path) else { return Vec::new() };
    let is_playbook = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        // Answers for `orgata run --answers`, and scenarios, stand beside their playbook.
        let beside = name.contains(".answers.") || name.contains(".scenario.");
        yaml && !beside && path.is_file()
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_playbook).collect();
    files.sort();
    files
}
