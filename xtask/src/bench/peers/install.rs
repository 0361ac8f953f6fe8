//! Installing what is measured, and saying how to go on without it.

use std::fs;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;

use super::engine::{Engine, Peer};
use crate::packages;

/// npm packages, beside the script that drives them.
pub(super) fn from_npm(peer: &Peer) -> Result<()> {
    if let Some(reason) = packages::missing_npm() {
        bail!(
            "{} runs on Node, and {reason}: install Node 20 or later with npm, or {}",
            peer.name,
            without(peer)
        );
    }
    write_script(peer)?;
    failed(peer, packages::from_npm(&peer.folder(), peer.packages))
}

/// Python packages, beside the script that drives them.
pub(super) fn from_pypi(peer: &Peer) -> Result<()> {
    if let Some(reason) = packages::missing_python() {
        bail!("{} runs on Python, and {reason}: install it, or {}", peer.name, without(peer));
    }
    write_script(peer)?;
    failed(peer, packages::from_pypi(&peer.folder(), peer.packages))
}

fn write_script(peer: &Peer) -> Result<()> {
    let folder = peer.folder();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (name, text) = peer.script;
    Ok(fs::write(folder.join(name), text)?)
}

fn failed(peer: &Peer, installed: Result<()>) -> Result<()> {
    installed
        .with_context(|| format!("{} cannot be installed: repair that, or {}", peer.title(), without(peer)))
}

/// How to go on without it.
fn without(peer: &Peer) -> String {
    let names = Engine::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let others: Vec<_> =
        names.map(|name| name.get_name().to_owned()).filter(|name| name != peer.name).collect();
    format!("leave it out: `cargo xtask bench peers --engines {}`", others.join(","))
}
