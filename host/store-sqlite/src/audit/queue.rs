//! Lines on their way to the writer.
//!
//! Adding one takes a lock for a moment and waits for nobody. There is a bound, for a disk may be full for hours: near it
//! refusals and failures are counted instead, by whose they are; at it, admissions are refused, and so is what they would
//! let in. Admissions need far more room than they ever take while the disk works: each is followed by work that waits
//! for the writer.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use orgata_engine::access::{AuditRecord, AuditVerdict};
use orgata_engine::ports::StoreError;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a line waits for something else to be written.
const AGE: Duration = Duration::from_millis(50);
/// How long after a commit that failed the next one is tried, if nobody else wants anything written.
const PATIENCE: Duration = Duration::from_secs(1);
/// Lines that are not on disk yet, before others than admissions are counted instead of kept.
const MOST: usize = 8 * 1024;
/// The same, before admissions are refused.
const MOST_ADMISSIONS: usize = 64 * 1024;
/// Principals whose lines are counted apart; those of more are counted together.
const MOST_COUNTED: usize = 64;
/// The name under which these are.
const OTHERS: &str = "(others)";

/// The queue. Shared by everyone and the writer.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    inside: Mutex<Inside>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Inside {
    lines: Vec<AuditRecord>,
    /// Taken by the writer, and not on disk yet.
    taken: usize,
    /// By whose they would be: how many had no room, and when the last came.
    left_out: BTreeMap<(String, &'static str), (u64, Timestamp)>,
    /// When the writer should write them, if nothing else is written before.
    due: Option<Instant>,
}

impl Queue {
    /// Adds a line, or counts it.
    pub(crate) fn add(&self, record: AuditRecord) -> Result<(), StoreError> {
        let mut inside = self.lock();
        let waiting = inside.lines.len() + inside.taken;
        if waiting >= MOST && !record.is_admission() {
            inside.count(record);
        } else if waiting >= MOST_ADMISSIONS {
            let message =
                format!("{waiting} lines of the audit wait to be written: nothing is let in without one");
            return Err(StoreError::Unavailable(message));
        } else {
            inside.lines.push(record);
        }
        if inside.due.is_none() {
            inside.due = Some(Instant::now() + AGE);
            drop(inside);
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Whether any line waits to be written.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().due.is_none()
    }

    /// Waits until lines have waited for long enough.
    pub(crate) async fn due(&self) {
        loop {
            let due = self.lock().due;
            match due {
                Some(due) => return tokio::time::sleep_until(due).await,
                None => self.arrived.notified().await,
            }
        }
    }

    /// Takes all of them; those that had no room are told in a line for each whose they were.
    pub(crate) fn take(&self) -> Vec<AuditRecord> {
        let mut inside = self.lock();
        let mut lines = std::mem::take(&mut inside.lines);
        lines.extend(std::mem::take(&mut inside.left_out).into_iter().map(left_out));
        inside.taken += lines.len();
        lines
    }

    /// What was taken is on disk.
    pub(crate) fn written(&self) {
        let mut inside = self.lock();
        inside.taken = 0;
        let more = !inside.lines.is_empty() || !inside.left_out.is_empty();
        inside.due = more.then(|| Instant::now() + AGE);
    }

    /// What was taken, if anything, could not be written: it is tried again.
    pub(crate) fn put_off(&self) {
        let mut inside = self.lock();
        if inside.due.is_some() {
            inside.due = Some(Instant::now() + PATIENCE);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn count(&mut self, record: AuditRecord) {
        let mut whose = (record.principal, record.kind);
        if self.left_out.len() >= MOST_COUNTED && !self.left_out.contains_key(&whose) {
            whose = (OTHERS.to_owned(), "user");
        }
        let (count, last) = self.left_out.entry(whose).or_insert((0, record.at));
        *count += 1;
        *last = record.at;
    }
}

fn left_out(((principal, kind), (count, at)): ((String, &'static str), (u64, Timestamp))) -> AuditRecord {
    AuditRecord {
        at,
        principal,
        kind,
        address: None,
        request: None,
        action: AuditRecord::LEFT_OUT,
        subject: String::new(),
        verdict: AuditVerdict::LeftOut(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(principal: &str, verdict: AuditVerdict) -> AuditRecord {
        AuditRecord {
            principal: principal.to_owned(),
            kind: "user",
            verdict,
            ..left_out(((String::new(), "user"), (0, Timestamp::UNIX_EPOCH)))
        }
    }

    #[test]
    fn a_flood_of_refusals_is_counted_and_takes_no_room_from_admissions() {
        let queue = Queue::default();
        for _ in 0..MOST + 7 {
            queue.add(line("mallory", AuditVerdict::Denied("no".into()))).unwrap();
        }
        queue.add(line("ada", AuditVerdict::Admitted)).unwrap();
        let lines = queue.take();
        assert_eq!(lines.len(), MOST + 2);
        assert!(lines.iter().any(|line| line.principal == "ada"));
        let last = lines.last().unwrap();
        assert_eq!((last.principal.as_str(), &last.verdict), ("mallory", &AuditVerdict::LeftOut(7)));
    }

    #[test]
    fn an_admission_that_cannot_be_kept_is_refused_until_the_disk_works_again() {
        let queue = Queue::default();
        for _ in 0..MOST_ADMISSIONS {
            queue.add(line("ada", AuditVerdict::Admitted)).unwrap();
        }
        assert!(queue.add(line("ada", AuditVerdict::Admitted)).is_err());
        // What the writer holds takes the same room.
        let _held = queue.take();
        assert!(queue.add(line("ada", AuditVerdict::Admitted)).is_err());
        queue.written();
        queue.add(line("ada", AuditVerdict::Admitted)).unwrap();
    }

    #[test]
    fn names_that_are_made_up_fill_no_table() {
        let queue = Queue::default();
        for number in 0..MOST + 1000 {
            queue.add(line(&format!("bot-{number}"), AuditVerdict::Denied("no".into()))).unwrap();
        }
        let lines = queue.take();
        assert_eq!(lines.len(), MOST + MOST_COUNTED + 1);
        let missing: u64 = lines
            .iter()
            .filter_map(|line| match line.verdict {
                AuditVerdict::LeftOut(count) => Some(count),
                _ => None,
            })
            .sum();
        assert_eq!(missing, 1000);
    }
}
