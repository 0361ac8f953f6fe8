//! The registry's folder: the bytes of every version, what was found out about them, and the index.
//!
//! `<digest>.wasm`, `<digest>.json`, `index.json`. Every file is written whole (see `disk`), and the index
//! last, so that what it names is there.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use orgata_model::Digest;

use super::index::Index;
use crate::describe::{FORMAT, Metadata};
use crate::disk;

/// The folder.
pub(super) struct Blobs {
    folder: PathBuf,
}

impl Blobs {
    /// Opens the folder, and makes it where it is not there.
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        disk::private_folder(&folder)?;
        disk::sweep(&folder)?;
        Ok(Self { folder })
    }

    /// The index; empty where there is none yet. A broken one is an error: it must not be taken for empty.
    pub(super) fn index(&self) -> io::Result<Index> {
        match fs::read(self.folder.join("index.json")) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let path = self.folder.join("index.json");
                io::Error::new(io::ErrorKind::InvalidData, format!("{} is broken: {error}", path.display()))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Index::default()),
            Err(error) => Err(error),
        }
    }

    /// Replaces the index.
    pub(super) fn put_index(&self, index: &Index) -> io::Result<()> {
        disk::write_whole(&self.folder.join("index.json"), &serde_json::to_vec_pretty(index)?)
    }

    /// The bytes of a version, if they are here and are what their name says.
    pub(super) fn bytes(&self, digest: Digest) -> Option<Arc<[u8]>> {
        let bytes = fs::read(self.path(digest, "wasm")).ok()?;
        (Digest::of(&bytes) == digest).then(|| bytes.into())
    }

    /// What was found out about a version, if it is here and in today's form.
    pub(super) fn metadata(&self, digest: Digest) -> Option<Metadata> {
        let bytes = fs::read(self.path(digest, "json")).ok()?;
        serde_json::from_slice(&bytes).ok().filter(|metadata: &Metadata| metadata.format == FORMAT)
    }

    /// Keeps a version.
    pub(super) fn put(&self, digest: Digest, bytes: &[u8], metadata: &Metadata) -> io::Result<()> {
        if self.bytes(digest).is_none() {
            disk::write_whole(&self.path(digest, "wasm"), bytes)?;
        }
        disk::write_whole(&self.path(digest, "json"), &serde_json::to_vec(metadata)?)
    }

    /// Forgets a version.
    pub(super) fn remove(&self, digest: Digest) {
        for extension in ["json", "wasm"] {
            // Not being there is what was wanted.
            let _ = fs::remove_file(self.path(digest, extension));
        }
    }

    fn path(&self, digest: Digest, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", digest.hex()))
    }
}
