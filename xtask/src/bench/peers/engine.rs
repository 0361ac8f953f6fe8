//! The engines, with their versions: this is the one place to change one.
//!
//! The scripts that drive them are `xtask/peers/*`. They are copied to where the engine is installed, because
//! that is where Node looks for what they import.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::install;
use crate::{child, packages, repo};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Engine {
    /// Ours, with W1 and W2.
    Orgata,
    /// Restate's server with its service in Node, from npm.
    Restate,
    /// DBOS for Python on SQLite, from PyPI.
    Dbos,
}

impl Engine {
    /// What is not ours.
    pub(super) fn peer(self) -> Option<Peer> {
        match self {
            Self::Orgata => None,
            Self::Restate => Some(RESTATE),
            Self::Dbos => Some(DBOS),
        }
    }
}

const RESTATE: Peer = Peer {
    name: "restate",
    title: "Restate",
    registry: Registry::Npm,
    packages: &[("@restatedev/restate-server", "1.7.12"), ("@restatedev/restate-sdk", "1.17.2")],
    script: ("ten_on_restate.mjs", include_str!("../../../peers/ten_on_restate.mjs")),
    path: "/Ten/run",
};

const DBOS: Peer = Peer {
    name: "dbos",
    title: "DBOS",
    registry: Registry::PyPi,
    packages: &[("dbos", "3.4.0")],
    script: ("ten_on_dbos.py", include_str!("../../../peers/ten_on_dbos.py")),
    path: "/",
};

/// An engine that is not ours.
#[derive(Debug)]
pub(super) struct Peer {
    /// As `--engines` has it.
    pub(super) name: &'static str,
    title: &'static str,
    registry: Registry,
    /// What is installed of it: names and versions, the engine itself first.
    pub(super) packages: &'static [(&'static str, &'static str)],
    /// The file's name and text.
    pub(super) script: (&'static str, &'static str),
    /// Where it takes a number and gives that number and ten.
    pub(super) path: &'static str,
}

/// Where packages come from.
#[derive(Debug, Clone, Copy)]
enum Registry {
    Npm,
    PyPi,
}

impl Peer {
    /// Where it is installed: kept for the next time.
    pub(super) fn folder(&self) -> PathBuf {
        repo::target().join("bench").join("peers").join(self.name)
    }

    /// Its name and version.
    pub(super) fn title(&self) -> String {
        let version = self.packages.first().map_or("", |(_, version)| version);
        format!("{} {version}", self.title)
    }

    /// Installs it, where it is not.
    pub(super) fn install(&self) -> Result<()> {
        match self.registry {
            Registry::Npm => install::from_npm(self),
            Registry::PyPi => install::from_pypi(self),
        }
    }

    /// Serves the ten steps, with an empty store in `data`.
    pub(super) fn command(&self, data: &Path) -> Command {
        let (script, _) = self.script;
        let program = match self.registry {
            Registry::Npm => PathBuf::from("node"),
            Registry::PyPi => packages::python(&self.folder()),
        };
        let mut command = child::command(program, &self.folder(), &[script]);
        // A line for each step would be measured too.
        command.arg(data).env("NODE_ENV", "production").env("RESTATE_LOGGING", "ERROR");
        command
    }
}
