//! Where the things under test are: the host's binary, the built guests, the example playbooks.
//!
//! `cargo xtask test` builds them and says where. Started otherwise, a test looks beside itself, and says
//! what to do when nothing is there.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Variables that change what the host does: a test does not inherit the developer's own.
const SETTINGS: [&str; 7] = [
    "ORGATA_CA",
    "ORGATA_CONFIG",
    "ORGATA_DATA",
    "ORGATA_IDENTITY",
    "ORGATA_LISTEN",
    "ORGATA_LOG",
    "ORGATA_SERVER",
];

/// The binary that the stories drive.
pub fn orgata() -> PathBuf {
    let named = env::var_os("ORGATA_BIN").map(PathBuf::from);
    let path = named.unwrap_or_else(|| profile().join(format!("orgata{}", env::consts::EXE_SUFFIX)));
    assert!(path.is_file(), "{} is not built: run `cargo xtask test`", path.display());
    path
}

/// The binary as a command in a folder, with nothing set but what the test says.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(orgata());
    command.current_dir(folder).args(arguments);
    for setting in SETTINGS {
        command.env_remove(setting);
    }
    // Failing tests show the log to people.
    command.env("ORGATA_LOG_FORMAT", "text");
    command
}

/// The folder of all built guests.
pub fn guests() -> PathBuf {
    let named = env::var_os("ORGATA_GUESTS").map(PathBuf::from);
    named.unwrap_or_else(|| profile().with_file_name("guests"))
}

/// The repository's example playbooks.
pub fn playbooks() -> PathBuf {
    let own =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    own.with_file_name("playbooks")
}

/// `target/debug`, of the very build that this test is part of: it lies in `target/debug/deps`.
fn profile() -> PathBuf {
    let test = env::current_exe().expect("a test knows its own path");
    test.ancestors().nth(2).map(Path::to_path_buf).expect("a test lies in target/PROFILE/deps")
}
