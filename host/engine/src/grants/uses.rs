//! What a plugin really reached in a runtime since the host started: for whoever decides what it should be granted.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::wants::Want;

/// Things that are counted apart; those of more are counted together.
const DISTINCT: usize = 200;
/// The name under which these are.
const OTHERS: &str = "(others)";

/// Something that a plugin reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// What kind of thing.
    pub kind: Want,
    /// Which: a server, a secret.
    pub name: String,
    /// How often.
    pub count: u64,
    /// When last.
    pub last: Timestamp,
}

/// All of it, of one plugin in one runtime.
#[derive(Debug, Default)]
pub(crate) struct Uses(Mutex<BTreeMap<(Want, String), (u64, Timestamp)>>);

impl Uses {
    pub(super) fn add(&self, want: Want, what: &str, now: Timestamp) {
        let mut uses = self.lock();
        let mut key = (want, what.to_owned());
        if uses.len() >= DISTINCT && !uses.contains_key(&key) {
            key.1 = OTHERS.to_owned();
        }
        let (count, last) = uses.entry(key).or_insert((0, now));
        *count += 1;
        *last = now;
    }

    pub(super) fn all(&self) -> Vec<Use> {
        let uses = self.lock();
        let one = |((kind, name), (count, last)): (&(Want, String), &(u64, Timestamp))| Use {
            kind: *kind,
            name: name.clone(),
            count: *count,
            last: *last,
        };
        uses.iter().map(one).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Want, String), (u64, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reached_is_counted_and_names_without_end_take_no_room_without_end() {
        let uses = Uses::default();
        let now = Timestamp::UNIX_EPOCH;
        uses.add(Want::Kv, "state", now);
        uses.add(Want::Kv, "state", now);
        for number in 0..DISTINCT + 50 {
            uses.add(Want::Network, &format!("host-{number}:443"), now);
        }
        let all = uses.all();
        assert_eq!(all.len(), DISTINCT + 1);
        let count = |name: &str| all.iter().find(|one| one.name == name).unwrap().count;
        assert_eq!((count("state"), count(OTHERS)), (2, 51));
    }
}
