//! The files that the rules look at: text that people wrote.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Folders that nobody wrote by hand.
const SKIPPED: &[&str] = &["target", "node_modules", "dist"];

/// Hidden folders are the tools' own, except these.
const SHOWN: &[&str] = &[".cargo", ".ci", ".config", ".github"];

/// What people write here. Anything else (snapshots, locks, images) is not looked at.
const KINDS: &[&str] =
    &["rs", "md", "toml", "yaml", "yml", "wit", "wat", "js", "mjs", "ts", "py", "sql", "sh"];

/// One text file.
#[derive(Debug)]
pub(super) struct File {
    /// From the root, with `/` between the parts.
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    /// A file that exists only in a test.
    #[cfg(test)]
    pub(super) fn sample(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// The part after the last dot.
    pub(super) fn kind(&self) -> &str {
        self.name().rsplit_once('.').map_or("", |(_, kind)| kind)
    }

    /// The last part of the path.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Its lines, counted from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line))
    }
}

/// All files below `root` that the rules look at, in order.
pub(super) fn files(root: &Path) -> Result<Vec<File>> {
    let mut found = Vec::new();
    collect(root, "", &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<File>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let hidden = name.starts_with('.') && !SHOWN.contains(&name.as_str());
            if !hidden && !SKIPPED.contains(&name.as_str()) {
                collect(&entry.path(), &format!("{path}/"), found)?;
            }
        } else if kind.is_file() && (is_text(&name) || prefix == ".ci/") {
            let text = fs::read_to_string(entry.path()).with_context(|| format!("cannot read {path}"))?;
            found.push(File { path, text });
        }
    }
    Ok(())
}

fn is_text(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, kind)| KINDS.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_built_is_not_looked_at() {
        let root = tempfile::tempdir().unwrap();
        for path in ["a/b.rs", "target/c.rs", "a/node_modules/d.js", ".git/e.md", "a/f.png", ".ci/run"] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        let seen: Vec<_> = files(root.path()).unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(seen, [".ci/run", "a/b.rs"]);
    }
}
