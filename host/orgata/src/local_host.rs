//! Where the running host of a data folder is found.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The file in the data folder that names the address of the host that runs on it.
const FILE: &str = "address";

/// Says where the host is, until dropped.
pub(crate) struct Announcement(PathBuf);

impl Announcement {
    /// Writes the address into the data folder.
    pub(crate) fn new(data: &Path, url: &str) -> anyhow::Result<Self> {
        let file = data.join(FILE);
        // Like everything in the data folder, it is nobody else's business.
        let mut options = OpenOptions::new();
        let opened = options.write(true).create(true).truncate(true).mode(0o600).open(&file);
        let written = opened.and_then(|mut opened| opened.write_all(url.as_bytes()));
        written.with_context(|| format!("{} cannot be written", file.display()))?;
        Ok(Self(file))
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // A file that stays behind names a host that does not answer, and clients say so.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The address that the data folder names, whether or not a host answers there.
pub(crate) fn announced(data: &Path) -> Option<String> {
    let text = std::fs::read_to_string(data.join(FILE)).ok()?;
    Some(text.trim().to_owned()).filter(|url| !url.is_empty())
}
