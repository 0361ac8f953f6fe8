//! What a machine with nothing but rustup and cargo still lacks, fetched or explained.

use std::env::consts::EXE_SUFFIX;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::{child, repo};

/// The platform that guests are built for.
pub(crate) const GUEST_TARGET: &str = "wasm32-wasip2";

/// Makes sure that guests can be compiled.
pub(crate) fn need_guest_target() -> Result<()> {
    if has_guest_target() {
        return Ok(());
    }
    let rustup = || child::command("rustup", &repo::root(), &["target", "add", GUEST_TARGET]);
    if child::answers(&mut child::command("rustup", &repo::root(), &["--version"]))
        && child::run(&mut rustup()).is_ok()
        && has_guest_target()
    {
        return Ok(());
    }
    bail!(
        "the compiler has no standard library for {GUEST_TARGET}, and it could not be fetched.\n\
         With rustup and a network: `{}`.\n\
         Without rustup: install your distribution's package of Rust's standard library for {GUEST_TARGET}, \
         so that `rustc --print target-libdir --target {GUEST_TARGET}` names a folder that exists.",
        child::line(&rustup())
    )
}

/// Asks the compiler, not rustup: distributions ship targets too.
fn has_guest_target() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut ask =
        child::command(&rustc, &repo::root(), &["--print", "target-libdir", "--target", GUEST_TARGET]);
    child::output(&mut ask).is_ok_and(|folder| std::path::Path::new(folder.trim()).is_dir())
}

/// Makes sure that `cargo fmt` and `cargo clippy` are there: rustup's minimal profile has neither.
pub(crate) fn need_component(subcommand: &str, component: &str) -> Result<()> {
    let there = || child::answers(&mut child::cargo(&[subcommand, "--version"]));
    if there() {
        return Ok(());
    }
    let mut add = child::command("rustup", &repo::root(), &["component", "add", component]);
    if child::run(&mut add).is_ok() && there() {
        return Ok(());
    }
    bail!("`cargo {subcommand}` is not there, and could not be fetched: run `{}`", child::line(&add))
}

/// Clippy itself, to be used in place of the compiler.
pub(crate) fn clippy() -> Result<PathBuf> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let sysroot = child::output(&mut child::command(rustc, &repo::root(), &["--print", "sysroot"]))?;
    let driver = PathBuf::from(sysroot.trim()).join("bin").join(format!("clippy-driver{EXE_SUFFIX}"));
    if !driver.is_file() {
        bail!("{} is not there: run `rustup component add clippy`", driver.display());
    }
    Ok(driver)
}
