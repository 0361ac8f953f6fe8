//! Fixtures written in WebAssembly's text format: what no compiler would make.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Guest;

/// Every `.wat` file right below `folder`.
pub(super) fn assemble(folder: &Path) -> Result<Vec<Guest>> {
    let mut guests = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension() != Some(OsStr::new("wat")) {
            continue;
        }
        let bytes = wat::parse_file(&path).with_context(|| format!("cannot assemble {}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        guests.push(Guest { name, bytes, shippable: false });
    }
    guests.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(guests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_a_component() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("empty.wat"), "(component)").unwrap();
        fs::write(folder.path().join("notes.md"), "not a component").unwrap();
        let guests = assemble(folder.path()).unwrap();
        assert_eq!(guests.len(), 1);
        assert!(guests[0].bytes.starts_with(b"\0asm"));
    }
}
