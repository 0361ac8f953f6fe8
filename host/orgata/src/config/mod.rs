//! `orgata.yaml`: what an operator decides. Unknown keys are errors; every default is shown by `orgata config`.

pub(crate) mod exposure;
mod runtimes;
mod secrets;
pub(crate) mod transport;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use orgata_api::TlsSettings;
use orgata_model::retention::Retention;
use orgata_model::runtime::Environment;
use orgata_model::sampling::ModelSource;
use serde::{Deserialize, Serialize};

use crate::cli::Global;

pub(crate) use runtimes::RuntimeSection;
pub(crate) use secrets::SecretsSection;

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "orgata.yaml";
/// Where the host listens when nobody says otherwise.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7420);
/// Where everything is kept when nobody says otherwise.
const DEFAULT_DATA: &str = ".orgata";

/// The whole configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// Address to listen at; port 0 picks one.
    pub(crate) listen: SocketAddr,
    /// The certificate to show, and what clients are to show. Without it: plain text, on this machine only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<TlsSettings>,
    /// Half of the permission to talk in plain text with other machines; `serve --allow-plain-text` is the other.
    pub(crate) allow_plain_text: bool,
    /// Folder of everything that the host keeps.
    pub(crate) data: PathBuf,
    /// Folders whose `.wasm` files are loaded, and loaded again when they change.
    pub(crate) plugins: Vec<PathBuf>,
    /// The runtimes. Without any: `default`, with the playbooks of `playbooks/`.
    pub(crate) runtimes: Vec<RuntimeSection>,
    /// How much the engine does at once.
    pub(crate) engine: orgata_engine::Settings,
    /// What operations may use.
    pub(crate) sandbox: orgata_sandbox::Settings,
    /// What clients may send.
    pub(crate) api: orgata_api::Settings,
    /// Who may do what where.
    pub(crate) access: orgata_engine::access::AccessSettings,
    /// How callers prove who they are.
    pub(crate) authentication: orgata_api::AuthSettings,
    /// How the store works.
    pub(crate) store: orgata_store_sqlite::Settings,
    /// How plugins are made of source text.
    pub(crate) workshop: orgata_workshop::Settings,
    /// What the command line says of serving strangers.
    #[serde(skip)]
    pub(crate) insecure: bool,
    /// Whose plugins may run where.
    pub(crate) trust: orgata_model::signature::Trust,
    /// Where the keys are that secrets are sealed with.
    pub(crate) secrets: SecretsSection,
    /// How long the audit is kept.
    pub(crate) audit: AuditSection,
}

/// What is decided about the audit.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AuditSection {
    /// How long its lines are kept: `365d`, or `forever`. Default forever.
    pub(crate) keep: Retention,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: DEFAULT_LISTEN,
            tls: None,
            allow_plain_text: false,
            data: PathBuf::from(DEFAULT_DATA),
            plugins: vec![PathBuf::from("plugins")],
            runtimes: vec![RuntimeSection::of_this_folder()],
            engine: orgata_engine::Settings::default(),
            sandbox: orgata_sandbox::Settings::default(),
            api: orgata_api::Settings::default(),
            access: orgata_engine::access::AccessSettings::default(),
            authentication: orgata_api::AuthSettings::default(),
            store: orgata_store_sqlite::Settings::default(),
            workshop: orgata_workshop::Settings::default(),
            insecure: false,
            trust: orgata_model::signature::Trust::default(),
            secrets: SecretsSection::default(),
            audit: AuditSection::default(),
        }
    }
}

impl Config {
    /// Reads the configuration: the file, then what the command line says.
    pub(crate) fn read(global: &Global) -> anyhow::Result<Self> {
        let default = Path::new(DEFAULT_FILE);
        let mut config = match &global.config {
            Some(file) => Self::read_file(file)?,
            None if default.is_file() => Self::read_file(default)?,
            None => Self::default(),
        };
        if let Some(data) = &global.data {
            config.data.clone_from(data);
        }
        config.validate()?;
        Ok(config)
    }

