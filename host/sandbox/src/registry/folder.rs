//! A folder of plugin files, and what is known of it.
//!
//! Every look compares the folder with the last: new and changed files are loaded once they have stopped
//! growing for a moment, however soon one look follows another; plugins whose files are gone are retired. A
//! file that was taken in before, in this or an earlier run of the host, is told by its digest and changes
//! nothing: what an operator has done since (rolled back, retired, uploaded something newer) stands.
//!
//! A plugin's name belongs to one file at a time. Of two files that claim one, the newcomer is refused until
//! the other is gone.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use orgata_engine::ports::{LoadError, Source};
use orgata_model::operation::Plugin;
use orgata_model::{Digest, PluginName};

use super::Registry;
use super::watch::{FileReport, SETTLING};
use crate::refusal::{Refusal as _, io as io_refusal, refuse};

/// A folder.
pub(super) struct Folder {
    path: PathBuf,
    files: BTreeMap<PathBuf, Seen>,
    /// Versions that have lost their file. They wait while another file settles: it may be the same renamed.
    orphans: Vec<(PathBuf, Owned)>,
    /// Looks since the folder was last at rest.
    restless: u32,
}

/// Looks that orphans wait for at most: a file that grows for ever must not keep another one's plugin alive.
const PATIENCE: u32 = 20;

/// What is known of a file.
#[derive(Debug)]
struct Seen {
    stamp: Stamp,
    /// Since when it has been like that; nothing where that is long ago.
    since: Option<Instant>,
    /// Whether what `stamp` stands for was dealt with.
    settled: bool,
    /// The version that is loaded from this file; it stays when the file turns bad.
    owned: Option<Owned>,
    /// The code of the last refusal.
    refused: Option<&'static str>,
}

/// A version, and the name that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Owned {
    name: PluginName,
    digest: Digest,
}

/// What changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: (i64, i64),
    file: (u64, u64),
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        Ok(Self {
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            file: (metadata.dev(), metadata.ino()),
        })
    }
}

