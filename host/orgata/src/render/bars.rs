//! An execution's steps as bars over its time, as its history tells.

use std::time::Duration;

use dialoguer::console::{Alignment, Term, measure_text_width, pad_str};
use jiff::Timestamp;
use owo_colors::OwoColorize as _;
use serde_json::{Value, json};

use super::amount;
use crate::wire::Parts as _;

/// Where nobody says how wide the terminal is.
const WIDTH: usize = 100;
/// Widest name that is shown whole.
const MAX_NAME: usize = 32;
/// Room for the time that a step took.
const TIME: usize = 10;

/// What a step did for some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It was at work.
    Work,
    /// It waited: for time, an event, or its next attempt.
    Wait,
    /// It waited for a person.
    Person,
    /// Steps inside of it had their turn.
    Around,
    /// It was being undone.
    Undo,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Work, Self::Wait, Self::Person, Self::Around, Self::Undo];

    const fn word(self) -> &'static str {
        match self {
            Self::Work => "at work",
            Self::Wait => "waiting",
            Self::Person => "waiting for a person",
            Self::Around => "around others",
            Self::Undo => "being undone",
        }
    }

    const fn mark(self) -> char {
        match self {
            Self::Work => '█',
            Self::Wait => '·',
            Self::Person => '?',
            Self::Around => '─',
            Self::Undo => '▒',
        }
    }
}

#[derive(Debug)]
struct Span {
    kind: Kind,
    from: Timestamp,
    /// None while it goes on.
    to: Option<Timestamp>,
}

#[derive(Debug)]
struct Row {
    step: String,
    spans: Vec<Span>,
}

/// The bars of one execution.
#[derive(Debug)]
pub(crate) struct Bars {
    rows: Vec<Row>,
    from: Timestamp,
    to: Timestamp,
}

impl Bars {
    /// Reads a whole history.
    pub(crate) fn of(events: &[Value]) -> Self {
        let times = || events.iter().filter_map(at);
        let from = times().next().unwrap_or_default();
        let mut bars = Self { rows: Vec::new(), from, to: times().next_back().unwrap_or(from) };
        for event in events {
            bars.read(event);
        }
        bars
    }

    fn read(&mut self, event: &Value) {
        let Some(now) = at(event) else { return };
        let kind = event.word("type").unwrap_or_default();
        let Some(step) = event.word("step").or_else(|| event.part("intervention").word("step")) else {
            if kind.starts_with("execution_") && !matches!(kind, "execution_paused" | "execution_resumed") {
                self.rows.iter_mut().for_each(|row| close(row, now));
            }
            return;
        };
        let begins = match kind {
            "step_started" | "step_resumed" | "child_started" => Some(Kind::Work),
            "step_waiting" | "step_retry_scheduled" | "step_compensation_retry_scheduled" => Some(Kind::Wait),
            "intervention_required" => Some(Kind::Person),
            "step_entered" | "loop_started" => Some(Kind::Around),
            "step_compensation_started" => Some(Kind::Undo),
            "step_completed"
            | "step_failed"
            | "step_skipped"
            | "step_interrupted"
            | "step_compensated"
            | "step_compensation_failed"
            | "intervention_resolved"
            | "intervention_expired"
            | "intervention_withdrawn" => None,
            _ => return,
        };
        let at = self.rows.iter().position(|row| row.step == step);
        let row = match at.and_then(|at| self.rows.get_mut(at)) {
            Some(row) => row,
            // What was skipped took no time, and stands in the table of steps.
            None if begins.is_none() => return,
            None => {
                self.rows.push(Row { step: step.to_owned(), spans: Vec::new() });
                let Some(row) = self.rows.last_mut() else { return };
                row
            }
        };
        close(row, now);
        row.spans.extend(begins.map(|kind| Span { kind, from: now, to: None }));
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let span = |span: &Span| json!({ "what": span.kind.word(), "from": span.from, "to": span.to });
        let row =
            |row: &Row| json!({ "step": row.step, "spans": row.spans.iter().map(span).collect::<Vec<_>>() });
        self.rows.iter().map(row).collect()
    }