    fn read_file(file: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let options = serde_saphyr::options! { strict_booleans: true };
        let mut config: Self = serde_saphyr::from_str_with_options(&text, options)
            .with_context(|| format!("{} is not a valid configuration", file.display()))?;
        // Paths are meant from where the file stands, wherever the command was given.
        let folder = file.parent().unwrap_or(Path::new(""));
        config.data = folder.join(&config.data);
        config.sandbox.http_roots = config.sandbox.http_roots.map(|file| folder.join(file));
        if let Some(jwt) = &mut config.authentication.jwt {
            let files =
                [jwt.keys.as_mut().map(|it| &mut it.file), jwt.secret.as_mut().map(|it| &mut it.file)];
            for file in files.into_iter().flatten() {
                *file = file.take().map(|file| folder.join(file));
            }
        }
        config.secrets.stand_in(folder);
        if let Some(tls) = &mut config.tls {
            transport::settle(tls, folder);
        }
        let workshop = &mut config.workshop;
        workshop.componentizer = workshop.componentizer.take().map(|file| folder.join(file));
        workshop.rust_crates = workshop.rust_crates.take().map(|crates| folder.join(crates));
        config.plugins = config.plugins.iter().map(|path| folder.join(path)).collect();
        for runtime in &mut config.runtimes {
            runtime.playbooks = runtime.playbooks.iter().map(|path| folder.join(path)).collect();
            runtime.read_answers(folder)?;
        }
        Ok(config)
    }

    /// By whom the host can be reached.
    pub(crate) fn exposure(&self) -> exposure::Exposure<'_> {
        exposure::Exposure {
            listen: self.listen,
            authentication: &self.authentication,
            insecure: self.insecure,
            has_tls: self.tls.is_some(),
        }
    }

    /// For a host that is started for one command: what that command is to bring. Everybody else proves who they are where
    /// they would have to at any other time, and wherever they are not developers.
    pub(crate) fn for_one_command(&mut self) -> anyhow::Result<String> {
        let (key, kept) = orgata_api::OwnKey::fresh().map_err(anyhow::Error::msg)?;
        let developers = self.runtimes.iter().all(|runtime| runtime.environment == Environment::Development);
        self.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        // On this machine there is nobody between.
        self.tls = None;
        let asked = self.authentication.is_required(self.listen.ip()) || !developers;
        self.authentication.required = Some(asked);
        self.authentication.own = Some(kept);
        Ok(key)
    }

    fn validate(&self) -> anyhow::Result<()> {
        self.engine.validate().map_err(anyhow::Error::msg)?;
        if !self.audit.keep.is_sensible() {
            bail!("audit.keep must be longer than nothing, or forever");
        }
        self.sandbox.validate()?;
        self.api.validate().map_err(anyhow::Error::msg)?;
        self.authentication.validate().map_err(anyhow::Error::msg)?;
        self.workshop.validate().map_err(anyhow::Error::msg)?;
        self.tls.as_ref().map_or(Ok(()), TlsSettings::validate).map_err(anyhow::Error::msg)?;
        for runtime in &self.runtimes {
            if let Some(Err(why)) = runtime.model.as_ref().map(ModelSource::check) {
                bail!("runtime `{}`: {why}", runtime.id);
            }
        }
        let mut names: Vec<_> = self.runtimes.iter().map(|runtime| &runtime.id).collect();
        names.sort();
        if let Some(twice) = names.windows(2).find(|pair| pair.first() == pair.last()).and_then(<[_]>::first)
        {
            bail!("two runtimes are named `{twice}`: give each an id of its own");
        }
        if self.runtimes.is_empty() {
            bail!("there are no runtimes: remove `runtimes` to have the default one, or name one");
        }
        Ok(())
    }
}
