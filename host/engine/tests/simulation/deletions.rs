//! What must hold of what is deleted: it has ended, somebody wanted it or its time was over, and it comes back by nobody
//! but who brings it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orgata_model::execution::{Event, Fact};
use orgata_model::{Digest, ExecutionId};

/// What was made, and when it ended.
#[derive(Default)]
pub(crate) struct Deletions {
    /// And how long it is kept after its end.
    made: BTreeMap<ExecutionId, Option<Duration>>,
    ended: BTreeMap<ExecutionId, Timestamp>,
}

impl Deletions {
    /// Something was added to a history.
    pub(crate) fn see(
        &mut self,
        retention: impl Fn(Digest) -> Option<Duration>,
        id: ExecutionId,
        events: &[Arc<Event>],
        ended: bool,
        imported: bool,
    ) {
        if let Some(Fact::ExecutionStarted { playbook, .. }) = events.first().map(|event| &event.fact) {
            let before = self.made.insert(id, retention(playbook.digest));
            assert!(before.is_none() || imported, "{id} was deleted, and is made again");
        }
        match events.last().filter(|_| ended) {
            Some(last) => drop(self.ended.insert(id, last.at)),
            None => drop(self.ended.remove(&id)),
        }
    }

    /// These were deleted. `wanted`: somebody asked for it. `latest`: no clock has shown a later time.
    pub(crate) fn gone(&mut self, gone: &[ExecutionId], wanted: &BTreeSet<ExecutionId>, latest: Timestamp) {
        for id in gone {
            let Some(ended) = self.ended.remove(id) else { panic!("{id} is deleted, and has not ended") };
            let over = self.made[id].is_some_and(|kept| ended + kept <= latest);
            assert!(over || wanted.contains(id), "{id} is deleted, ended at {ended}, and nobody wanted it");
        }
    }
}
