//! Built guests, and folders that a host loads plugins from.

use std::fs;
use std::path::{Path, PathBuf};

use crate::binary;

/// The component of this name (`kitchen`, `counter-3`, `odd-bad-names`).
pub fn guest(name: &str) -> PathBuf {
    built(name).unwrap_or_else(|| {
        panic!("no guest {name}.wasm in {}: run `cargo xtask plugins`", binary::guests().display())
    })
}

/// The same where it may be absent: guests in JavaScript are built only where Node is installed.
pub fn built(name: &str) -> Option<PathBuf> {
    let path = binary::guests().join(format!("{name}.wasm"));
    path.is_file().then_some(path)
}

/// A host's plugin folder.
#[derive(Debug, Clone)]
pub struct PluginFolder(PathBuf);

impl PluginFolder {
    /// The folder at this path, which is made if needed.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        fs::create_dir_all(&path).expect("the test owns the folder");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Puts a built guest there as `FILE.wasm`, in one step: new or in place of what was there.
    pub fn put(&self, file: &str, built_guest: &str) {
        let bytes = fs::read(guest(built_guest)).expect("a built guest can be read");
        self.put_bytes(file, &bytes);
    }

    /// Puts any bytes there as `FILE.wasm`, in one step.
    pub fn put_bytes(&self, file: &str, bytes: &[u8]) {
        let partial = self.0.join(format!("{file}.partial"));
        fs::write(&partial, bytes).expect("the test owns the folder");
        fs::rename(&partial, self.file(file)).expect("the test owns the folder");
    }

    /// Copies a built guest over `FILE.wasm` as `cp` does: the file that is there is emptied and written.
    pub fn copy_over(&self, file: &str, built_guest: &str) {
        fs::copy(guest(built_guest), self.file(file)).expect("the test owns the folder");
    }

    /// Writes a built guest there in two halves. `between` runs when only the first is there.
    pub fn put_in_halves(&self, file: &str, built_guest: &str, between: impl FnOnce()) {
        let bytes = fs::read(guest(built_guest)).expect("a built guest can be read");
        fs::write(self.file(file), &bytes[..bytes.len() / 2]).expect("the test owns the folder");
        between();
        fs::write(self.file(file), &bytes).expect("the test owns the folder");
    }

    /// Takes `FILE.wasm` away.
    pub fn remove(&self, file: &str) {
        fs::remove_file(self.file(file)).expect("the file is there");
    }

    fn file(&self, file: &str) -> PathBuf {
        self.0.join(format!("{file}.wasm"))
    }
}
