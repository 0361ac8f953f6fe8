//! What others wrote and we only try things with: installed by the tools of its language, into a folder of its own.
//!
//! Nothing of it reaches the repository or the machine's own packages, and no package's scripts run. A file in the
//! folder says what is installed, and is written last.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::{child, plugins, repo};

/// Names and versions.
pub(crate) type Packages = [(&'static str, &'static str)];

/// Why nothing can be installed from npm's registry, if so.
pub(crate) fn missing_npm() -> Option<String> {
    plugins::missing_node()
}

/// Why nothing can be installed from PyPI, if so.
pub(crate) fn missing_python() -> Option<&'static str> {
    let there = child::answers(&mut child::command("python3", &repo::root(), &["-m", "venv", "--help"]));
    (!there).then_some("`python3` with `venv` is not installed (on Debian: python3-venv)")
}

/// npm packages, to `node_modules` in the folder.
pub(crate) fn from_npm(folder: &Path, packages: &Packages) -> Result<()> {
    once(folder, packages, |folder| {
        let packages: Vec<_> = packages.iter().map(|(name, version)| format!("{name}@{version}")).collect();
        // Without a file of its own, npm would install into the nearest folder above that has one.
        fs::write(folder.join("package.json"), "{ \"private\": true }\n")?;
        let quietly =
            ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        child::run(child::command("npm", folder, &quietly).args(&packages))
            .context("is npm's registry reachable (`npm ping`)?")
    })
}

/// Python packages, to a virtual environment in the folder.
pub(crate) fn from_pypi(folder: &Path, packages: &Packages) -> Result<()> {
    once(folder, packages, |folder| {
        child::run(&mut child::command("python3", folder, &["-m", "venv", "--clear", "venv"]))?;
        let packages: Vec<_> = packages.iter().map(|(name, version)| format!("{name}=={version}")).collect();
        let quietly =
            ["-m", "pip", "install", "--quiet", "--only-binary=:all:", "--disable-pip-version-check"];
        child::run(child::command(python(folder), folder, &quietly).args(&packages))
            .context("is PyPI reachable?")
    })
}

/// A program from crates.io, to `bin` in the folder; gives where it is. It is built to be used a few times only.
pub(crate) fn from_crates(folder: &Path, package: (&'static str, &'static str)) -> Result<PathBuf> {
    let (name, version) = package;
    once(folder, &[package], |folder| {
        let mut install = child::cargo(&["install", "--locked", "--debug", "--quiet", "--version", version]);
        child::run(install.arg("--root").arg(folder).arg(name)).context("is crates.io reachable?")
    })?;
    Ok(folder.join("bin").join(name))
}

/// The interpreter of the virtual environment in this folder.
pub(crate) fn python(folder: &Path) -> PathBuf {
    folder.join("venv").join("bin").join("python")
}

/// Installs, unless just these versions are there.
fn once(folder: &Path, packages: &Packages, install: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (installed, wanted) = (folder.join("installed"), format!("{packages:?}\n"));
    if fs::read_to_string(&installed).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    install(folder)?;
    fs::write(installed, wanted)?;
    Ok(())
}
