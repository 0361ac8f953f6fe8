//! A bad disk under a real host: full, read-only or slow, from one moment to the next.
//!
//! A library between the host and the C library (`disk/faults.rs`) refuses or delays what the host writes below its
//! data folder. It is compiled by the compiler that has compiled this test, and needs no rights and no other disk.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/disk/faults.rs");

/// A disk that can be made bad.
#[derive(Debug)]
pub struct FaultyDisk(TempDir);

impl FaultyDisk {
    /// A good disk, for now.
    pub fn new() -> Self {
        let disk = Self(TempDir::with_prefix("orgata-disk-").expect("there is room for temporary files"));
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let built = Command::new(rustc)
            .args(["--edition", "2024", "--crate-type", "cdylib", "--crate-name", "faults", "-O", "-o"])
            .arg(disk.library())
            .arg(SOURCE)
            .output()
            .expect("the compiler of this test can be started");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        disk
    }

    fn library(&self) -> PathBuf {
        self.0.path().join("libfaults.so")
    }

    /// No block is free any more.
    pub fn fill(&self) {
        self.begin("full");
    }

    /// It cannot be written to any more.
    pub fn protect(&self) {
        self.begin("read-only");
    }

    /// Every flush takes 50 ms more.
    pub fn slow_down(&self) {
        self.begin("slow");
    }

    fn begin(&self, what: &str) {
        fs::write(self.0.path().join(what), "").expect("the test owns the folder");
    }

    /// It is good again.
    pub fn mend(&self) {
        for what in ["full", "read-only", "slow"] {
            // Most of them were not there.
            let _ = fs::remove_file(self.0.path().join(what));
        }
    }

    /// What a host in `folder` is started with, for its data to be on this disk.
    pub(crate) fn variables(&self, folder: &Path) -> Vec<(&'static str, PathBuf)> {
        // As the system calls it: temporary folders may lie behind links.
        let folder = folder.canonicalize().expect("the host has a folder").join("data");
        vec![
            ("LD_PRELOAD", self.library()),
            ("ORGATA_TEST_DISK", self.0.path().to_owned()),
            ("ORGATA_TEST_DISK_OF", folder),
        ]
    }
}

impl Default for FaultyDisk {
    fn default() -> Self {
        Self::new()
    }
}