    /// For people.
    pub(crate) fn print(&self) {
        let out = Term::stdout();
        let width = if out.is_term() { usize::from(out.size().1) } else { WIDTH };
        let name =
            self.rows.iter().map(|row| measure_text_width(&row.step)).max().unwrap_or(0).clamp(4, MAX_NAME);
        let room = width.saturating_sub(name + TIME + 6).max(10);
        for row in &self.rows {
            let step = pad_str(&row.step, name, Alignment::Left, Some("…"));
            let time = pad_str(&amount::time(self.took(row)), TIME, Alignment::Right, None).into_owned();
            anstream::println!("{step}  {}  {time}{}", painted(&self.bar(row, room)), open(row));
        }
        let whole = amount::time(self.to.duration_since(self.from).unsigned_abs());
        let used = |kind: &&Kind| self.rows.iter().flat_map(|row| &row.spans).any(|span| span.kind == **kind);
        let legend: Vec<String> =
            Kind::ALL.iter().filter(used).map(|kind| format!("{} {}", kind.mark(), kind.word())).collect();
        anstream::println!("{}", format!("{whole} in all; {}", legend.join(", ")).dimmed());
    }

    /// One character for each part of the execution's time: what the step did in it.
    fn bar(&self, row: &Row, room: usize) -> Vec<Option<Kind>> {
        let mut bar = vec![None; room];
        let whole = self.to.duration_since(self.from).as_secs_f64().max(1e-9);
        let place = |at: Timestamp| at.duration_since(self.from).as_secs_f64() / whole * room as f64;
        for span in &row.spans {
            let first = (place(span.from) as usize).min(room - 1);
            let last = (place(span.to.unwrap_or(self.to)).ceil() as usize).clamp(first + 1, room);
            bar.iter_mut().take(last).skip(first).for_each(|cell| *cell = Some(span.kind));
        }
        bar
    }

    fn took(&self, row: &Row) -> Duration {
        let span = |span: &Span| span.to.unwrap_or(self.to).duration_since(span.from).unsigned_abs();
        row.spans.iter().map(span).sum()
    }
}

fn close(row: &mut Row, now: Timestamp) {
    if let Some(span) = row.spans.last_mut() {
        span.to.get_or_insert(now);
    }
}

/// Said of steps that are not over.
fn open(row: &Row) -> String {
    let last = row.spans.last().filter(|span| span.to.is_none());
    last.map_or_else(String::new, |span| format!("  {}", span.kind.word()))
}

fn painted(bar: &[Option<Kind>]) -> String {
    let cell = |kind: &Option<Kind>| match kind {
        None => " ".to_owned(),
        Some(kind @ Kind::Work) => kind.mark().green().to_string(),
        Some(kind @ Kind::Person) => kind.mark().yellow().to_string(),
        Some(kind @ Kind::Undo) => kind.mark().red().to_string(),
        Some(kind) => kind.mark().dimmed().to_string(),
    };
    bar.iter().map(cell).collect()
}

fn at(event: &Value) -> Option<Timestamp> {
    event.word("at")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(second: u32, kind: &str, step: &str) -> Value {
        json!({ "type": kind, "step": step, "at": format!("2026-01-01T00:00:{second:02}Z") })
    }

    #[test]
    fn a_bar_says_what_its_step_did_and_when() {
        let mut history = vec![json!({ "type": "execution_started", "at": "2026-01-01T00:00:00Z" })];
        history.extend([
            event(0, "step_started", "a"),
            event(2, "step_retry_scheduled", "a"),
            event(4, "step_started", "a"),
            event(5, "step_completed", "a"),
            event(5, "intervention_required", "b"),
            event(9, "intervention_resolved", "b"),
            event(9, "step_skipped", "c"),
        ]);
        history.push(json!({ "type": "execution_completed", "at": "2026-01-01T00:00:10Z" }));
        let bars = Bars::of(&history);
        let drawn = |row: &Row| -> String {
            bars.bar(row, 10).into_iter().map(|kind| kind.map_or(' ', Kind::mark)).collect()
        };
        let rows: Vec<_> = bars.rows.iter().map(|row| (row.step.as_str(), drawn(row))).collect();
        assert_eq!(rows, [("a", "██··█     ".to_owned()), ("b", "     ???? ".to_owned())]);
        assert_eq!(bars.took(&bars.rows[0]), Duration::from_secs(5));
        assert_eq!(bars.json()[1]["spans"][0]["to"], "2026-01-01T00:00:09Z");
    }

    #[test]
    fn what_is_not_over_reaches_to_the_last_event() {
        let history = [event(0, "step_waiting", "a"), event(4, "step_started", "b")];
        let bars = Bars::of(&history);
        assert_eq!(bars.bar(&bars.rows[0], 4), [Some(Kind::Wait); 4]);
        assert_eq!(open(&bars.rows[0]), "  waiting");
    }

    #[test]
    fn no_history_is_no_bars() {
        assert!(Bars::of(&[]).rows.is_empty());
    }
}
