//! Queues that take turns.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Queues that take turns; those that are empty are not kept.
pub(super) struct Rota<K, Q> {
    turns: VecDeque<K>,
    queues: HashMap<K, Q>,
}

impl<K, Q> Default for Rota<K, Q> {
    fn default() -> Self {
        Self { turns: VecDeque::new(), queues: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash, Q: Default> Rota<K, Q> {
    pub(super) fn entry(&mut self, key: K) -> &mut Q {
        let turns = &mut self.turns;
        self.queues.entry(key).or_insert_with_key(|key| {
            turns.push_back(key.clone());
            Q::default()
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// What `take` gives of the queue whose turn it is; it also says whether the queue is empty then.
    pub(super) fn next<T>(&mut self, take: impl FnOnce(&mut Q) -> (Option<T>, bool)) -> Option<T> {
        let key = self.turns.pop_front()?;
        let (taken, empty) = self.queues.get_mut(&key).map_or((None, true), take);
        if empty {
            self.queues.remove(&key);
        } else {
            self.turns.push_back(key);
        }
        taken
    }
}
