//! `cargo xtask componentize`: the compiler of plugins in JavaScript, put beside the host.
//!
//! It is a workspace of its own with a target folder of its own, and always optimised: compiling an interpreter takes the
//! unoptimised one as long as people are willing to wait for a plugin. Cargo finds out by itself whether there is anything
//! to do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{child, repo, toolchain};

const NAME: &str = "orgata-componentize";

/// Builds it, and puts it beside each of the host's binaries, built by now or not.
pub(crate) fn build() -> Result<()> {
    child::run(&mut cargo(&["build", "--release", "--locked"]))?;
    let file = format!("{NAME}{}", std::env::consts::EXE_SUFFIX);
    let built = target().join("release").join(&file);
    for host in [repo::debug_binary(), repo::release_binary()] {
        place(&built, &host.with_file_name(&file))?;
    }
    Ok(())
}

/// Formatting. Lints would have all of its dependencies checked a second time, for one file.
pub(crate) fn check() -> Result<()> {
    toolchain::need_component("fmt", "rustfmt")?;
    child::run(&mut cargo(&["fmt", "--check"]))
}

fn cargo(args: &[&str]) -> Command {
    let mut cargo = child::cargo(args);
    cargo.current_dir(folder()).env("CARGO_TARGET_DIR", target());
    cargo
}

fn folder() -> PathBuf {
    repo::root().join("componentize")
}

fn target() -> PathBuf {
    folder().join("target")
}

/// Copies it in one step, where it is not there already: a host may be running the old one.
fn place(built: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(built).with_context(|| format!("cannot read {}", repo::shown(built)))?;
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let beside = to.parent().unwrap_or(to);
    fs::create_dir_all(beside).with_context(|| format!("cannot make {}", repo::shown(beside)))?;
    let partial = to.with_extension("partial");
    // With its permission to be run.
    fs::copy(built, &partial).with_context(|| format!("cannot write {}", repo::shown(&partial)))?;
    fs::rename(&partial, to).with_context(|| format!("cannot write {}", repo::shown(to)))
}
