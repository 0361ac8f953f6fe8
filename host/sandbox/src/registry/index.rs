//! What the registry remembers across restarts: which versions there are, where each stands, and which files
//! of watched folders have been taken in.
//!
//! One JSON file, replaced whole. What a plugin *is* (names, schemas) is not here but beside its bytes, as
//! it is derived from them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use orgata_engine::ports::{PluginState, Source};
use orgata_model::{Digest, PluginName};
use serde::{Deserialize, Serialize};

/// The registry's memory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Index {
    /// Every version that is known.
    pub(super) versions: BTreeMap<Digest, Entry>,
    /// The digest that each file of a watched folder had when it was last taken in.
    pub(super) files: BTreeMap<PathBuf, Digest>,
    /// Counts up with every version that becomes current.
    turn: u64,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) name: PluginName,
    pub(super) state: State,
    pub(super) loaded_at: Timestamp,
    pub(super) source: Origin,
    /// The turn at which it became current last: the order for rollback.
    turn: u64,
}

/// Where a version stands; the words on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Current,
    Earlier,
    Retired,
}

/// Where a version came from; the words on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Origin {
    File(PathBuf),
    Upload(String),
}

impl From<State> for PluginState {
    fn from(state: State) -> Self {
        match state {
            State::Current => Self::Current,
            State::Earlier => Self::Earlier,
            State::Retired => Self::Retired,
        }
    }
}

impl From<&Source> for Origin {
    fn from(source: &Source) -> Self {
        match source {
            Source::File(path) => Self::File(path.clone()),
            Source::Upload { by } => Self::Upload(by.clone()),
        }
    }
}

impl From<&Origin> for Source {
    fn from(origin: &Origin) -> Self {
        match origin {
            Origin::File(path) => Self::File(path.clone()),
            Origin::Upload(by) => Self::Upload { by: by.clone() },
        }
    }
}

impl Index {
    /// The current version of a plugin.
    #[cfg(test)]
    pub(super) fn current(&self, name: &PluginName) -> Option<Digest> {
        let current = |(_, entry): &(&Digest, &Entry)| entry.name == *name && entry.state == State::Current;
        self.versions.iter().find(current).map(|(digest, _)| *digest)
    }

    /// Makes a version current; the one that was becomes an earlier one.
    pub(super) fn publish(&mut self, digest: Digest, name: &PluginName, source: &Source, now: Timestamp) {
        self.step_back(name);
        self.turn += 1;
        let turn = self.turn;
        let entry = self.versions.entry(digest).or_insert_with(|| Entry {
            name: name.clone(),
            state: State::Current,
            loaded_at: now,
            source: source.into(),
            turn,
        });
        entry.state = State::Current;
        entry.source = source.into();
        entry.turn = turn;
    }

    /// Makes a known version current again.
    pub(super) fn restore(&mut self, digest: Digest) {
        let Some(name) = self.versions.get(&digest).map(|entry| entry.name.clone()) else { return };
        self.step_back(&name);
        self.turn += 1;
        if let Some(entry) = self.versions.get_mut(&digest) {
            entry.state = State::Current;
            entry.turn = self.turn;
        }
    }

    fn step_back(&mut self, name: &PluginName) {
        for entry in self.versions.values_mut() {
            if entry.name == *name && entry.state == State::Current {
                entry.state = State::Earlier;
            }
        }
    }

    /// The version that was current before the present one.
    pub(super) fn before(&self, name: &PluginName) -> Option<Digest> {
        let earlier = self.versions.iter().filter(|(_, e)| e.name == *name && e.state == State::Earlier);
        earlier.max_by_key(|(_, entry)| entry.turn).map(|(digest, _)| *digest)
    }

    /// Versions of which neither a current plugin, nor a rollback over `keep` versions, nor `pinned` has need.
    pub(super) fn useless(&self, keep: usize, pinned: impl Fn(Digest) -> bool) -> Vec<Digest> {
        let mut by_name: BTreeMap<&PluginName, Vec<(u64, Digest)>> = BTreeMap::new();
        for (digest, entry) in self.versions.iter().filter(|(_, entry)| entry.state != State::Current) {
            by_name.entry(&entry.name).or_default().push((entry.turn, *digest));
        }
        let mut useless = Vec::new();
        for mut versions in by_name.into_values() {
            versions.sort_unstable_by(|a, b| b.cmp(a));
            useless.extend(versions.into_iter().skip(keep).map(|(_, digest)| digest).filter(|d| !pinned(*d)));
        }
        useless
    }

    /// The files of a folder that were taken in.
    pub(super) fn files_in(&self, folder: &Path) -> BTreeMap<PathBuf, Digest> {
        let inside = self.files.iter().filter(|(path, _)| path.parent() == Some(folder));
        inside.map(|(path, digest)| (path.clone(), *digest)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload() -> Source {
        Source::Upload { by: "ann".to_owned() }
    }

    fn with(versions: u8) -> (Index, PluginName, Vec<Digest>) {
        let mut index = Index::default();
        let name: PluginName = "kitchen".parse().unwrap();
        let digests: Vec<_> = (0..versions).map(|n| Digest::of(&[n])).collect();
        for digest in &digests {
            index.publish(*digest, &name, &upload(), Timestamp::UNIX_EPOCH);
        }
        (index, name, digests)
    }

    #[test]
    fn one_version_of_a_name_is_current() {
        let (index, name, digests) = with(3);
        assert_eq!(index.current(&name), Some(digests[2]));
        assert_eq!(index.before(&name), Some(digests[1]));
        assert_eq!(index.versions.values().filter(|entry| entry.state == State::Current).count(), 1);
    }

    #[test]
    fn a_rollback_can_be_undone_by_another() {
        let (mut index, name, digests) = with(2);
        index.restore(digests[0]);
        assert_eq!((index.current(&name), index.before(&name)), (Some(digests[0]), Some(digests[1])));
        index.restore(digests[1]);
        assert_eq!(index.current(&name), Some(digests[1]));
    }

    #[test]
    fn what_nobody_needs_is_told() {
        let (index, _, digests) = with(5);
        assert_eq!(index.useless(4, |_| false), []);
        assert_eq!(index.useless(1, |_| false), [digests[2], digests[1], digests[0]]);
        assert_eq!(index.useless(1, |digest| digest == digests[1]), [digests[2], digests[0]]);
    }

    #[test]
    fn it_survives_being_written() {
        let (index, ..) = with(3);
        let written = serde_json::to_string(&index).unwrap();
        assert_eq!(serde_json::from_str::<Index>(&written).unwrap(), index);
    }
}
