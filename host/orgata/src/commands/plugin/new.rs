//! `orgata plugin new`: a folder with a first operation that works at once.
//!
//! The files are in `templates/`, one folder a language; all that is put into them is the plugin's name.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use orgata_model::PluginName;
use owo_colors::OwoColorize as _;
use serde_json::json;

use crate::cli::{Global, Language};
use crate::render::print_json;

/// What stands for the plugin's name, in templates and in the names of their files.
const NAME: &str = "{{name}}";

/// The contract that this host speaks.
const CONTRACT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/plugin.wit"));

/// The text of a template.
macro_rules! template {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $file, ".template"))
    };
}

/// Where a file goes, and what it says.
type Template = (&'static str, &'static str);

const RUST: [Template; 5] = [
    ("Cargo.toml", template!("rust/Cargo.toml")),
    ("src/lib.rs", template!("rust/lib.rs")),
    ("wit/plugin.wit", CONTRACT),
    ("README.md", template!("rust/README.md")),
    (".gitignore", template!("rust/gitignore")),
];

const JAVASCRIPT: [Template; 5] = [
    ("package.json", template!("js/package.json")),
    ("{{name}}.js", template!("js/plugin.js")),
    ("wit/plugin.wit", CONTRACT),
    ("README.md", template!("js/README.md")),
    (".gitignore", template!("js/gitignore")),
];

pub(super) fn new(global: &Global, name: &str, language: Language) -> anyhow::Result<ExitCode> {
    let name = checked(name)?;
    let folder = Path::new(name.as_str());
    let files = scaffold(folder, &name, language)?;
    if global.json {
        print_json(&json!({ "name": name, "folder": folder, "files": files }))?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("{name}/ has a plugin with one operation, {name}/greet:");
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

/// A name that is good for the plugin, its folder, its file and its package.
fn checked(name: &str) -> anyhow::Result<PluginName> {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let kebab = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.split('-').all(word);
    if !kebab {
        bail!(
            "{name:?} cannot be a plugin's name: use lower-case letters, digits and single hyphens, and begin with a \
             letter, such as `image-resize`"
        );
    }
    Ok(name.parse()?)
}

/// Writes the files, into a folder that is not there yet. Gives their names.
fn scaffold(folder: &Path, name: &PluginName, language: Language) -> anyhow::Result<Vec<String>> {
    let shown = folder.display();
    if folder.exists() {
        bail!("{shown} is there already, and stays as it is: choose another name, or move it away");
    }
    let templates = match language {
        Language::Rust => RUST,
        Language::Js => JAVASCRIPT,
    };
    let mut written = Vec::with_capacity(templates.len());
    for (file, text) in templates {
        let file = file.replace(NAME, name.as_str());
        let path = folder.join(&file);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
        std::fs::write(&path, text.replace(NAME, name.as_str()))
            .with_context(|| format!("{} cannot be written", path.display()))?;
        written.push(file);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(language: Language) -> (tempfile::TempDir, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let files =
            scaffold(&folder.path().join("image-resize"), &checked("image-resize").unwrap(), language)
                .unwrap();
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
        let build = package["scripts"]["build"].as_str().unwrap();
        assert!(build.contains("image-resize.js") && build.contains("-o image-resize.wasm"), "{build}");
        assert!(package["devDependencies"]["componentize-qjs"].is_string());
    }

    #[test]
    fn every_name_is_filled_in() {
        for language in [Language::Rust, Language::Js] {
            let (folder, files) = made(language);
            for file in files {
                assert!(!read(&folder, &file).contains("{{"), "{file}");
            }
        }
    }

    #[test]
    fn what_is_there_already_is_left_alone() {
        let (folder, _) = made(Language::Rust);
        let path = folder.path().join("image-resize");
        let told = scaffold(&path, &checked("image-resize").unwrap(), Language::Js).unwrap_err().to_string();
        assert!(told.contains("is there already"), "{told}");
        assert!(!path.join("package.json").exists());
    }

    #[test]
    fn names_that_a_package_or_the_host_would_refuse_are_refused_first() {
        for bad in
            ["", "-", "a-", "-a", "a--b", "A", "a_b", "a.b", "a/b", "../a", "2d", "ä", &"x".repeat(101)]
        {
            assert!(checked(bad).is_err(), "{bad}");
        }
        for good in ["a", "image-resize", "s3", "mp3-to-wav"] {
            assert!(checked(good).is_ok(), "{good}");
        }
    }
}
