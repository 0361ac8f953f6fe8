//! Where things are.
//!
//! All paths are absolute, so that a task works from any folder of the checkout.

use std::env;
use std::path::{Path, PathBuf};

/// The folder of the root `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    // Cargo sets the variable for `cargo run`; the built-in value serves a binary that is started by hand.
    let own =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    own.parent().map_or_else(|| own.clone(), Path::to_path_buf)
}

/// Cargo's target folder for the host workspace.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        // A relative one is relative to where the caller stands, as cargo itself reads it.
        Some(dir) => std::path::absolute(&dir).unwrap_or_else(|_| dir.into()),
        None => root().join("target"),
    }
}

/// Shippable plugins: what the demo and `orgata.yaml` load.
pub(crate) fn plugins() -> PathBuf {
    target().join("plugins")
}

/// Every guest, shippable or not: what the tests load.
pub(crate) fn guests() -> PathBuf {
    target().join("guests")
}

/// The host's binary, unoptimised.
pub(crate) fn debug_binary() -> PathBuf {
    target().join("debug").join(format!("orgata{}", env::consts::EXE_SUFFIX))
}

/// The host's binary, optimised.
pub(crate) fn release_binary() -> PathBuf {
    target().join("release").join(format!("orgata{}", env::consts::EXE_SUFFIX))
}

/// `path` as people write it: from the root, where it lies below it.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
