//! `cargo xtask sbom`: what the binary is made of, as a CycloneDX document.
//!
//! It is read from `cargo metadata` with the lock file as it is: the crates that the host's binary links or is built with,
//! each with its version, licence, source and dependencies. What only tests and tasks use is left out. No time
//! and no random number is in it: the same lock file gives the same document.
//!
//! A writer of our own, because the format is a page of JSON, and the tools that write it bring a hundred crates.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Node, Package, PackageId};
use serde_json::{Value, json};

use crate::repo;

/// The package that is shipped.
const SHIPPED: &str = "orgata";

/// What `sbom` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file to write [default: target/orgata.cdx.json]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The platform that the binary is for.
    #[arg(long, default_value = "x86_64-unknown-linux-gnu")]
    platform: String,
}

/// Writes the document.
pub(crate) fn run(args: &Args) -> Result<()> {
    let metadata = MetadataCommand::new()
        .manifest_path(repo::root().join("Cargo.toml"))
        .other_options(["--locked".to_owned(), "--filter-platform".to_owned(), args.platform.clone()])
        .exec()
        .context("cargo cannot read the workspace")?;
    let document = document(&metadata)?;
    let file = args.output.clone().unwrap_or_else(|| repo::target().join("orgata.cdx.json"));
    fs::write(&file, serde_json::to_string_pretty(&document)? + "\n")
        .with_context(|| format!("cannot write {}", file.display()))?;
    let count = document.pointer("/components").and_then(Value::as_array).map_or(0, Vec::len);
    anstream::println!("{}: {count} components", repo::shown(&file));
    Ok(())
}

fn document(metadata: &Metadata) -> Result<Value> {
    let resolve = metadata.resolve.as_ref().context("cargo resolved nothing")?;
    let nodes: BTreeMap<&PackageId, &Node> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let shipped = metadata.packages.iter().find(|package| package.name.as_str() == SHIPPED);
    let shipped = shipped.with_context(|| format!("there is no package {SHIPPED}"))?;
    let used = reachable(&shipped.id, &nodes);
    let packages: Vec<&Package> =
        metadata.packages.iter().filter(|package| used.contains(&package.id)).collect();
    let names: BTreeMap<&PackageId, String> =
        packages.iter().map(|package| (&package.id, reference(package))).collect();
    let depends = |id: &&PackageId| {
        let on: BTreeSet<_> = nodes.get(*id).into_iter().flat_map(|node| needed(node)).collect();
        let on: Vec<_> = on.into_iter().filter_map(|id| names.get(id)).collect();
        json!({ "ref": names.get(*id), "dependsOn": on })
    };
    let others = packages.iter().filter(|package| package.id != shipped.id);
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": component(shipped, "application") },
        "components": others.map(|package| component(package, "library")).collect::<Vec<_>>(),
        "dependencies": names.keys().map(depends).collect::<Vec<_>>(),
    }))
}

/// Everything that a package needs, directly or not.
fn reachable<'m>(from: &'m PackageId, nodes: &BTreeMap<&'m PackageId, &'m Node>) -> BTreeSet<&'m PackageId> {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(id) = open.pop() {
        let needs = nodes.get(id).into_iter().flat_map(|node| needed(node));
        open.extend(needs.filter(|id| seen.insert(id)));
    }
    seen
}

/// What is linked, or runs while building; not what tests use.
fn needed(node: &Node) -> impl Iterator<Item = &PackageId> {
    let ships = |kind: DependencyKind| matches!(kind, DependencyKind::Normal | DependencyKind::Build);
    let shipped = node.deps.iter().filter(move |needed| needed.dep_kinds.iter().any(|kind| ships(kind.kind)));
    shipped.map(|needed| &needed.pkg)
}

fn reference(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

fn component(package: &Package, kind: &str) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": reference(package),
        "name": package.name.to_string(),
        "version": package.version.to_string(),
    });
    let mut add = |key: &str, value: Value| {
        component.as_object_mut().map(|fields| fields.insert(key.to_owned(), value))
    };
    if package.source.is_some() {
        add("purl", reference(package).into());
    }
    if let Some(licence) = &package.license {
        // Older crates write `MIT/Apache-2.0`.
        add("licenses", json!([{ "expression": licence.replace('/', " OR ") }]));
    }
    if let Some(repository) = &package.repository {
        add("externalReferences", json!([{ "type": "vcs", "url": repository }]));
    }
    component
}
