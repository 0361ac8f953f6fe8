//! Cargo inside of bubblewrap: no network, no other processes, and of this machine's files the compiler, the system's
//! libraries and the crates that may be used, all of which can only be read.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use orgata_engine::ports::BuildError;
use tokio::process::Command;

use super::Toolchain;
use crate::refusal::refuse;

const PROGRAM: &str = "bwrap";

/// Where things are inside.
const BUILD: &str = "/build";
const CARGO_HOME: &str = "/cargo";

/// What a linker and its libraries take, where a system has it.
const SYSTEM: [&str; 8] =
    ["/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf"];

/// A shell, in a folder.
pub(super) fn shell(
    toolchain: &Toolchain,
    folder: &Path,
    crates: Option<&Path>,
) -> Result<Command, BuildError> {
    let Some(program) = found(std::env::var_os("PATH").as_deref()) else {
        let message = "plugins in Rust cannot be built here: bubblewrap (`bwrap`) is not installed, and their build \
                       scripts are programs that should not run without it";
        let hint = "write the plugin in JavaScript; or install bubblewrap; or, where everybody who may build is trusted \
                    with this machine, set workshop.rust to unconfined";
        return Err(refuse("NOT_AVAILABLE", message, hint));
    };
    let mut command = Command::new(program);
    command.env_clear().args(["--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]);
    command.args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]);
    for path in SYSTEM {
        command.args(["--ro-bind-try", path, path]);
    }
    let read_only = |command: &mut Command, from: &Path, to: &Path| {
        command.arg("--ro-bind").arg(from).arg(to);
    };
    read_only(&mut command, &toolchain.sysroot, &toolchain.sysroot);
    command.args(["--tmpfs", CARGO_HOME]);
    match crates {
        Some(crates) => read_only(&mut command, crates, crates),
        // Of Cargo's folder the crates alone: passwords of registries lie beside them.
        None => {
            let registry = toolchain.cargo_home.join("registry");
            command.arg("--ro-bind-try").arg(registry).arg(format!("{CARGO_HOME}/registry"));
        }
    }
    command.arg("--bind").arg(folder).args([BUILD, "--chdir", BUILD]);
    let bin = toolchain.sysroot.join("bin");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
    for (name, value) in [
        ("PATH", path.as_str()),
        ("HOME", "/tmp"),
        ("CARGO_HOME", CARGO_HOME),
        ("CARGO_TARGET_DIR", "/build/target"),
    ] {
        command.args(["--setenv", name, value]);
    }
    command.args(["--", "/bin/sh"]);
    Ok(command)
}

/// A path that Cargo told inside, as it is outside.
pub(super) fn outside(folder: &Path, inside: &Path) -> PathBuf {
    inside.strip_prefix(BUILD).map_or_else(|_| inside.to_owned(), |path| folder.join(path))
}

fn found(path: Option<&OsStr>) -> Option<PathBuf> {
    std::env::split_paths(path?).map(|folder| folder.join(PROGRAM)).find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_from_inside_is_found_outside() {
        let folder = Path::new("/tmp/orgata-build-1");
        assert_eq!(outside(folder, Path::new("/build/target/x.wasm")), folder.join("target/x.wasm"));
        assert_eq!(outside(folder, Path::new("/tmp/x.wasm")), Path::new("/tmp/x.wasm"));
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        assert_eq!(found(None), None);
        assert_eq!(found(Some(OsStr::new("/nowhere:/elsewhere"))), None);
    }
}
