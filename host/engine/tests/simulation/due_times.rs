//! What must hold of a schedule: each due time is started once, or left out as its rules say, whatever crashes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orgata_engine::ports::ScheduleMark;
use orgata_model::ExecutionId;
use orgata_model::execution::{Event, Fact};
use orgata_model::playbook::{Missed, Overlap, Schedule};

use crate::playbooks::TIMELY;
use crate::support::TestHost;

/// A due time that is noticed within this is not missed.
const ON_TIME: Duration = Duration::from_secs(60);

/// A schedule, and what became of its due times.
pub(crate) struct DueTimes {
    schedule: Schedule,
    /// How far they have been dealt with, and which wait for earlier runs.
    mark: Option<ScheduleMark>,
    started: BTreeMap<Timestamp, ExecutionId>,
    /// Runs that have not ended.
    at_work: BTreeSet<ExecutionId>,
    /// Some run was at work since the mark moved last.
    was_at_work: bool,
    /// Runs that somebody let go on, forked or brought back: the schedule is not asked about them.
    by_others: BTreeSet<ExecutionId>,
}

impl DueTimes {
    pub(crate) fn of(schedule: &Schedule) -> Self {
        Self {
            schedule: schedule.clone(),
            mark: None,
            started: BTreeMap::new(),
            at_work: BTreeSet::new(),
            was_at_work: false,
            by_others: BTreeSet::new(),
        }
    }

    /// Something was added to a history.
    pub(crate) fn see(&mut self, id: ExecutionId, events: &[Arc<Event>], ended: bool, imported: bool) {
        let Some(first) = events.first() else { return };
        if let Fact::ExecutionStarted { playbook, labels, fork, .. } = &first.fact
            && playbook.name.as_str() == TIMELY
        {
            match labels.get("scheduledFor").filter(|_| fork.is_none() && !imported) {
                Some(due) => self.starts(id, due.parse().unwrap()),
                None => drop(self.by_others.insert(id)),
            }
            self.at_work.insert(id);
        }
        if matches!(first.fact, Fact::ExecutionRetried { .. }) && self.started.values().any(|run| *run == id)
        {
            self.by_others.insert(id);
            self.at_work.insert(id);
        }
        self.was_at_work |= self.at_work.contains(&id);
        if ended {
            self.at_work.remove(&id);
        }
    }

    fn starts(&mut self, id: ExecutionId, due: Timestamp) {
        let before = self.started.insert(due, id);
        assert!(before.is_none(), "{due} is started as {id}, and was as {before:?}");
        if self.schedule.overlap != Overlap::Allow {
            let beside: Vec<_> = self.at_work.difference(&self.by_others).collect();
            assert!(beside.is_empty(), "{due} is started as {id} beside {beside:?}");
        }
    }

    /// The schedule has been dealt with up to here. `latest`: no clock has shown a later time.
    pub(crate) fn moved(&mut self, mark: &ScheduleMark, latest: Timestamp) {
        if let Some(before) = self.mark.take() {
            for due in before.queued.iter().filter(|due| !mark.queued.contains(due)) {
                assert!(self.started.contains_key(due), "{due} was queued, and is lost");
            }
            let mut due = self.schedule.next_after(before.seen);
            while let Some(at) = due.filter(|at| *at <= mark.seen) {
                let dealt = self.started.contains_key(&at) || mark.queued.contains(&at);
                assert!(dealt || self.may_leave_out(at, mark.seen, latest), "{at} is left out");
                due = self.schedule.next_after(at);
            }
        }
        self.mark = Some(mark.clone());
        self.was_at_work = !self.at_work.is_empty();
    }

    /// Whether the rules say so of a due time, of which this was the last when it was noticed.
    fn may_leave_out(&self, due: Timestamp, last: Timestamp, latest: Timestamp) -> bool {
        let late = Duration::try_from(latest.duration_since(due)).is_ok_and(|late| late >= ON_TIME);
        let missed = match self.schedule.missed {
            Missed::All => false,
            Missed::Once => due != last,
            Missed::Skip => due != last || late,
        };
        missed || (self.schedule.overlap == Overlap::Skip && self.was_at_work)
    }

    /// Whether everything that was due has been dealt with.
    pub(crate) fn is_up_to_date(&self, host: &TestHost) -> bool {
        let next = self.mark.as_ref().and_then(|mark| self.schedule.next_after(mark.seen));
        next.is_some_and(|next| next > host.clock.time())
    }
}
