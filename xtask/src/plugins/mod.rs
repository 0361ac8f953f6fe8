//! `cargo xtask plugins`: every guest in `plugins/`, built and put where it is looked for.
//!
//! A guest is found, not listed: a package of the guest workspace that makes a `cdylib`, an example of one
//! below `fixtures/`, a folder with a `package.json`, a `.wat` file below `fixtures/`. What lies below
//! `fixtures/` is for tests; everything else is shippable.
//!
//! Files are replaced only when they changed, and by a rename, so that a host which watches the folder
//! neither reloads for nothing nor reads half a file.

mod counter;
mod javascript;
mod rust;
mod text_format;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{child, repo, toolchain};

pub(crate) use javascript::missing_tool as missing_node;

/// One built component.
#[derive(Debug)]
struct Guest {
    /// The name of its file, without `.wasm`.
    name: String,
    bytes: Vec<u8>,
    /// Goes to `target/plugins` too.
    shippable: bool,
}

/// Builds all guests. `target/plugins` then holds the shippable ones, `target/guests` all of them.
pub(crate) fn build() -> Result<()> {
    toolchain::need_guest_target()?;
    let mut guests = rust::build()?;
    guests.extend(counter::versions(&guests)?);
    guests.extend(text_format::assemble(&folder().join("fixtures"))?);
    guests.extend(javascript::build()?);

    let mut names = BTreeMap::new();
    for guest in &guests {
        if names.insert(guest.name.as_str(), guest.shippable).is_some() {
            bail!("two guests in plugins/ are named `{}`: rename one", guest.name);
        }
    }
    place(&repo::plugins(), guests.iter().filter(|guest| guest.shippable))?;
    place(&repo::guests(), guests.iter())?;
    let shippable = guests.iter().filter(|guest| guest.shippable).count();
    anstream::eprintln!(
        "{shippable} plugins in {}, {} guests in {}",
        repo::shown(&repo::plugins()),
        guests.len(),
        repo::shown(&repo::guests())
    );
    Ok(())
}

/// Formatting and lints of the guests, for the platform that they run on.
pub(crate) fn check() -> Result<()> {
    toolchain::need_component("fmt", "rustfmt")?;
    toolchain::need_component("clippy", "clippy")?;
    child::run(rust::cargo(&["fmt", "--all", "--check"]).env_remove("CARGO_TARGET_DIR"))?;
    let target = ["--target", toolchain::GUEST_TARGET];
    let lints = ["clippy", "--workspace", "--all-targets"];
    child::run(rust::in_own_target(&mut rust::cargo(&lints)).args(target).args(["--", "--deny", "warnings"]))
}

/// The unit tests of the guests' kits, which run on this machine and not in a sandbox.
pub(crate) fn own_tests() -> Command {
    let mut cargo = rust::cargo(&["test"]);
    rust::in_own_target(&mut cargo);
    cargo
}

/// The guest workspace.
fn folder() -> PathBuf {
    repo::root().join("plugins")
}

/// Makes `folder` hold these guests and no other `.wasm`.
fn place<'a>(folder: &Path, guests: impl Iterator<Item = &'a Guest>) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut wanted = Vec::new();
    for guest in guests {
        let path = folder.join(format!("{}.wasm", guest.name));
        if !fs::read(&path).is_ok_and(|old| old == guest.bytes) {
            // Not ending in `.wasm`: a watching host must not load it.
            let partial = path.with_extension("partial");
            fs::write(&partial, &guest.bytes)
                .with_context(|| format!("cannot write {}", partial.display()))?;
            fs::rename(&partial, &path).with_context(|| format!("cannot write {}", path.display()))?;
        }
        wanted.push(path);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("wasm")) && !wanted.contains(&path) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_holds_what_was_built_and_nothing_older() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("gone.wasm"), "old").unwrap();
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        let guest = Guest { name: "kitchen".into(), bytes: b"new".to_vec(), shippable: true };
        place(folder.path(), [guest].iter()).unwrap();
        let mut names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["kitchen.wasm", "notes.txt"]);
    }

    #[test]
    fn a_file_that_did_not_change_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let guests = [Guest { name: "a".into(), bytes: b"same".to_vec(), shippable: true }];
        place(folder.path(), guests.iter()).unwrap();
        let written = || fs::metadata(folder.path().join("a.wasm")).unwrap().modified().unwrap();
        let first = written();
        place(folder.path(), guests.iter()).unwrap();
        assert_eq!(written(), first);
    }
}
