//! Which crate may name which: `model` ← `engine` ← the adapters ← the binary.
//!
//! Direct dependencies count, of every kind: a test that sees what its crate must not see would hide a
//! broken border. Development dependencies are held to the same rule.

use anyhow::{Context as _, Result};
use cargo_metadata::MetadataCommand;

use super::Finding;
use crate::repo;

/// A crate of ours, and the names it depends on directly.
#[derive(Debug)]
pub(super) struct Package {
    /// Path of its manifest, from the root.
    manifest: String,
    name: String,
    needs: Vec<String>,
}

/// What only some crates may name: the beginning of the dependency's name, who may, and what to do instead.
const FENCED: &[(&[&str], &[&str], &str)] = &[
    (&["wasmtime"], &["orgata-sandbox"], "go through the engine's Operations port"),
    (&["sqlx", "libsqlite3-sys"], &["orgata-store-"], "go through the engine's Store port"),
    // The stories need a server of their own, to witness what plugins do to the outside.
    (&["axum"], &["orgata-api", "orgata-tests"], "let `orgata-api` serve"),
    // The stories are told as an assistant, too.
    (&["rmcp"], &["orgata-api", "orgata-gateway", "orgata-tests"], "speak MCP in `api` or `gateway` only"),
];

/// All crates of the host workspace, as cargo sees them.
pub(super) fn packages() -> Result<Vec<Package>> {
    let root = repo::root();
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo cannot read the workspace")?;
    let package = |package: cargo_metadata::Package| Package {
        manifest: repo::shown(package.manifest_path.as_std_path()),
        name: package.name.to_string(),
        needs: package.dependencies.into_iter().map(|needed| needed.name).collect(),
    };
    Ok(metadata.packages.into_iter().map(package).collect())
}

/// The dependency rule.
pub(super) fn keep_their_distance(packages: &[Package]) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in packages {
        for needed in &package.needs {
            let advice = breaks_order(&package.name, needed).or_else(|| climbs_fence(&package.name, needed));
            if let Some(advice) = advice {
                let advice = format!("`{}` may not depend on `{needed}`: {advice}", package.name);
                found.push(Finding { file: package.manifest.clone(), line: 1, rule: "rooms", advice });
            }
        }
    }
    found
}

/// Between our own crates.
fn breaks_order(name: &str, needed: &str) -> Option<String> {
    if !(needed == "orgata" || needed.starts_with("orgata-")) || name == needed {
        return None;
    }
    let allowed: &[&str] = match name {
        "orgata-model" => &[],
        "orgata-engine" => &["orgata-model"],
        "orgata" => {
            return (needed == "orgata-tests").then(|| "tests drive the binary from outside".to_owned());
        }
        "orgata-tests" | "xtask" => return Some("drive the binary from outside, as a user does".to_owned()),
        _ => &["orgata-model", "orgata-engine"],
    };
    if allowed.contains(&needed) {
        return None;
    }
    Some("the order is model ← engine ← sandbox, stores, api, gateway ← orgata; siblings never see one another".to_owned())
}

/// To other people's crates.
fn climbs_fence(name: &str, needed: &str) -> Option<String> {
    let (_, may, advice) =
        FENCED.iter().find(|(names, ..)| names.iter().any(|fenced| needed.starts_with(fenced)))?;
    let inside = may.iter().any(|own| name == *own || (own.ends_with('-') && name.starts_with(own)));
    (!inside).then(|| format!("only {} may; {advice}", may.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(name: &str, needs: &[&str]) -> usize {
        keep_their_distance(&[Package {
            manifest: format!("host/{name}/Cargo.toml"),
            name: name.into(),
            needs: needs.iter().map(|needed| (*needed).to_owned()).collect(),
        }])
        .len()
    }

    #[test]
    fn a_dependency_against_the_order_is_noticed() {
        assert_eq!(findings("orgata-model", &["orgata-engine"]), 1);
        assert_eq!(findings("orgata-engine", &["orgata-model", "orgata-store-sqlite"]), 1);
        assert_eq!(findings("orgata-api", &["orgata-engine", "orgata-sandbox", "orgata-gateway"]), 2);
        assert_eq!(findings("orgata-tests", &["orgata-model", "orgata"]), 2);
        assert_eq!(findings("orgata", &["orgata-model", "orgata-api", "orgata-store-sqlite"]), 0);
    }

    #[test]
    fn a_dependency_over_a_fence_is_noticed() {
        assert_eq!(findings("orgata-engine", &["wasmtime-wasi", "sqlx", "serde"]), 2);
        assert_eq!(findings("orgata", &["axum", "rmcp"]), 2);
        assert_eq!(findings("orgata-sandbox", &["wasmtime", "wasmtime-wasi-http"]), 0);
        assert_eq!(findings("orgata-store-postgres", &["sqlx"]), 0);
        assert_eq!(findings("orgata-tests", &["axum", "rmcp"]), 0);
    }
}
