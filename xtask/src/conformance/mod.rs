//! `cargo xtask conformance`: MCP, tried with what others wrote.
//!
//! The official conformance suite runs twice for each revision: on the server with the suite's fixtures in front, where all
//! must pass, extensions included, and on the host as it is, where the failures must be those of
//! `tests/conformance/REVISION.yaml` and no others. Then clients of every kind tell one story with the host: they find their
//! way, make a sandwich, answer its question and are told of the end (`tests/clients`).
//!
//! What is not there (npm, Python) is told, and what needs it is left out. Not here: stories with our own client
//! (`tests/tests/mcp`).

mod clients;
mod suite;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::bench::server::Server;
use crate::{child, packages, plugins, repo, test};

/// Builds what is needed, and tries.
pub(crate) fn run() -> Result<()> {
    plugins::build()?;
    test::build_host()?;
    tried()
}

/// Tries with a host and plugins that are built.
pub(crate) fn tried() -> Result<()> {
    let mut failed = Vec::new();
    let home = tempfile::tempdir().context("no folder for the host")?;
    let host = host(home.path())?;
    let url = format!("http://{}/mcp", host.address);
    match packages::missing_npm() {
        Some(reason) => {
            anstream::eprintln!("the conformance suite and clients in TypeScript are left out: {reason}")
        }
        None => {
            failed.extend(suite::run(&url)?);
            failed.extend(clients::in_typescript(&url)?);
        }
    }
    match packages::missing_python() {
        Some(reason) => anstream::eprintln!("clients in Python are left out: {reason}"),
        None => failed.extend(clients::in_python(&url)?),
    }
    host.stop()?;
    if !failed.is_empty() {
        bail!("these failed, see above: {}", failed.join(", "));
    }
    Ok(())
}

/// The host as it is, with the plugins and the playbooks that it is shipped with.
fn host(home: &Path) -> Result<Server> {
    for (from, to) in [(repo::plugins(), "plugins"), (repo::root().join("playbooks"), "playbooks")] {
        std::os::unix::fs::symlink(from, home.join(to)).with_context(|| format!("cannot make {to}"))?;
    }
    fs::write(home.join("orgata.yaml"), "plugins: [plugins]\n")?;
    let args = ["serve", "--listen", "127.0.0.1:0", "--data", "data", "--config", "orgata.yaml"];
    Server::start(&mut child::command(repo::debug_binary(), home, &args), home)
}
