//! Rust becomes a component by the Cargo of this machine, offline.
//!
//! Building runs code of whoever wrote the sources: build scripts, macros, and what Cargo's own files can name. So it is
//! done inside of bubblewrap ([`confined`]), unless the operator trusts everybody who may build. Nothing is shared between
//! builds, neither what they compiled nor what they fetched: one could put something there for the next.

mod confined;
mod messages;

use std::path::{Path, PathBuf};

use orgata_engine::ports::{BuildError, Built};
use tokio::process::Command;

use self::messages::Messages;
use crate::child::{self, Broken, Ended, Limits};
use crate::refusal::{bad, failed, io, over_limit, refuse};
use crate::settings::{RustBuilds, Settings};
use crate::sources::{Folder, write};

/// What Rust calls the platform of components.
const TARGET: &str = "wasm32-wasip2";

/// Most that Cargo may print: a message for each crate, and each warning.
const MAX_OUTPUT: u64 = 16 << 20;
const MAX_COMPLAINT: u64 = 16 * 1024;

/// Where Rust is on this machine.
pub(crate) struct Toolchain {
    /// The compiler's own folder: programs in `bin`, standard libraries in `lib`.
    sysroot: PathBuf,
    /// Cargo's folder: the crates that it has fetched.
    cargo_home: PathBuf,
}

/// Builds the plugin in a folder.
pub(crate) async fn build(settings: &Settings, folder: &Folder) -> Result<Built, BuildError> {
    if settings.rust == RustBuilds::Off {
        let hint = "write the plugin in JavaScript, or ask the operator to set workshop.rust";
        return Err(refuse("NOT_AVAILABLE", "this host builds no plugins in Rust", hint));
    }
    if !folder.path().join("Cargo.toml").is_file() {
        return Err(bad("there is no Cargo.toml", "hand over the files that `scaffold` gave, edited"));
    }
    let toolchain = toolchain().await?;
    let offline = crates(settings, folder)?;
    let mut command = match settings.rust {
        RustBuilds::Unconfined => unconfined(&toolchain, folder.path()),
        _ => confined::shell(&toolchain, folder.path(), offline)?,
    };
    // Limits are for each process: the compiler runs many, one after the other.
    command.args(["-c", r#"ulimit -c 0; ulimit -v "$0" && exec "$@""#]);
    command.arg((settings.rust_memory_bytes / 1024).to_string()).arg(toolchain.sysroot.join("bin/cargo"));
    command.args(["build", "--release", "--offline", "--target", TARGET, "--message-format", "json"]);
    let limits = Limits { time: settings.rust_time.0, output: MAX_OUTPUT, said: MAX_COMPLAINT };
    let ended = child::run(command, &limits).await;
    judge(ended, settings, folder.path()).await
}

/// Asks the compiler where it is, and whether it can make components.
async fn toolchain() -> Result<Toolchain, BuildError> {
    let missing = |what: &str, hint: &str| {
        refuse("NOT_AVAILABLE", format!("plugins in Rust cannot be built here: {what}"), hint)
    };
    let asked = Command::new("rustc").args(["--print", "sysroot"]).current_dir("/").output().await;
    let output = asked.map_err(|_| missing("there is no `rustc`", "install Rust from https://rustup.rs"))?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if !output.status.success() || !sysroot.join("bin/cargo").is_file() {
        return Err(missing(
            "its compiler does not work",
            "try `rustc --print sysroot` as the user that runs the host",
        ));
    }
    if !sysroot.join("lib/rustlib").join(TARGET).is_dir() {
        return Err(missing(
            "it has no standard library for components",
            "run `rustup target add wasm32-wasip2` once",
        ));
    }
    let named = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let usual = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    let cargo_home = named.or_else(usual).unwrap_or_default();
    Ok(Toolchain { sysroot, cargo_home })
}

/// Tells Cargo of the operator's folder of crates, if there is one.
fn crates<'s>(settings: &'s Settings, folder: &Folder) -> Result<Option<&'s Path>, BuildError> {
    let Some(crates) = settings.rust_crates.as_deref() else { return Ok(None) };
    let crates_text = serde_json::Value::from(crates.to_string_lossy()).to_string();
    let text = format!(
        "[source.crates-io]\nreplace-with = \"operator\"\n\n[source.operator]\ndirectory = {crates_text}\n"
    );
    write(folder.path(), ".cargo/config.toml", &text)
        .map_err(|error| io("the sources cannot be written", &error))?;
    Ok(Some(crates))
}

/// A shell as this very user, told nothing of its environment.
fn unconfined(toolchain: &Toolchain, folder: &Path) -> Command {
    let mut command = Command::new("/bin/sh");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", toolchain.sysroot.join("bin").display());
    command.env_clear().env("PATH", path).env("CARGO_HOME", &toolchain.cargo_home);
    command.env("HOME", folder).env("CARGO_TARGET_DIR", folder.join("target")).current_dir(folder);
    command
}

async fn judge(
    ended: Result<Ended, Broken>,
    settings: &Settings,
    folder: &Path,
) -> Result<Built, BuildError> {
    let ended = match ended {
        Ok(ended) => ended,
        Err(Broken::Time) => {
            let hint = "let build scripts and macros do less";
            return Err(over_limit("rustTime", settings.rust_time, hint));
        }
        Err(Broken::Output) => {
            return Err(refuse(
                "BUILD_LIMIT",
                "the compiler said more than is read",
                "let build scripts print less",
            ));
        }
        Err(Broken::Io(error)) => return Err(io("the compiler cannot be run", &error)),
    };
    let messages = Messages::read(&ended.output);
    if !ended.status.success() {
        if messages.errors.is_empty() && ended.said.contains("memory allocation of") {
            let hint = "let build scripts and macros keep less";
            return Err(over_limit("rustMemoryBytes", settings.rust_memory_bytes, hint));
        }
        return Err(failed(messages.errors, complaint(&ended.said)));
    }
    let Some(artifact) = messages.component else {
        let message = "Cargo.toml builds no component";
        return Err(bad(message, "give it a package, and in `[lib]` say `crate-type = [\"cdylib\"]`"));
    };
    let component = component(settings, folder, &confined::outside(folder, &artifact)).await?;
    Ok(Built { component, warnings: messages.warnings })
}

/// What Cargo says of what went wrong, without what it compiled before.
fn complaint(said: &str) -> &str {
    let begins = said.find("\nerror").map_or(0, |at| at + 1);
    said.get(begins..).unwrap_or(said).trim()
}

async fn component(settings: &Settings, folder: &Path, path: &Path) -> Result<Vec<u8>, BuildError> {
    let unreadable = |error: std::io::Error| io("the component cannot be read", &error);
    // What Cargo prints, a build script can print too, and it can leave links.
    let (path, folder) =
        (path.canonicalize().map_err(unreadable)?, folder.canonicalize().map_err(unreadable)?);
    if !path.starts_with(folder) {
        return Err(bad(
            "the component lies outside of the build's folder",
            "let build scripts print nothing of Cargo's",
        ));
    }
    let size = tokio::fs::metadata(&path).await.map_err(unreadable)?.len();
    if size > settings.component_bytes {
        return Err(over_limit("componentBytes", settings.component_bytes, "make the plugin smaller"));
    }
    tokio::fs::read(path).await.map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_told_without_what_went_well() {
        let said =
            "   Compiling a v1\nwarning: b\nerror: no matching package named `x` found\nrequired by c\n";
        assert_eq!(complaint(said), "error: no matching package named `x` found\nrequired by c");
        assert_eq!(complaint("killed"), "killed");
    }
}
