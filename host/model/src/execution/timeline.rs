//! What each step of an execution did, and when, as its history tells: spans of work, of waiting, of being undone.

use jiff::Timestamp;

use super::event::Event;
use super::fact::Fact;
use crate::step_path::StepPath;

/// What a step does for some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// It is at work.
    Work,
    /// It waits: for time, an event, or its next attempt.
    Wait,
    /// It waits for a person.
    Person,
    /// Steps inside of it have their turn.
    Around,
    /// It is being undone.
    Undo,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// What it does.
    pub activity: Activity,
    /// Since when.
    pub from: Timestamp,
    /// Until when; none while it goes on.
    pub to: Option<Timestamp>,
}

/// What one step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// Which step.
    pub step: StepPath,
    /// In order; none overlaps another.
    pub spans: Vec<Span>,
}

/// What all steps did: in the order in which they began, without those that were skipped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timeline {
    /// When the first event was recorded.
    pub from: Option<Timestamp>,
    /// When the last was.
    pub to: Option<Timestamp>,
    /// One for each step.
    pub tracks: Vec<Track>,
}

impl Timeline {
    /// Goes on with the next events, in order.
    pub fn read(&mut self, events: &[Event]) {
        for event in events {
            self.from.get_or_insert(event.at);
            self.to = Some(event.at);
            self.take(event);
        }
    }

    fn take(&mut self, event: &Event) {
        if event.fact.is_end() || matches!(event.fact, Fact::ExecutionRetried { .. }) {
            self.tracks.iter_mut().for_each(|track| track.close(event.at));
            return;
        }
        let (Some(step), Some(change)) = (event.fact.step(), change(&event.fact)) else { return };
        let at = self.tracks.iter().rposition(|track| track.step == *step);
        let track = match (at.and_then(|at| self.tracks.get_mut(at)), change) {
            (Some(track), _) => track,
            // What was skipped took no time.
            (None, Change::Ends) => return,
            (None, Change::Begins(_)) => {
                self.tracks.push(Track { step: step.clone(), spans: Vec::new() });
                let Some(track) = self.tracks.last_mut() else { return };
                track
            }
        };
        track.close(event.at);
        if let Change::Begins(activity) = change {
            track.spans.push(Span { activity, from: event.at, to: None });
        }
    }
}

impl Track {
    fn close(&mut self, now: Timestamp) {
        if let Some(span) = self.spans.last_mut() {
            span.to.get_or_insert(now);
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Begins(Activity),
    Ends,
}

/// What a fact changes for its step; nothing where it goes on with what it does.
fn change(fact: &Fact) -> Option<Change> {
    Some(match fact {
        Fact::StepStarted { .. } | Fact::StepResumed { .. } | Fact::ChildStarted { .. } => {
            Change::Begins(Activity::Work)
        }
        Fact::StepWaiting { .. }
        | Fact::StepRetryScheduled { .. }
        | Fact::StepCompensationRetryScheduled { .. } => Change::Begins(Activity::Wait),
        Fact::InterventionRequired { .. } => Change::Begins(Activity::Person),
        Fact::StepEntered { .. } | Fact::LoopStarted { .. } => Change::Begins(Activity::Around),
        Fact::StepCompensationStarted { .. } => Change::Begins(Activity::Undo),
        Fact::StepCompleted { .. }
        | Fact::StepFailed { .. }
        | Fact::StepSkipped { .. }
        | Fact::StepInterrupted { .. }
        | Fact::StepCompensated { .. }
        | Fact::StepCompensationFailed { .. }
        | Fact::InterventionResolved { .. }
        | Fact::InterventionExpired { .. }
        | Fact::InterventionWithdrawn { .. } => Change::Ends,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(second: u32, kind: &str, mut rest: Value) -> Event {
        rest["type"] = json!(kind);
        rest["seq"] = json!(1);
        rest["at"] = json!(format!("2026-01-01T00:00:{second:02}Z"));
        rest["actor"] = json!("engine");
        serde_json::from_value(rest).unwrap()
    }

    fn about(second: u32, kind: &str, step: &str, mut rest: Value) -> Event {
        rest["step"] = json!(step);
        event(second, kind, rest)
    }

    fn started(second: u32, attempt: u32) -> Event {
        about(second, "step_started", "a", json!({ "attempt": attempt, "operation": "x/y", "input": null }))
    }

    type Told = (Activity, i64, Option<i64>);

    fn told(timeline: &Timeline) -> Vec<(String, Vec<Told>)> {
        let second = |at: Timestamp| at.as_second() - timeline.from.unwrap().as_second();
        let span = |span: &Span| (span.activity, second(span.from), span.to.map(second));
        let track = |track: &Track| (track.step.to_string(), track.spans.iter().map(span).collect());
        timeline.tracks.iter().map(track).collect()
    }

    #[test]
    fn a_track_says_what_its_step_did_and_when() {
        let failure = json!({ "kind": "transient", "code": "X", "message": "x" });
        let history = [
            started(0, 1),
            about(
                2,
                "step_retry_scheduled",
                "a",
                json!({ "attempt": 2, "retry_at": "2026-01-01T00:00:04Z", "failure": failure }),
            ),
            started(4, 2),
            about(5, "step_completed", "a", json!({ "result": 1 })),
            about(6, "step_skipped", "c", json!({})),
            event(9, "execution_timed_out", json!({})),
        ];
        let mut timeline = Timeline::default();
        // However it comes in parts.
        history.chunks(2).for_each(|some| timeline.read(some));
        use Activity::{Wait, Work};
        let spans = vec![(Work, 0, Some(2)), (Wait, 2, Some(4)), (Work, 4, Some(5))];
        assert_eq!(told(&timeline), [("a".to_owned(), spans)]);
        assert_eq!(timeline.to.unwrap().to_string(), "2026-01-01T00:00:09Z");
    }

    #[test]
    fn what_is_not_over_has_no_end_until_the_execution_has() {
        let mut timeline = Timeline::default();
        timeline.read(&[started(1, 1)]);
        assert_eq!(told(&timeline), [("a".to_owned(), vec![(Activity::Work, 0, None)])]);
        timeline.read(&[event(7, "execution_timed_out", json!({}))]);
        assert_eq!(told(&timeline), [("a".to_owned(), vec![(Activity::Work, 0, Some(6))])]);
    }
}
