//! Components that were built and not loaded yet, by digest.
//!
//! They are kept in memory, a few of them and for a while: a draft is made again in seconds. What is let go of is told, so
//! that what the sandbox keeps of it can go too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use orgata_model::Digest;

/// Most drafts at once.
const MOST: usize = 32;

/// Most bytes of them all.
const MOST_BYTES: usize = 128 << 20;

/// How long a draft is kept after it was last used.
pub(crate) const KEPT: Duration = Duration::from_hours(1);

/// The drafts.
#[derive(Default)]
pub(crate) struct Drafts(Mutex<HashMap<Digest, Draft>>);

struct Draft {
    component: Arc<[u8]>,
    used: Timestamp,
}

impl Drafts {
    /// Keeps a component. Gives those that had to go for it.
    pub(crate) fn keep(&self, digest: Digest, component: Arc<[u8]>, now: Timestamp) -> Vec<Digest> {
        let mut drafts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drafts.insert(digest, Draft { component, used: now });
        let mut gone = Vec::new();
        while let Some(oldest) = too_much(&drafts, digest, now) {
            drafts.remove(&oldest);
            gone.push(oldest);
        }
        gone
    }

    /// A component, if it is kept.
    pub(crate) fn get(&self, digest: Digest, now: Timestamp) -> Option<Arc<[u8]>> {
        let mut drafts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let draft = drafts.get_mut(&digest).filter(|draft| !is_old(draft, now))?;
        draft.used = now;
        Some(Arc::clone(&draft.component))
    }

    /// Lets go of one, because it is loaded now.
    pub(crate) fn forget(&self, digest: Digest) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest);
    }
}

fn is_old(draft: &Draft, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(draft.used)).is_ok_and(|unused| unused >= KEPT)
}

/// The draft that was not used for longest, where there are too many, they are too large, or it is too old. Never the
/// newest.
fn too_much(drafts: &HashMap<Digest, Draft>, newest: Digest, now: Timestamp) -> Option<Digest> {
    let others = drafts.iter().filter(|(digest, _)| **digest != newest);
    let (oldest, draft) = others.min_by_key(|(_, draft)| draft.used)?;
    let bytes: usize = drafts.values().map(|draft| draft.component.len()).sum();
    (drafts.len() > MOST || bytes > MOST_BYTES || is_old(draft, now)).then_some(*oldest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn component(size: usize) -> Arc<[u8]> {
        vec![0; size].into()
    }

    #[test]
    fn the_one_that_was_not_used_for_longest_goes_first() {
        let drafts = Drafts::default();
        let digest = |number: usize| Digest::of(number.to_string().as_bytes());
        for number in 0..MOST {
            assert_eq!(drafts.keep(digest(number), component(1), at(number as i64)), []);
        }
        assert!(drafts.get(digest(0), at(100)).is_some());
        assert_eq!(drafts.keep(digest(MOST), component(1), at(101)), [digest(1)]);
        assert!(drafts.get(digest(0), at(102)).is_some() && drafts.get(digest(1), at(102)).is_none());
    }

    #[test]
    fn large_ones_make_room_for_larger_ones() {
        let drafts = Drafts::default();
        let (first, second) = (Digest::of(b"1"), Digest::of(b"2"));
        drafts.keep(first, component(MOST_BYTES / 2 + 1), at(1));
        assert_eq!(drafts.keep(second, component(MOST_BYTES / 2), at(2)), [first]);
    }

    #[test]
    fn what_nobody_uses_is_gone_after_a_while() {
        let drafts = Drafts::default();
        let (first, second) = (Digest::of(b"1"), Digest::of(b"2"));
        drafts.keep(first, component(1), at(0));
        assert!(drafts.get(first, at(3599)).is_some());
        assert!(drafts.get(first, at(3599 + 3600)).is_none());
        assert_eq!(drafts.keep(second, component(1), at(3599 + 3600)), [first]);
    }
}
