//! Clients that we did not write, with `tests/clients/*` as their scripts.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::suite;
use crate::{child, packages, repo};

const TYPESCRIPT: [(&str, &str); 3] = [
    ("@modelcontextprotocol/sdk", "1.32.2"),
    ("@modelcontextprotocol/client", "2.4.0"),
    ("mcp-remote", "0.15.1"),
];
/// Of a folder of its own: it brings another version of the SDK.
const INSPECTOR: (&str, &str) = ("@modelcontextprotocol/inspector", "2.12.0");
const PYTHON: [(&str, &str); 2] = [("mcp", "2.3.0"), ("fastmcp", "4.1.2")];

/// The older and the newer TypeScript SDK, `mcp-remote` and the Inspector. Gives which failed.
pub(super) fn in_typescript(url: &str) -> Result<Vec<String>> {
    let mut failed = Vec::new();
    for (name, known, scripts) in [
        (
            "typescript",
            TYPESCRIPT.as_slice(),
            ["typescript_sdk.mjs", "typescript_client.mjs", "mcp_remote.mjs"].as_slice(),
        ),
        ("inspector", &[INSPECTOR], &["inspector.mjs"]),
    ] {
        let folder = folder(name)?;
        let packages: Vec<_> = known.iter().copied().chain([suite::newer_node()]).collect();
        packages::from_npm(&folder, &packages)?;
        failed.extend(stories(&suite::node(&folder), &folder, scripts, url)?);
    }
    Ok(failed)
}

/// Python's SDK and FastMCP. Gives which failed.
pub(super) fn in_python(url: &str) -> Result<Vec<String>> {
    let folder = folder("python")?;
    packages::from_pypi(&folder, &PYTHON)?;
    stories(&packages::python(&folder), &folder, &["python_mcp.py", "fastmcp_client.py"], url)
}

/// A folder with the scripts in it: what they import is looked for beside them.
fn folder(name: &str) -> Result<PathBuf> {
    let folder = repo::target().join("conformance").join(name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let scripts = repo::root().join("tests").join("clients");
    for script in fs::read_dir(&scripts).with_context(|| format!("{} is not there", scripts.display()))? {
        let script = script?;
        fs::copy(script.path(), folder.join(script.file_name()))?;
    }
    Ok(folder)
}

fn stories(program: &Path, folder: &Path, scripts: &[&str], url: &str) -> Result<Vec<String>> {
    let mut failed = Vec::new();
    // The Inspector and `mcp-remote` start Node themselves.
    let own = program.parent().map(Path::to_path_buf).unwrap_or_default();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([own].into_iter().chain(std::env::split_paths(&others)))?;
    for &script in scripts {
        let mut told = Vec::new();
        let mut command = child::command(program, folder, &[script, url]);
        let well = child::watch_quietly(command.env("PATH", &path), &mut |line| told.push(line.to_owned()))?;
        anstream::println!("{script}: {}", if well { "as it must be" } else { "NOT as it must be" });
        if !well {
            told.iter().for_each(|line| anstream::println!("  {line}"));
            failed.push(script.to_owned());
        }
    }
    Ok(failed)
}