impl Folder {
    /// A folder of which the registry may know files from before.
    pub(super) fn new(path: PathBuf, registry: &Registry) -> Self {
        let known = registry.files_in(&path).into_iter().map(|(file, name, digest)| {
            let stamp = Stamp { size: 0, modified: (0, 0), file: (0, 0) };
            let owned = Some(Owned { name, digest });
            (file, Seen { stamp, since: None, settled: false, owned, refused: None })
        });
        let files = known.collect();
        Self { path, files, orphans: Vec::new(), restless: 0 }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks until nothing is growing any more, and tells of every file.
    pub(super) async fn first_look(&mut self, registry: &Registry) -> io::Result<Vec<FileReport>> {
        // Files that have been lying there need not be looked at twice.
        let old = registry.now().as_second().saturating_sub(2);
        for path in present(&self.path)? {
            if let Ok(stamp) = Stamp::of(&path)
                && stamp.modified.0 < old
            {
                self.notice(path, stamp, None);
            }
        }
        let mut reports = BTreeMap::new();
        while self.look_and_tell(registry, &mut reports).await? {
            tokio::time::sleep(SETTLING).await;
        }
        Ok(reports.into_iter().map(|(path, outcome)| FileReport { path, outcome }).collect())
    }

    /// Compares the folder with what is known. True when something in it is still growing.
    pub(super) async fn look(&mut self, registry: &Registry) -> io::Result<bool> {
        self.look_and_tell(registry, &mut BTreeMap::new()).await
    }

    async fn look_and_tell(
        &mut self,
        registry: &Registry,
        reports: &mut BTreeMap<PathBuf, Result<Arc<Plugin>, LoadError>>,
    ) -> io::Result<bool> {
        let present = present(&self.path)?;
        self.forget_missing(&present);
        let mut growing = false;
        for path in present {
            match self.ready(&path, !self.orphans.is_empty()) {
                Ready::Yes => {}
                Ready::No => continue,
                Ready::Soon => {
                    growing = true;
                    continue;
                }
            }
            let before = self.files.get(&path).and_then(|seen| seen.owned.clone());
            let Some(outcome) = self.take_in(registry, &path).await.transpose() else {
                self.ready(&path, false);
                growing = true;
                continue;
            };
            self.settle(registry, &path, &outcome);
            let now = self.files.get(&path).and_then(|seen| seen.owned.clone());
            let renamed = before.filter(|before| now.is_none_or(|now| now.name != before.name));
            self.orphans.extend(renamed.map(|before| (path.clone(), before)));
            reports.insert(path, outcome.map(|(plugin, _)| plugin));
        }
        self.restless = if growing { self.restless + 1 } else { 0 };
        if !growing || self.restless > PATIENCE {
            for (path, owned) in std::mem::take(&mut self.orphans) {
                self.let_go(registry, &path, &owned).await;
            }
        }
        Ok(growing)
    }

    /// Forgets files that are gone; the versions that they leave behind are orphans.
    fn forget_missing(&mut self, present: &[PathBuf]) {
        let gone: Vec<_> = self.files.keys().filter(|path| !present.contains(path)).cloned().collect();
        for path in gone {
            let owned = self.files.remove(&path).and_then(|seen| seen.owned);
            self.orphans.extend(owned.map(|owned| (path, owned)));
        }
    }

    /// Whether a file is to be read now. `room` says that a name may have become free.
    fn ready(&mut self, path: &Path, room: bool) -> Ready {
        let Ok(stamp) = Stamp::of(path) else { return Ready::No };
        match self.files.get(path) {
            Some(seen) if seen.stamp != stamp => {
                self.notice(path.to_owned(), stamp, Some(Instant::now()));
                Ready::Soon
            }
            None => {
                self.notice(path.to_owned(), stamp, Some(Instant::now()));
                Ready::Soon
            }
            // An event may bring two looks so close together that whoever writes has written nothing between.
            Some(Seen { settled: false, since: Some(since), .. }) if since.elapsed() < SETTLING => {
                Ready::Soon
            }
            Some(seen) if !seen.settled => Ready::Yes,
            Some(seen) => match seen.refused {
                Some("NAME_CLASH") if room => Ready::Yes,
                Some("BUSY" | "IO") => Ready::Yes,
                _ => Ready::No,
            },
        }
    }

    fn notice(&mut self, path: PathBuf, stamp: Stamp, since: Option<Instant>) {
        let before = self.files.remove(&path);
        let owned = before.and_then(|seen| seen.owned);
        self.files.insert(path, Seen { stamp, since, settled: false, owned, refused: None });
    }

    /// Reads and loads a file. The digest beside the plugin is the file's. Nothing when it was written meanwhile.
    async fn take_in(
        &self,
        registry: &Registry,
        path: &Path,
    ) -> Result<Option<(Arc<Plugin>, Digest)>, LoadError> {
        let source = Source::File(path.to_owned());
        let Some(bytes) = read(registry, path).await.map_err(|error| error.of(&source))? else {
            return Ok(None);
        };
        let digest = Digest::of(&bytes);
        if let Some(plugin) = registry.taken_in_before(path, digest) {
            return Ok(Some((plugin, digest)));
        }
        if let Some(plugin) =
            registry.same_elsewhere(path, digest).await.map_err(|error| error.of(&source))?
        {
            return Ok(Some((plugin, digest)));
        }
        let prepared = registry.prepare(&bytes, &source).await.map_err(|error| error.of(&source))?;
        let name = &prepared.version.plugin.name;
        if let Some(other) = self.other_owner(path, name, digest) {
            return Err(clash(name, path, other));
        }
        let plugin = registry.publish(&bytes, prepared, &source).await.map_err(|error| error.of(&source))?;
        Ok(Some((plugin, digest)))
    }

    /// Another file that holds this name with another version.
    fn other_owner(&self, path: &Path, name: &PluginName, digest: Digest) -> Option<&Path> {
        let holds = |seen: &Seen| {
            seen.owned.as_ref().is_some_and(|owned| owned.name == *name && owned.digest != digest)
        };
        self.files
            .iter()
            .find(|(other, seen)| *other != path && holds(seen))
            .map(|(other, _)| other.as_path())
    }

    fn settle(
        &mut self,
        registry: &Registry,
        path: &Path,
        outcome: &Result<(Arc<Plugin>, Digest), LoadError>,
    ) {
        let Some(seen) = self.files.get_mut(path) else { return };
        match outcome {
            Ok((plugin, digest)) => {
                seen.owned = Some(Owned { name: plugin.name.clone(), digest: *digest });
                seen.refused = None;
            }
            Err(error) => {
                // Told once, however often it is tried again.
                if seen.refused != Some(error.code) {
                    registry.announce_refusal(&Source::File(path.to_owned()), error);
                }
                seen.refused = Some(error.code);
            }
        }
        seen.settled = true;
    }

    /// A version has lost its file: it retires, unless another file holds the same or it is not current.
    async fn let_go(&self, registry: &Registry, path: &Path, owned: &Owned) {
        let elsewhere = self.files.values().any(|seen| seen.owned.as_ref() == Some(owned));
        let path = (!self.files.contains_key(path)).then_some(path);
        if let Err(error) = registry.lost_file(path, owned.digest, !elsewhere).await {
            tracing::error!(plugin = %owned.name, error = %error, causes = ?error.causes, "a plugin without its file cannot be retired");
        }
    }
}

/// Whether a file is to be read.
enum Ready {
    Yes,
    No,
    /// Once it has stopped growing.
    Soon,
}

/// The `.wasm` files of a folder, in order. Hidden ones are how many tools write before they rename.
fn present(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.extension().is_some_and(|extension| extension == "wasm") && !hidden {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Reads a file that is not too large to read at all. Nothing when it changed meanwhile.
async fn read(registry: &Registry, path: &Path) -> Result<Option<Arc<[u8]>>, LoadError> {
    let unreadable = |error: &io::Error| io_refusal("it cannot be read", error);
    let before = Stamp::of(path).map_err(|error| unreadable(&error))?;
    registry.workshop.check_size(before.size)?;
    let bytes = tokio::fs::read(path).await.map_err(|error| unreadable(&error))?;
    let after = Stamp::of(path).map_err(|error| unreadable(&error))?;
    Ok((before == after).then(|| bytes.into()))
}

fn clash(name: &PluginName, path: &Path, other: &Path) -> LoadError {
    let message = format!(
        "{}: it is a plugin named {name}, and so is {}, which was there before",
        path.display(),
        other.display()
    );
    refuse("NAME_CLASH", message, "remove one of the two files, or give one of the plugins another name")
}
