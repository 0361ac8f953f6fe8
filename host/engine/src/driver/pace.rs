//! How often a call's progress is recorded.
//!
//! A report is an event, kept for ever; a guest may report in a loop. So the first reports of a call are recorded
//! as they come, and then the latest one, now and then.

use std::time::Duration;

use jiff::Timestamp;

use crate::ports::Progress;

/// Reports of one call that are recorded as they come.
const AT_ONCE: u32 = 16;
/// Then one in so long.
const EVERY: Duration = Duration::from_millis(250);

pub(super) struct Pace {
    at_once: u32,
    next: Option<Timestamp>,
    held: Option<Progress>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { at_once: AT_ONCE, next: None, held: None }
    }

    /// The report, if it is to be recorded now; otherwise it is held, instead of the one before.
    pub(super) fn admit(&mut self, report: Progress, now: Timestamp) -> Option<Progress> {
        if self.at_once > 0 {
            self.at_once -= 1;
            return Some(report);
        }
        if self.next.is_none_or(|next| next <= now) {
            self.next = Some(now + EVERY);
            self.held = None;
            return Some(report);
        }
        self.held = Some(report);
        None
    }

    /// When a held report is to be recorded.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.held.as_ref().and(self.next)
    }

    /// The held report, if its time has come.
    pub(super) fn held(&mut self, now: Timestamp) -> Option<Progress> {
        self.due().filter(|due| *due <= now)?;
        let held = self.held.take()?;
        self.next = Some(now + EVERY);
        Some(held)
    }

    /// The held report, now that the call has ended.
    pub(super) fn last(&mut self) -> Option<Progress> {
        self.held.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_reports_becomes_a_few_and_the_latest_is_among_them() {
        let begin: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        let report = |n: u32| Progress { fraction: f64::from(n) / 1e6, message: n.to_string() };
        let mut pace = Pace::new();
        let mut recorded: Vec<String> = Vec::new();
        // A thousand a second, for ten seconds.
        for n in 0..10_000 {
            let now = begin + Duration::from_millis(u64::from(n));
            recorded.extend(pace.admit(report(n), now).map(|report| report.message));
        }
        recorded.extend(pace.last().map(|report| report.message));
        assert!(recorded.len() < 16 + 41 + 1, "{}", recorded.len());
        assert_eq!(recorded.last().unwrap(), "9999");
    }

    #[test]
    fn a_held_report_is_recorded_when_its_time_comes() {
        let begin: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        let report = || Progress { fraction: 0.5, message: String::new() };
        let mut pace = Pace::new();
        for _ in 0..=AT_ONCE {
            assert!(pace.admit(report(), begin).is_some());
        }
        assert_eq!(pace.due(), None);
        assert!(pace.admit(report(), begin).is_none());
        assert_eq!(pace.due(), Some(begin + EVERY));
        assert!(pace.held(begin + EVERY).is_some());
        assert_eq!(pace.due(), None);
    }
}
