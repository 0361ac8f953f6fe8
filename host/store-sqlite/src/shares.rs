//! Which appends share a transaction.
//!
//! While one runtime writes alone, a batch takes all that waits: the larger it is, the fewer the flushes. Where several
//! write, one with much to write would have the others wait for its rows: those of the batch at work, and those of the
//! next. So batches are small then, and take from each runtime in turn.
//!
//! How small depends on the disk. Where most of a commit is the flush, small batches would only mean more of them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use orgata_model::RuntimeId;

use crate::append::Encoded;
use crate::writer::{Job, Reply};

/// A batch ends at this many appends …
pub(crate) const MOST_APPENDS: usize = 512;
/// … or this many bytes: what is in a transaction must fit the page cache.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// The smallest that a batch may have to be: a statement takes a power of two, and fewer rows hardly take less time.
const FEWEST: usize = 8;
/// How long after another runtime wrote something it still counts.
const LATELY: Duration = Duration::from_secs(1);
/// Batches that take less are soon done, ones that take more had better be larger.
const SHORT: Duration = Duration::from_micros(500);
const LONG: Duration = Duration::from_millis(2);

/// An append that waits for its commit.
pub(crate) struct Waiting {
    pub(crate) append: Box<Encoded>,
    pub(crate) reply: Reply<()>,
}

/// Who has written lately, and how large batches are where that are several.
pub(crate) struct Shares {
    last: Option<RuntimeId>,
    /// When an append was of another runtime than the one before it.
    changed: Option<Instant>,
    room: usize,
}

impl Shares {
    pub(crate) fn new() -> Self {
        Self { last: None, changed: None, room: FEWEST }
    }

    /// Appends that the next batch has room for.
    pub(crate) fn room(&self) -> usize {
        let several = self.changed.is_some_and(|at| at.elapsed() < LATELY);
        if several { self.room } else { MOST_APPENDS }
    }

    /// An append has come.
    pub(crate) fn note(&mut self, append: &Encoded) {
        if self.last.as_ref() == Some(&append.runtime) {
            return;
        }
        if self.last.replace(append.runtime.clone()).is_some() {
            self.changed = Some(Instant::now());
        }
    }

    /// A batch of so many took so long.
    pub(crate) fn learn(&mut self, appends: usize, took: Duration) {
        if took > LONG && appends >= self.room {
            self.room = (self.room * 2).min(MOST_APPENDS);
        } else if took < SHORT {
            self.room = (self.room / 2).max(FEWEST);
        }
    }

    /// Takes the next batch from the appends that stand first. The rest keeps its order, and so do the appends of each
    /// execution: two of one never share a batch.
    pub(crate) fn take(&self, ahead: &mut VecDeque<Job>) -> Vec<Waiting> {
        let others = ahead.iter().position(|job| !matches!(job, Job::Append(..))).unwrap_or(ahead.len());
        let room = self.room();
        let chosen = if others <= room { all(others) } else { in_turns(ahead, others, room) };
        let mut batch = Vec::with_capacity(chosen.len().min(room));
        let mut left = Vec::new();
        let mut executions = HashSet::new();
        let mut bytes = 0;
        for (chosen, job) in chosen.into_iter().zip(ahead.drain(..others)) {
            match job {
                Job::Append(append, reply)
                    if executions.insert(append.execution) && chosen && bytes < MOST_BYTES =>
                {
                    bytes += append.bytes();
                    batch.push(Waiting { append, reply });
                }
                job => left.push(job),
            }
        }
        for job in left.into_iter().rev() {
            ahead.push_front(job);
        }
        batch
    }
}

fn all(count: usize) -> Vec<bool> {
    vec![true; count]
}

/// Which of the first `count`, if each runtime has a place in turn until there is no more `room`.
fn in_turns(ahead: &VecDeque<Job>, count: usize, room: usize) -> Vec<bool> {
    let mut seen: HashMap<&RuntimeId, usize> = HashMap::new();
    let ranks = ahead.iter().take(count).map(|job| match job {
        Job::Append(append, _) => {
            let rank = seen.entry(&append.runtime).or_default();
            *rank += 1;
            *rank
        }
        _ => usize::MAX,
    });
    let mut order: Vec<_> = ranks.enumerate().collect();
    order.sort_by_key(|&(_, rank)| rank);
    let mut chosen = vec![false; count];
    for (at, _) in order.into_iter().take(room) {
        if let Some(chosen) = chosen.get_mut(at) {
            *chosen = true;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::samples::whole;

    fn job(runtime: &str, number: u128) -> Job {
        let mut append = whole(number);
        append.summary.runtime = runtime.parse().unwrap();
        Job::Append(Box::new(Encoded::new(append).unwrap()), oneshot::channel().0)
    }

    fn told<'a>(runtime: &'a str, shares: &mut Shares, ahead: &mut VecDeque<Job>, count: u128) -> &'a str {
        for number in 0..count {
            let job = job(runtime, ahead.len() as u128 * 1000 + number);
            if let Job::Append(append, _) = &job {
                shares.note(append);
            }
            ahead.push_back(job);
        }
        runtime
    }

    fn count(batch: &[Waiting], runtime: &str) -> usize {
        batch.iter().filter(|waiting| waiting.append.runtime.as_str() == runtime).count()
    }

    #[test]
    fn who_writes_alone_has_the_whole_batch() {
        let (mut shares, mut ahead) = (Shares::new(), VecDeque::new());
        told("noisy", &mut shares, &mut ahead, 100);
        assert_eq!(shares.take(&mut ahead).len(), 100);
        assert!(ahead.is_empty());
    }

    #[test]
    fn beside_others_each_has_its_turn_in_a_small_batch() {
        let (mut shares, mut ahead) = (Shares::new(), VecDeque::new());
        let noisy = told("noisy", &mut shares, &mut ahead, 40);
        let light = told("light", &mut shares, &mut ahead, 2);
        let batch = shares.take(&mut ahead);
        assert_eq!((count(&batch, noisy), count(&batch, light)), (FEWEST - 2, 2));
        assert_eq!(shares.take(&mut ahead).len(), FEWEST);
        assert_eq!(ahead.len(), 42 - 2 * FEWEST);
    }

    #[test]
    fn appends_of_one_execution_keep_their_order_in_batches_of_their_own() {
        let (shares, mut ahead) = (Shares::new(), VecDeque::new());
        ahead.extend([job("town", 1), job("town", 1), job("town", 2), Job::Fold, job("town", 3)]);
        assert_eq!(shares.take(&mut ahead).len(), 2);
        assert_eq!(shares.take(&mut ahead).len(), 1);
        assert!(matches!(ahead.pop_front(), Some(Job::Fold)), "what is no append keeps its place");
        assert_eq!(shares.take(&mut ahead).len(), 1);
    }

    #[test]
    fn batches_grow_where_the_disk_is_slow() {
        let mut shares = Shares::new();
        shares.learn(FEWEST, LONG * 2);
        assert_eq!(shares.room, FEWEST * 2);
        shares.learn(1, LONG * 2);
        assert_eq!(shares.room, FEWEST * 2, "it was not full: more room would not have helped");
        shares.learn(FEWEST * 2, SHORT / 2);
        assert_eq!(shares.room, FEWEST);
    }
}
