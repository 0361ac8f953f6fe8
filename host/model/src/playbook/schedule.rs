//! When a playbook starts by itself.
//!
//! A [`Schedule`] says which times it is due at; it looks at no clock. Not here: whether a run is started, and what
//! became of it (the engine's scheduler).

use std::sync::Arc;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::expression::Mistake;

/// A time that schedules are tried from when a playbook is read: any would do.
const SOME_TIME: Timestamp = Timestamp::constant(1_704_067_200, 0);

/// When a playbook starts by itself, and with what.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// As its author wrote it.
    pub cron: Arc<str>,
    /// The name of its time zone, such as `Europe/Berlin`.
    pub timezone: Arc<str>,
    /// What becomes of a due time while an earlier run is not over.
    pub overlap: Overlap,
    /// What becomes of due times that came while the host was down.
    pub missed: Missed,
    /// What each run is given.
    pub input: Arc<Value>,
    pub(super) pattern: Cron,
    pub(super) zone: TimeZone,
}

/// What becomes of a due time while an earlier run is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// Nothing starts.
    #[default]
    Skip,
    /// Its run starts when the earlier one is over.
    Queue,
    /// Its run starts beside the earlier one.
    Allow,
}

/// What becomes of due times that came while the host was down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Missed {
    /// Nothing starts for them.
    Skip,
    /// One run starts for all of them.
    #[default]
    Once,
    /// Each gets its run.
    All,
}

impl Schedule {
    /// Compiles the times; how runs follow one another is as usual, and their input an empty object.
    pub(super) fn times(cron: &str, zone: TimeZone, timezone: &str) -> Result<Self, Mistake> {
        let hint = "five fields: minute, hour, day of month, month and day of week, such as 0 8 * * MON-FRI; \
                    or @hourly, @daily, @weekly, @monthly, @yearly";
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let fields = cron.split_whitespace().count();
        let pattern = match (cron.trim().starts_with('@'), fields) {
            (true, 1) | (false, 5) => parser.parse(cron).ok(),
            _ => {
                return Err(Mistake::new(format!("`{cron}` has {fields} fields, and cron has five"), hint));
            }
        };
        let pattern =
            pattern.ok_or_else(|| Mistake::new(format!("`{cron}` is not a cron expression"), hint))?;
        let schedule = Self {
            cron: cron.into(),
            timezone: timezone.into(),
            overlap: Overlap::default(),
            missed: Missed::default(),
            input: Arc::new(Value::Object(serde_json::Map::new())),
            pattern,
            zone,
        };
        if schedule.next_after(SOME_TIME).is_none() {
            let hint = "look at its day and month: 30 2 is a day that no year has";
            return Err(Mistake::new(format!("`{cron}` never comes"), hint));
        }
        Ok(schedule)
    }

    /// The first due time later than this one. A time of day that a change of the clocks leaves out comes with the
    /// first moment after the change; one that comes twice is due once. What is due at every hour or minute goes
    /// by elapsed time.
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        let from = time.to_zoned(self.zone.clone());
        let next = self.pattern.find_next_occurrence(&from, false).ok()?.timestamp();
        // Whatever a calendar may do: a scheduler that is sent back would never end.
        (next > time).then_some(next)
    }

    /// Whether both are due at the same times.
    pub fn is_due_like(&self, other: &Self) -> bool {
        self.cron == other.cron && self.timezone == other.timezone
    }
}

/// A time zone by its name, with the name as it is usually written.
pub(super) fn zone(name: &str) -> Result<(TimeZone, String), Mistake> {
    // The ones that come with the host, so that a schedule means the same on every machine.
    let unknown = || {
        let hint = "such as UTC, Europe/Berlin or America/New_York";
        Mistake::new(format!("there is no time zone `{name}`"), hint)
    };
    let zone = TimeZone::get(name.trim()).map_err(|_| unknown())?;
    let known = zone.iana_name().ok_or_else(unknown)?.to_owned();
    Ok((zone, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(cron: &str, name: &str, from: &str, count: usize) -> Vec<String> {
        let (zone, name) = zone(name).unwrap();
        let schedule = Schedule::times(cron, zone, &name).unwrap();
        let mut at: Timestamp = from.parse().unwrap();
        let mut due = Vec::new();
        for _ in 0..count {
            at = schedule.next_after(at).unwrap();
            due.push(at.to_string());
        }
        due
    }

    #[test]
    fn a_schedule_goes_by_the_clocks_of_its_zone() {
        let found = due("0 8 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", 3);
        assert_eq!(found, ["2026-03-28T07:00:00Z", "2026-03-29T06:00:00Z", "2026-03-30T06:00:00Z"]);
        let found = due("0 8 * * *", "utc", "2026-03-28T12:00:00Z", 1);
        assert_eq!(found, ["2026-03-29T08:00:00Z"]);
    }

    #[test]
    fn a_time_that_is_left_out_comes_after_the_change_and_only_once() {
        // 2:30 does not exist on the 29th: clocks go from 2:00 to 3:00, which is 1:00 UTC.
        let found = due("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2);
        assert_eq!(found, ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    }

    #[test]
    fn a_time_that_comes_twice_is_due_once() {
        // 2:30 is at 0:30 and at 1:30 UTC on the 25th.
        let found = due("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2);
        assert_eq!(found, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    }

    #[test]
    fn what_is_due_every_half_hour_goes_on_through_both_changes() {
        for from in ["2026-03-28T23:45:00Z", "2026-10-24T23:45:00Z"] {
            let found = due("*/30 * * * *", "Europe/Berlin", from, 6);
            let times: Vec<Timestamp> = found.iter().map(|at| at.parse().unwrap()).collect();
            for pair in times.windows(2) {
                assert_eq!(pair[1].as_second() - pair[0].as_second(), 1800, "{found:?}");
            }
        }
    }

    #[test]
    fn a_due_time_is_later_than_any_time_in_the_minute_before() {
        let found = due("*/5 * * * *", "UTC", "2026-03-01T08:04:59.999999Z", 2);
        assert_eq!(found, ["2026-03-01T08:05:00Z", "2026-03-01T08:10:00Z"]);
    }

    #[test]
    fn what_is_no_schedule_is_told() {
        let wrong =
            ["", "8", "0 0 8 * * *", "61 * * * *", "0 8 * *", "@never", "0 0 30 2 *", "* * * * x", "@ 8"];
        for cron in wrong {
            assert!(Schedule::times(cron, TimeZone::UTC, "UTC").is_err(), "{cron}");
        }
        assert!(zone("Europe/Atlantis").is_err() && zone("").is_err());
    }
}
