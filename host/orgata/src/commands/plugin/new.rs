//! `orgata plugin new`: a folder with a first operation that works at once.
//!
//! What is in it, the workshop says, and to assistants it says the same.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use orgata_engine::ports::{self, Blueprint};
use orgata_model::operation::EffectClass;
use orgata_workshop::whole_folder;
use owo_colors::OwoColorize as _;
use serde_json::json;

use crate::cli::{Global, Language};
use crate::render::print_json;

/// The operation that a new plugin begins with.
const FIRST: &str = "greet";

pub(super) fn new(global: &Global, name: &str, language: Language) -> anyhow::Result<ExitCode> {
    let blueprint = blueprint(name, language)?;
    let name = &blueprint.name.plugin;
    let folder = Path::new(name.as_str());
    let files = write(folder, &blueprint)?;
    if global.json {
        print_json(&json!({ "name": name, "folder": folder, "files": files }))?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("{name}/ has a plugin with one operation, {name}/{FIRST}:");
    for file in files {
        println!("  {file}");
    }
    println!("\nNext:");
    for (command, what) in [
        (format!("orgata plugin build {name}"), "make the component"),
        (format!("orgata plugin test {name}/{name}.wasm"), "run its examples in the sandbox"),
        (format!("orgata plugin load {name}/{name}.wasm"), "load it into the running host"),
    ] {
        anstream::println!(
            "  {:<width$}  {}",
            command.bold(),
            what.dimmed(),
            width = 2 * name.as_str().len() + 26
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// What the folder is to hold. Names that a package or the host would refuse are refused when it is written.
fn blueprint(name: &str, language: Language) -> anyhow::Result<Blueprint> {
    Ok(Blueprint {
        name: format!("{name}/{FIRST}").parse().map_err(|_| bad_name(name))?,
        description: String::new(),
        language: match language {
            Language::Rust => ports::Language::Rust,
            Language::Js => ports::Language::JavaScript,
        },
        schemas: None,
        effect: EffectClass::Pure,
    })
}

fn bad_name(name: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "{name:?} cannot be a plugin's name: use lower-case letters, digits and hyphens, such as `image-resize`"
    )
}

/// Writes the files, into a folder that is not there yet. Gives their names.
fn write(folder: &Path, blueprint: &Blueprint) -> anyhow::Result<Vec<String>> {
    let shown = folder.display();
    let files = whole_folder(blueprint).map_err(|error| anyhow::anyhow!("{error}: {}", error.hint))?;
    if folder.exists() {
        bail!("{shown} is there already, and stays as it is: choose another name, or move it away");
    }
    for file in &files {
        let path = folder.join(&file.path);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
        std::fs::write(&path, &file.text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(files.into_iter().map(|file| file.path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(language: Language) -> (tempfile::TempDir, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let blueprint = blueprint("image-resize", language).unwrap();
        let files = write(&folder.path().join("image-resize"), &blueprint).unwrap();
        (folder, files)
    }

    fn read(folder: &tempfile::TempDir, file: &str) -> String {
        std::fs::read_to_string(folder.path().join("image-resize").join(file)).unwrap()
    }

    #[test]
    fn a_rust_plugin_has_all_that_building_it_takes() {
        let (folder, files) = made(Language::Rust);
        assert_eq!(files, ["Cargo.toml", "src/lib.rs", "wit/plugin.wit", "README.md", ".gitignore"]);
        let manifest = read(&folder, "Cargo.toml");
        for part in ["name = \"image-resize\"", "cdylib", "wit-bindgen", "serde_json", "\n[workspace]\n"] {
            assert!(manifest.contains(part), "{part}");
        }
        let source = read(&folder, "src/lib.rs");
        assert!(source.contains("impl Guest for") && source.contains("image-resize/greet"));
        assert!(read(&folder, "wit/plugin.wit").contains("package orgata:plugin@"));
    }

    #[test]
    fn a_javascript_plugin_has_all_that_building_it_takes() {
        let (folder, files) = made(Language::Js);
        assert_eq!(files, ["package.json", "image-resize.js", "wit/plugin.wit", "README.md", ".gitignore"]);
        let package: serde_json::Value = serde_json::from_str(&read(&folder, "package.json")).unwrap();
        assert_eq!(package["main"], "image-resize.js");
        assert_eq!(package["orgata"]["world"], "pure-plugin");
    }

    #[test]
    fn what_is_there_already_is_left_alone() {
        let (folder, _) = made(Language::Rust);
        let path = folder.path().join("image-resize");
        let again = blueprint("image-resize", Language::Js).unwrap();
        let told = write(&path, &again).unwrap_err().to_string();
        assert!(told.contains("is there already"), "{told}");
        assert!(!path.join("package.json").exists());
    }

    #[test]
    fn names_that_a_package_or_the_host_would_refuse_are_refused_first() {
        let folder = tempfile::tempdir().unwrap();
        let tried = |name: &str| {
            let blueprint = blueprint(name, Language::Js)?;
            write(&folder.path().join("new"), &blueprint).map(drop)
        };
        for bad in
            ["", "-", "a-", "-a", "a--b", "A", "a_b", "a.b", "a/b", "../a", "2d", "ä", &"x".repeat(101)]
        {
            assert!(tried(bad).is_err(), "{bad}");
            assert!(!folder.path().join("new").exists(), "{bad}");
        }
        for good in ["a", "image-resize", "s3", "mp3-to-wav"] {
            assert!(tried(good).is_ok(), "{good}");
            std::fs::remove_dir_all(folder.path().join("new")).unwrap();
        }
    }
}
