//! The crates' own benchmarks, found by asking cargo which packages have any.

use anyhow::{Context as _, Result};
use cargo_metadata::{MetadataCommand, TargetKind};

use crate::{child, plugins, repo};

/// What `bench micro` takes.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Handed on to criterion: a part of a benchmark's name, `--quick`, `--save-baseline NAME`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    handed_on: Vec<String>,
}

/// Runs them one after the other: two at once would measure each other.
pub(crate) fn run(args: &Args) -> Result<()> {
    // The sandbox measures real guests.
    plugins::build()?;
    for bench in benches()? {
        // The whole workspace, so that dependencies have the same features for all and are built once.
        let mut cargo = child::cargo(&["bench", "--workspace", "--bench", &bench, "--"]);
        child::run(cargo.args(&args.handed_on).env("ORGATA_GUESTS", repo::guests()))?;
    }
    Ok(())
}

/// The names of the packages' benchmarks.
fn benches() -> Result<Vec<String>> {
    let metadata = MetadataCommand::new()
        .manifest_path(repo::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo cannot read the workspace")?;
    let mut benches = Vec::new();
    for package in metadata.packages {
        let own = package.targets.iter().filter(|target| target.kind.contains(&TargetKind::Bench));
        benches.extend(own.map(|target| target.name.clone()));
    }
    Ok(benches)
}
