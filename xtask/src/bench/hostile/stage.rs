//! The host that is attacked, and the keys of those who call it.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tempfile::TempDir;

use super::attacks::DEEDS;
use crate::bench::server::Server;
use crate::bench::work;
use crate::{child, repo};

/// Small limits, so that misdeeds end soon and others begin.
const CONFIG: &str = "\
authentication: { apiKeys: true }
plugins: [plugins]
sandbox: { time: 200ms, memory: 64 MiB }
runtimes:
  - { id: works, environment: production, playbooks: [works] }
  - { id: rough, environment: staging, playbooks: [rough] }
";

/// A running host.
pub(super) struct Stage {
    pub(super) folder: TempDir,
    pub(super) host: Server,
    /// Of the honest, who may enter production.
    pub(super) honest: String,
    /// Of one who may enter staging alone.
    pub(super) mallory: String,
    /// Of one who may read the audit.
    auditor: String,
}

impl Stage {
    /// Makes the folder and the keys, and starts the host.
    pub(super) fn set() -> Result<Self> {
        let folder = work::scratch("hostile")?;
        prepare(&folder)?;
        let honest = key(&folder, &["honest", "--kind", "service", "--environment", "production"])?;
        let mallory = key(&folder, &["mallory", "--kind", "service", "--environment", "staging"])?;
        let auditor = key(&folder, &["auditor", "--kind", "user", "--everything"])?;
        let host = Server::orgata(folder.path())?;
        Ok(Self { folder, host, honest, mallory, auditor })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.host.address
    }

    /// The command line, as the auditor would use it on the running host.
    pub(super) fn auditors(&self, args: &[&str]) -> Command {
        let mut command = command(&self.folder, args);
        command.env("ORGATA_KEY", &self.auditor);
        command
    }
}

fn prepare(folder: &TempDir) -> Result<()> {
    let folder = folder.path();
    for part in ["plugins", "works", "rough"] {
        std::fs::create_dir(folder.join(part))?;
    }
    for plugin in ["bench", "hostile"] {
        let file = format!("{plugin}.wasm");
        let guest = repo::guests().join(&file);
        std::fs::copy(&guest, folder.join("plugins").join(file))
            .with_context(|| format!("cannot copy {}", guest.display()))?;
    }
    std::fs::write(folder.join("orgata.yaml"), CONFIG)?;
    std::fs::write(folder.join("works/ten.yaml"), work::Work::W1.playbook())?;
    for deed in DEEDS {
        let playbook = format!("name: {deed}\nsteps: [{{ name: only, operation: hostile/{deed} }}]\n");
        std::fs::write(folder.join(format!("rough/{deed}.yaml")), playbook)?;
    }
    Ok(())
}

/// Makes a key on the data folder, before any host runs on it.
fn key(folder: &TempDir, args: &[&str]) -> Result<String> {
    let all = [&["--json", "key", "create"], args].concat();
    let made: Value = serde_json::from_str(&child::output(&mut command(folder, &all))?)?;
    made.get("key").and_then(Value::as_str).map(str::to_owned).context("`orgata key create` printed no key")
}

fn command(folder: &TempDir, args: &[&str]) -> Command {
    let mut command = child::command(repo::release_binary(), folder.path(), args);
    command.args(["--data", "data"]);
    command
}
