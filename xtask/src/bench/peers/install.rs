//! Installing what is measured, by the tools of its language, into a folder of its own.
//!
//! Nothing of it reaches the repository or the machine's own packages, and no package's scripts run. A file
//! beside it says what is installed, and is written last.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;

use super::engine::{Engine, Peer};
use crate::{child, plugins, repo};

/// npm packages, to `node_modules`.
pub(super) fn from_npm(peer: &Peer) -> Result<()> {
    let without = without(peer);
    if let Some(reason) = plugins::missing_node() {
        bail!("{} runs on Node, and {reason}: install Node 20 or later with npm, or {without}", peer.name);
    }
    once(peer, |folder| {
        let packages: Vec<_> =
            peer.packages.iter().map(|(name, version)| format!("{name}@{version}")).collect();
        // Without a file of its own, npm would install into the nearest folder above that has one.
        fs::write(folder.join("package.json"), "{ \"private\": true }\n")?;
        let quietly = ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"];
        let installed = child::run(child::command("npm", folder, &quietly).args(&packages));
        installed
            .with_context(|| format!("is npm's registry reachable (`npm ping`)? If it is not, {without}"))
    })
}

/// Python packages, to a virtual environment.
pub(super) fn from_pypi(peer: &Peer) -> Result<()> {
    let without = without(peer);
    if !child::answers(&mut child::command("python3", &repo::root(), &["--version"])) {
        bail!("{} runs on Python, and `python3` is not installed: install it, or {without}", peer.name);
    }
    once(peer, |folder| {
        child::run(&mut child::command("python3", folder, &["-m", "venv", "--clear", "venv"])).with_context(
            || format!("install Python's `venv` (on Debian, the package python3-venv), or {without}"),
        )?;
        let packages: Vec<_> =
            peer.packages.iter().map(|(name, version)| format!("{name}=={version}")).collect();
        let quietly =
            ["-m", "pip", "install", "--quiet", "--only-binary=:all:", "--disable-pip-version-check"];
        let installed = child::run(child::command(python(folder), folder, &quietly).args(&packages));
        installed.with_context(|| format!("is PyPI reachable? If it is not, {without}"))
    })
}

/// The interpreter of a virtual environment in this folder.
pub(super) fn python(folder: &Path) -> PathBuf {
    folder.join("venv").join("bin").join("python")
}

/// Writes the script, and installs unless just these versions are there.
fn once(peer: &Peer, install: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let folder = peer.folder();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (name, text) = peer.script;
    fs::write(folder.join(name), text)?;
    let (installed, wanted) = (folder.join("installed"), format!("{:?}\n", peer.packages));
    if fs::read_to_string(&installed).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    install(&folder).with_context(|| format!("{} cannot be installed", peer.title()))?;
    fs::write(installed, wanted)?;
    Ok(())
}

/// How to go on without it.
fn without(peer: &Peer) -> String {
    let names = Engine::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let others: Vec<_> =
        names.map(|name| name.get_name().to_owned()).filter(|name| name != peer.name).collect();
    format!("leave it out: `cargo xtask bench peers --engines {}`", others.join(","))
}
