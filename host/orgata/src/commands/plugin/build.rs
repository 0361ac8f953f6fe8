//! `orgata plugin build`: runs the compiler that a folder asks for, and says where the component is.
//!
//! What the compiler has to say, it says itself on standard error; standard output has the result alone.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use orgata_engine::ports::BuildError;
use orgata_model::Digest;
use orgata_workshop::Toolbox;
use owo_colors::OwoColorize as _;
use serde_json::{Value, json};

use crate::cli::Global;
use crate::config::Config;
use crate::exit;
use crate::render::{amount, print_json};

/// What Rust calls the platform of components.
const TARGET: &str = "wasm32-wasip2";

pub(super) async fn build(global: &Global, folder: &Path) -> anyhow::Result<ExitCode> {
    let shown = folder.display();
    let built = if folder.join("Cargo.toml").is_file() {
        rust(folder)?
    } else if has_build_script(folder) {
        npm_build(folder)?
    } else if folder.join("package.json").is_file() {
        javascript(global, folder).await?
    } else if folder.is_dir() {
        bail!(
            "{shown} has neither Cargo.toml nor package.json: name a plugin's folder, or make one with `orgata plugin \
             new NAME`"
        )
    } else if folder.is_file() {
        bail!("{shown} is a file: name the folder of the plugin")
    } else {
        bail!("there is no folder {shown}: make one with `orgata plugin new NAME`")
    };
    let Some(file) = built else { return Ok(ExitCode::from(exit::FAILED)) };
    let bytes = std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let digest = Digest::of(&bytes);
    if global.json {
        print_json(&json!({ "file": file, "size": bytes.len(), "digest": digest }))?;
    } else {
        let file = file.display();
        println!("{file} ({}, {})", amount::bytes(bytes.len() as u64), digest.short());
        anstream::println!("Next: {}", format!("orgata plugin test {file}").bold());
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds with Cargo. `None` when the compiler found mistakes.
fn rust(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    check_target(folder)?;
    let mut cargo = Command::new("cargo")
        .args(["build", "--release", "--target", TARGET, "--message-format", "json-render-diagnostics"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo cannot be run: install Rust from https://rustup.rs")?;
    let output = cargo.stdout.take().context("cargo has no output")?;
    let manifest = folder.join("Cargo.toml").canonicalize().context("Cargo.toml cannot be found")?;
    let mut artifact = None;
    for line in BufReader::new(output).lines() {
        let message =
            serde_json::from_str(&line.context("cargo's output cannot be read")?).unwrap_or_default();
        artifact = component_of(&message, &manifest).or(artifact);
    }
    if !cargo.wait().context("cargo was lost")?.success() {
        return Ok(None);
    }
    let Some((name, artifact)) = artifact else {
        bail!(
            "Cargo.toml of {} builds no component: give it a package, and in `[lib]` say `crate-type = [\"cdylib\"]`",
            folder.display()
        )
    };
    let file = folder.join(format!("{name}.wasm"));
    place(&artifact, &file)?;
    Ok(Some(tidied(file)))
}

/// The library's name and its component, if this message of Cargo tells of the one that was asked for.
fn component_of(message: &Value, manifest: &Path) -> Option<(String, PathBuf)> {
    let part = |pointer: &str| message.pointer(pointer);
    let texts = |pointer: &str| {
        part(pointer).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    };
    if part("/reason")? != "compiler-artifact" || Path::new(part("/manifest_path")?.as_str()?) != manifest {
        return None;
    }
    if !texts("/target/crate_types").any(|kind| kind == "cdylib") {
        return None;
    }
    let file = texts("/filenames").find(|file| file.ends_with(".wasm"))?;
    // Cargo writes the names of libraries as Rust does.
    Some((part("/target/name")?.as_str()?.replace('_', "-"), PathBuf::from(file)))
}

/// Components need a standard library that Rust does not come with.
fn check_target(folder: &Path) -> anyhow::Result<()> {
    let rustc = Command::new("rustc").args(["--print", "sysroot"]).current_dir(folder).output();
    let Ok(output) = rustc else { bail!("rustc cannot be run: install Rust from https://rustup.rs") };
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && !sysroot.join("lib/rustlib").join(TARGET).is_dir() {
        bail!("Rust cannot build components yet: run `rustup target add {TARGET}` once");
    }
    Ok(())
}

/// Puts the component beside the sources, whole or not at all: a host may be watching.
fn place(artifact: &Path, file: &Path) -> anyhow::Result<()> {
    let half = file.with_extension("wasm.part");
    std::fs::copy(artifact, &half).with_context(|| format!("{} cannot be written", half.display()))?;
    std::fs::rename(&half, file).with_context(|| format!("{} cannot be written", file.display()))
}

/// Builds with the workshop of a host, which needs nothing that a machine may lack. `None` when it found mistakes.
async fn javascript(global: &Global, folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    let whole = folder.canonicalize().with_context(|| format!("{} cannot be found", folder.display()))?;
    let toolbox = Toolbox::new(Config::read(global)?.workshop);
    let built = match toolbox.build_folder(&whole).await {
        Ok(built) => built,
        Err(error) => return refused(global, &error).map(|()| None),
    };
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    let file = folder.join(format!("{name}.wasm"));
    let half = file.with_extension("wasm.part");
    std::fs::write(&half, &built.component)
        .with_context(|| format!("{} cannot be written", half.display()))?;
    std::fs::rename(&half, &file).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(Some(tidied(file)))
}

/// Tells what the compiler found.
fn refused(global: &Global, error: &BuildError) -> anyhow::Result<()> {
    if global.json {
        return print_json(&json!({ "error": error }));
    }
    anstream::eprintln!(
        "{} {} {}",
        "error:".red().bold(),
        error.message,
        format!("[{}]", error.code).dimmed()
    );
    for cause in &error.causes {
        anstream::eprintln!("  because: {cause}");
    }
    anstream::eprintln!("  {} {}", "hint:".cyan(), error.hint);
    Ok(())
}

/// Whether the folder says by itself how it is built.
fn has_build_script(folder: &Path) -> bool {
    let text = std::fs::read_to_string(folder.join("package.json")).unwrap_or_default();
    let package: Value = serde_json::from_str(&text).unwrap_or_default();
    package.pointer("/scripts/build").is_some()
}

/// Builds with npm, for folders with a `build` script of their own. `None` when it found mistakes.
fn npm_build(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    if !folder.join("node_modules").is_dir() && !npm(folder, &["install", "--no-fund", "--no-audit"])? {
        return Ok(None);
    }
    let before = components(folder);
    if !npm(folder, &["run", "build"])? {
        return Ok(None);
    }
    let after = components(folder);
    let mut made = after.iter().filter(|(file, at)| before.get(*file) != Some(*at)).map(|(file, _)| file);
    match (made.next(), made.next()) {
        (Some(file), None) => Ok(Some(tidied(file.clone()))),
        (Some(_), Some(_)) => bail!("`npm run build` wrote several components: build one in each folder"),
        (None, _) => bail!(
            "`npm run build` wrote no .wasm file into {} or its dist folder: let its `build` script write it there",
            folder.display()
        ),
    }
}

/// Whether npm did it. What it says goes to standard error.
fn npm(folder: &Path, arguments: &[&str]) -> anyhow::Result<bool> {
    let errors = std::io::stderr().as_fd().try_clone_to_owned().context("standard error cannot be shared")?;
    let status = Command::new("npm")
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::from(errors))
        .status()
        .context("npm cannot be run: install Node.js 20 or newer from https://nodejs.org")?;
    Ok(status.success())
}

/// The components of a folder, with the times at which they were written.
fn components(folder: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let folders = [folder.to_owned(), folder.join("dist")];
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let components =
        entries.map(|entry| entry.path()).filter(|file| file.extension().is_some_and(|end| end == "wasm"));
    components.filter_map(|file| Some((file.clone(), file.metadata().ok()?.modified().ok()?))).collect()
}

/// `./x.wasm` is `x.wasm` to people.
fn tidied(file: PathBuf) -> PathBuf {
    file.strip_prefix(".").map(Path::to_owned).unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global() -> Global {
        Global {
            config: None,
            data: None,
            server: None,
            key: None,
            ca: None,
            identity: None,
            json: false,
            log: None,
            log_format: crate::cli::LogFormat::Auto,
        }
    }

    #[tokio::test]
    async fn a_folder_without_a_plugin_is_told_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let told = build(&global(), folder.path()).await.unwrap_err().to_string();
        assert!(told.contains("neither Cargo.toml nor package.json"), "{told}");
        let told = build(&global(), &folder.path().join("none")).await.unwrap_err().to_string();
        assert!(told.contains("there is no folder"), "{told}");
    }

    #[test]
    fn the_component_is_the_library_of_the_folder_itself() {
        let message = |manifest: &str, kind: &str| {
            json!({
                "reason": "compiler-artifact", "manifest_path": manifest,
                "target": { "name": "image_resize", "crate_types": [kind] },
                "filenames": ["/t/deps/libx.rlib", "/t/image_resize.wasm"],
            })
        };
        let manifest = Path::new("/p/Cargo.toml");
        let found = component_of(&message("/p/Cargo.toml", "cdylib"), manifest);
        assert_eq!(found, Some(("image-resize".to_owned(), "/t/image_resize.wasm".into())));
        assert_eq!(component_of(&message("/p/Cargo.toml", "lib"), manifest), None);
        assert_eq!(component_of(&message("/other/Cargo.toml", "cdylib"), manifest), None);
        assert_eq!(component_of(&json!({ "reason": "build-finished" }), manifest), None);
    }
}
