//! The sources of one build: checked, and written to a folder of their own.
//!
//! A file's name is a path below that folder, made of plain words: nothing that climbs, hides or means something to a shell.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use orgata_engine::ports::{BuildError, SourceFile};
use tempfile::TempDir;

use crate::refusal::{bad, io};
use crate::scaffold::CONTRACT;
use crate::settings::Settings;

/// Longest path of a file, in bytes, and most folders in it.
const MAX_PATH: usize = 200;
const MAX_DEPTH: usize = 10;

/// Refuses what cannot be the sources of a plugin.
pub(crate) fn check(settings: &Settings, files: &[SourceFile]) -> Result<(), BuildError> {
    if files.is_empty() {
        return Err(bad("there are no files", "hand over the files that `scaffold` gave, edited"));
    }
    if files.len() > settings.files {
        let message = format!("there are {} files, and {} may be", files.len(), settings.files);
        return Err(bad(message, "make it of fewer files, or raise workshop.files"));
    }
    let size: usize = files.iter().map(|file| file.text.len()).sum();
    if size > settings.source_bytes {
        let message = format!("the files have {size} bytes together, and {} may be", settings.source_bytes);
        return Err(bad(message, "make them smaller, or raise workshop.sourceBytes"));
    }
    check_names(files)
}

fn check_names(files: &[SourceFile]) -> Result<(), BuildError> {
    let mut names = BTreeSet::new();
    for file in files {
        if !is_plain(&file.path) {
            let message = format!("{:.100?} cannot be the name of a file", file.path);
            let hint = "name files by their paths from the plugin's folder, such as `src/lib.rs`: letters, digits, `-`, \
                        `_` and `.`, and no part that begins with a dot";
            return Err(bad(message, hint));
        }
        if !names.insert(file.path.as_str()) {
            let message = format!("two files are named {:?}", file.path);
            return Err(bad(message, "give every file a name of its own"));
        }
    }
    for name in &names {
        let inside = format!("{name}/");
        if let Some(other) = names.iter().find(|other| other.starts_with(&inside)) {
            let message = format!("{name:?} is a file, and {other:?} wants it to be a folder");
            return Err(bad(message, "rename one of them"));
        }
    }
    Ok(())
}

fn is_plain(path: &str) -> bool {
    let word = |part: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && part.bytes().all(plain)
    };
    path.len() <= MAX_PATH && path.split('/').count() <= MAX_DEPTH && path.split('/').all(word)
}

/// A folder with sources, until it is dropped.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// Writes checked files.
    pub(crate) fn with(files: &[SourceFile]) -> Result<Self, BuildError> {
        let unwritable = |error: std::io::Error| io("the sources cannot be written", &error);
        let folder = TempDir::with_prefix("orgata-build-").map_err(unwritable)?;
        for file in files {
            write(folder.path(), &file.path, &file.text).map_err(unwritable)?;
        }
        if !folder.path().join("wit").exists() {
            write(folder.path(), "wit/plugin.wit", CONTRACT).map_err(unwritable)?;
        }
        Ok(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Writes a file, and makes the folders above it.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> std::io::Result<()> {
    let path: PathBuf = folder.join(name);
    if let Some(above) = path.parent() {
        std::fs::create_dir_all(above)?;
    }
    std::fs::write(path, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(names: &[&str]) -> Result<(), BuildError> {
        let file = |name: &&str| SourceFile { path: (*name).to_owned(), text: "x".to_owned() };
        check(&Settings::default(), &names.iter().map(file).collect::<Vec<_>>())
    }

    #[test]
    fn a_name_that_leads_out_of_the_folder_is_refused() {
        for good in ["plugin.js", "src/lib.rs", "wit/deps/http/types.wit", "_a.js", "Cargo.toml"] {
            assert!(checked(&[good]).is_ok(), "{good}");
        }
        let long = "a".repeat(MAX_PATH + 1);
        let deep = ["a"; MAX_DEPTH + 1].join("/");
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a/..",
            ".",
            "./a",
            "a//b",
            "a/",
            ".cargo/config.toml",
            "a\\b",
            "C:\\x",
            "a b",
            "a\n",
            "a\0b",
            "~/x",
            "$HOME",
            "ä.js",
            "-rf",
            &long,
            &deep,
        ] {
            let refused = checked(&[bad]).unwrap_err();
            assert_eq!(refused.code, "BAD_SOURCES", "{bad:?}");
        }
    }

    #[test]
    fn files_that_stand_in_each_others_way_are_refused() {
        assert!(checked(&["a.js", "a.js"]).unwrap_err().message.contains("two files"));
        assert!(checked(&["a", "b", "a/b"]).unwrap_err().message.contains("wants it to be a folder"));
        assert!(checked(&["a", "a-b", "ab/c"]).is_ok());
    }

    #[test]
    fn too_much_is_refused_with_the_limit() {
        let settings = Settings { files: 2, source_bytes: 10, ..Settings::default() };
        let file = |name: &str, size: usize| SourceFile { path: name.to_owned(), text: "x".repeat(size) };
        assert!(check(&settings, &[]).is_err());
        assert!(check(&settings, &[file("a", 5), file("b", 5)]).is_ok());
        let told = check(&settings, &[file("a", 5), file("b", 6)]).unwrap_err();
        assert!(told.hint.contains("workshop.sourceBytes"), "{told:?}");
        let told = check(&settings, &[file("a", 1), file("b", 1), file("c", 1)]).unwrap_err();
        assert!(told.hint.contains("workshop.files"), "{told:?}");
    }

    #[test]
    fn a_folder_has_its_files_and_the_contract_until_it_is_dropped() {
        let files = [SourceFile { path: "src/lib.rs".to_owned(), text: "//".to_owned() }];
        let folder = Folder::with(&files).unwrap();
        let path = folder.path().to_owned();
        assert_eq!(std::fs::read_to_string(path.join("src/lib.rs")).unwrap(), "//");
        assert!(std::fs::read_to_string(path.join("wit/plugin.wit")).unwrap().contains("orgata:plugin@"));
        drop(folder);
        assert!(!path.exists());
    }
}
