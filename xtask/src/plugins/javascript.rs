//! Guests written in JavaScript: a folder with a `package.json`, whose script `build` writes
//! `dist/FOLDER.wasm`.
//!
//! They are built where Node and npm are installed. Elsewhere they are left out, with a line that says
//! so: nobody needs Node to build or test the host.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::Guest;
use crate::{child, repo};

/// What the component tools ask for.
const OLDEST_NODE: u32 = 20;

/// Builds what is not current.
pub(super) fn build() -> Result<Vec<Guest>> {
    let mut guests = Vec::new();
    for folder in folders()? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(reason) = missing_tool() {
            anstream::eprintln!("skipped plugin `{name}`: it is written in JavaScript, and {reason}");
            continue;
        }
        let component = folder.join("dist").join(format!("{name}.wasm"));
        if !is_current(&component, &sources(&folder)?) {
            make(&folder)?;
        }
        let bytes = fs::read(&component)
            .with_context(|| format!("`npm run build` did not make {}", repo::shown(&component)))?;
        guests.push(Guest { name, bytes, shippable: true });
    }
    Ok(guests)
}

/// Folders of `plugins/` that npm knows how to build.
fn folders() -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(super::folder()).context("cannot list plugins/")? {
        let path = entry?.path();
        if path.join("package.json").is_file() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// Why nothing that is written in JavaScript can be built or run here.
pub(crate) fn missing_tool() -> Option<String> {
    let Ok(version) = child::output(&mut child::command("node", &repo::root(), &["--version"])) else {
        return Some("`node` is not installed".into());
    };
    if major(&version).is_none_or(|major| major < OLDEST_NODE) {
        return Some(format!("node is {}, older than {OLDEST_NODE}", version.trim()));
    }
    let npm = child::answers(&mut child::command("npm", &repo::root(), &["--version"]));
    (!npm).then(|| "`npm` is not installed".into())
}

/// 20 of `v20.1.2`.
fn major(version: &str) -> Option<u32> {
    version.trim().trim_start_matches('v').split('.').next()?.parse().ok()
}

fn make(folder: &Path) -> Result<()> {
    let (wanted, locked) = (folder.join("package.json"), folder.join("package-lock.json"));
    // npm writes this file last when it installs.
    let installed = folder.join("node_modules").join(".package-lock.json");
    if !is_current(&installed, &[wanted.clone(), locked.clone()]) {
        if !agree(&read(&wanted)?, &read(&locked)?) {
            let folder = repo::shown(folder);
            bail!(
                "{folder}/package.json and its lock file disagree: run `npm install` there and commit both"
            );
        }
        // Not `npm ci`: since npm 11 it refuses a lock file without entries for the optional packages of
        // every platform, and the component tool names some that were never published. This takes the
        // same versions with the same checksums; that the lock fits was checked above.
        child::run(&mut child::command("npm", folder, &["install", "--no-save", "--no-audit", "--no-fund"]))?;
    }
    fs::create_dir_all(folder.join("dist"))?;
    child::run(&mut child::command("npm", folder, &["run", "--silent", "build"]))
}

fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", repo::shown(path)))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", repo::shown(path)))
}

/// True when the lock was made for just these dependencies.
fn agree(package: &Value, lock: &Value) -> bool {
    // The lock keeps the package itself under an empty name.
    let Some(locked) = lock.pointer("/packages/") else {
        return false;
    };
    ["dependencies", "devDependencies"].iter().all(|kind| package.get(kind) == locked.get(kind))
}

/// What the component is made from: the folder's own files, and the contract.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut sources = vec![repo::root().join("wit").join("plugin.wit")];
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            sources.push(entry.path());
        }
    }
    Ok(sources)
}

/// True when `made` is there and no older than any of its sources.
fn is_current(made: &Path, sources: &[PathBuf]) -> bool {
    let changed = |path: &Path| -> Option<SystemTime> { fs::metadata(path).ok()?.modified().ok() };
    let Some(made) = changed(made) else { return false };
    sources.iter().all(|source| changed(source).is_some_and(|source| source <= made))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_component_older_than_its_source_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let (source, made) = (folder.path().join("a.js"), folder.path().join("a.wasm"));
        fs::write(&source, "1").unwrap();
        let sources = [source];
        assert!(!is_current(&made, &sources));
        fs::write(&made, "1").unwrap();
        assert!(is_current(&made, &sources));
        let earlier = SystemTime::UNIX_EPOCH;
        fs::File::options().write(true).open(&made).unwrap().set_modified(earlier).unwrap();
        assert!(!is_current(&made, &sources));
    }

    #[test]
    fn a_lock_for_other_dependencies_is_noticed() {
        let package = json!({"name": "a", "devDependencies": {"tool": "1.0.0"}});
        let lock = |version: &str| json!({"packages": {"": {"devDependencies": {"tool": version}}}});
        assert!(agree(&package, &lock("1.0.0")));
        assert!(!agree(&package, &lock("1.0.1")));
        assert!(!agree(&package, &json!({})));
    }

    #[test]
    fn the_version_of_node_is_read() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("nonsense"), None);
    }
}
