//! What starts a playbook by itself, and how many executions of it may be at work.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::playbook::file::{At, ConcurrencyFile, OnEventFile, ScheduleFile};
use crate::playbook::schedule::zone;
use crate::playbook::{Concurrency, OnEvent, Schedule};
use crate::schema::Schema;

use super::Check;

/// Most executions with the same key that can be allowed.
const MAX_AT_WORK: usize = 1_000;

impl Check {
    /// `schedule`; `takes` is the playbook's input schema.
    pub(super) fn schedule(&mut self, at: At<ScheduleFile>, takes: Option<&Schema>) -> Option<Schedule> {
        let ScheduleFile { cron, timezone, overlap, missed, input } = at.value;
        let named = match timezone {
            Some(name) => self.take(name.place, "schedule.timezone", zone(&name.value)),
            None => Some((TimeZone::UTC, "UTC".to_owned())),
        };
        // A wrong zone does not hide a wrong cron.
        let (place, wrong_zone) = (cron.place, named.is_none());
        let (tz, name) = named.unwrap_or_else(|| (TimeZone::UTC, "UTC".to_owned()));
        let times = self.take(place, "schedule.cron", Schedule::times(&cron.value, tz, &name));
        let given = input.as_ref().map_or(at.place, |input| input.place);
        let input = input.map_or_else(|| serde_json::Value::Object(serde_json::Map::new()), |at| at.value);
        if let Some(Err(violations)) = takes.map(|takes| takes.check(&input)) {
            let wrong: Vec<String> = violations.into_iter().map(|violation| violation.message).collect();
            let message = format!("the playbook does not take what its schedule gives: {}", wrong.join("; "));
            let hint = "write `schedule: { input: … }` so that it fits the playbook's `input`";
            self.tell(given, "schedule.input", message, hint);
        }
        let times = times.filter(|_| !wrong_zone)?;
        Some(Schedule { overlap, missed, input: Arc::new(input), ..times })
    }

    /// `onEvent`: nothing but the event is there yet.
    pub(super) fn on_event(&mut self, at: At<OnEventFile>) -> Option<OnEvent> {
        let OnEventFile { event, matches, input } = at.value;
        self.only = Some(&[]);
        let matches = self.event_matches(&event, matches.as_ref(), "onEvent");
        self.event = true;
        let input = input.map(|input| self.template(&input, "onEvent.input"));
        self.event = false;
        self.only = None;
        // It reads no steps.
        self.readers.clear();
        let input = match input {
            Some(None) => return None,
            input => input.flatten(),
        };
        Some(OnEvent { event: event.value, matches: matches?, input })
    }

    /// `concurrency`: its key is computed before the execution begins.
    pub(super) fn concurrency(&mut self, at: At<ConcurrencyFile>) -> Option<Concurrency> {
        let ConcurrencyFile { key, max, strategy } = at.value;
        let count = max.as_ref().map_or(1, |max| max.value);
        if let Some(max) = max
            && !(1..=MAX_AT_WORK).contains(&count)
        {
            let message = format!("`max` is 1 to {MAX_AT_WORK}");
            self.tell(max.place, "concurrency.max", message, "1 is one after the other");
        }
        self.only = Some(&["input"]);
        let key = key.map(|key| self.template(&key, "concurrency.key"));
        self.only = None;
        // It reads no steps.
        self.readers.clear();
        let key = match key {
            Some(None) => return None,
            key => key.flatten(),
        };
        Some(Concurrency { key, max: count, strategy })
    }
}
