//! Compiled code on disk, in a folder that nobody else can write.
//!
//! Loading compiled code is running it: wasmtime does not check it. So a file is loaded only from a folder
//! that is ours alone, under a name made of the component's digest and everything that the code depends on.
//! Invariant: nothing that comes from elsewhere (an upload, a watched folder, a backup) is ever loaded here.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use orgata_model::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::disk;

/// The folder of compiled components.
pub(crate) struct Cache {
    folder: PathBuf,
    /// What compiled code depends on besides the component: wasmtime, its settings, the processor.
    compatibility: u64,
}

impl Cache {
    /// Opens the folder, and makes it where it is not there.
    pub(crate) fn open(folder: PathBuf, engine: &Engine) -> io::Result<Self> {
        disk::private_folder(&folder)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { folder, compatibility: hasher.finish() })
    }

    /// The component, when it is here and good.
    pub(crate) fn load(&self, engine: &Engine, digest: Digest) -> Option<Component> {
        let path = self.path(digest);
        if !path.exists() {
            return None;
        }
        let loaded =
            private_file(&path).map_err(wasmtime::Error::from).and_then(|()| deserialize(engine, &path));
        match loaded {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(file = %path.display(), error = %format!("{error:#}"), "cached code is not used");
                None
            }
        }
    }

    /// Keeps compiled code, and loads it.
    pub(crate) fn keep(
        &self,
        engine: &Engine,
        digest: Digest,
        artifact: &[u8],
    ) -> wasmtime::Result<Component> {
        let path = self.path(digest);
        match disk::write_whole(&path, artifact) {
            Ok(()) => deserialize(engine, &path),
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "compiled code cannot be cached");
                deserialize_bytes(engine, artifact)
            }
        }
    }

    /// Forgets a component.
    pub(crate) fn forget(&self, digest: Digest) {
        // Not being there is what was wanted.
        let _ = std::fs::remove_file(self.path(digest));
    }

    /// Forgets what is here of components that are no version of any plugin: drafts of an earlier run of the host.
    pub(crate) fn sweep(&self, is_version: impl Fn(&str) -> bool) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let digest = name.split('.').next().unwrap_or_default();
            if name.ends_with(".cwasm") && !is_version(digest) {
                std::fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(format!("{}.{:016x}.cwasm", digest.hex(), self.compatibility))
    }
}

/// Refuses a file that somebody else owns or could have written.
fn private_file(path: &Path) -> io::Result<()> {
    let metadata = std::fs::symlink_metadata(path)?;
    let ours = metadata.uid() == disk::our_user() && metadata.is_file() && metadata.mode() & 0o022 == 0;
    if ours { Ok(()) } else { Err(io::Error::other("the file is not ours alone")) }
}

#[expect(unsafe_code, reason = "loading compiled code; only from the private folder, after the checks above")]
fn deserialize(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the folder is 0700 and ours, the file is ours and writable by nobody else, and only
    // `Cache::keep` writes there, with what our own compiler gave.
    unsafe { Component::deserialize_file(engine, path) }
}

#[expect(unsafe_code, reason = "loading code that our own compiler gave a moment ago")]
fn deserialize_bytes(engine: &Engine, artifact: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: as above; the bytes have not left this process and its compiling child.
    unsafe { Component::deserialize(engine, artifact) }
}
