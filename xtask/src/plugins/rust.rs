//! Guests written in Rust: one `cargo build` for the whole guest workspace.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use cargo_metadata::{MetadataCommand, Package, Target, TargetKind};

use super::Guest;
use crate::child;
use crate::toolchain::GUEST_TARGET;

/// Cargo in the guest workspace.
pub(super) fn cargo(args: &[&str]) -> Command {
    let mut cargo = child::cargo(args);
    cargo.current_dir(super::folder());
    cargo
}

/// The guests have a target folder of their own, wherever the host's is: the two workspaces would
/// otherwise wait for each other's lock, and it is the folder of a `cargo build` by hand.
pub(super) fn in_own_target(cargo: &mut Command) -> &mut Command {
    cargo.env_remove("CARGO_TARGET_DIR").arg("--target-dir").arg(target())
}

fn target() -> PathBuf {
    super::folder().join("target")
}

/// Builds them all and reads what came out.
pub(super) fn build() -> Result<Vec<Guest>> {
    let mut build = cargo(&["build", "--release", "--lib", "--examples", "--target", GUEST_TARGET]);
    child::run(in_own_target(&mut build))?;

    let metadata = MetadataCommand::new()
        .manifest_path(super::folder().join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo cannot read the guest workspace")?;
    let mut guests = Vec::new();
    for package in &metadata.packages {
        for target in &package.targets {
            guests.extend(guest(package, target)?);
        }
    }
    Ok(guests)
}

/// What this target became, when it is a component.
fn guest(package: &Package, target: &Target) -> Result<Option<Guest>> {
    if !target.crate_types.iter().any(|kind| kind.to_string() == "cdylib") {
        return Ok(None);
    }
    let example = target.kind.contains(&TargetKind::Example);
    let file = format!("{}.wasm", target.name.replace('-', "_"));
    let mut path = self::target().join(GUEST_TARGET).join("release");
    if example {
        path.push("examples");
    }
    path.push(file);
    let bytes = fs::read(&path).with_context(|| format!("cargo did not make {}", path.display()))?;
    let fixture = package.manifest_path.components().any(|part| part.as_str() == "fixtures");
    Ok(Some(Guest {
        name: file_name(&package.name, &target.name, example),
        bytes,
        shippable: !fixture && !example,
    }))
}

/// `http_fetch` of `http-fetch` is `http-fetch`; the example `bad_names` of `orgata-odd` is `odd-bad-names`.
fn file_name(package: &str, target: &str, example: bool) -> String {
    let package = package.strip_prefix("orgata-").unwrap_or(package);
    if example { format!("{package}-{}", target.replace('_', "-")) } else { package.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_guest_is_named_by_its_package() {
        assert_eq!(file_name("http-fetch", "http_fetch", false), "http-fetch");
        assert_eq!(file_name("orgata-odd", "bad_names", true), "odd-bad-names");
    }
}
