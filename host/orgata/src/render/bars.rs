//! An execution's timeline as bars.

use std::time::Duration;

use dialoguer::console::{Alignment, Term, measure_text_width, pad_str};
use jiff::Timestamp;
use owo_colors::OwoColorize as _;
use serde_json::Value;

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

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.wire() == word)
    }

    /// The host's word for it.
    const fn wire(self) -> &'static str {
        match self {
            Self::Work => "at_work",
            Self::Wait => "waiting",
            Self::Person => "waiting_for_person",
            Self::Around => "around_others",
            Self::Undo => "being_undone",
        }
    }

    fn word(self) -> String {
        self.wire().replace('_', " ")
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
    /// Reads what the host says.
    pub(crate) fn of(timeline: &Value) -> Self {
        let from = time(timeline.part("from")).unwrap_or_default();
        let rows = timeline.part("steps").items().map(Row::of).collect();
        Self { rows, from, to: time(timeline.part("to")).unwrap_or(from) }
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

impl Row {
    fn of(step: &Value) -> Self {
        let name = step.word("step").unwrap_or_default().to_owned();
        Self { step: name, spans: step.part("spans").items().filter_map(Span::of).collect() }
    }
}

impl Span {
    /// Nothing where a newer host says what this one has no mark for.
    fn of(span: &Value) -> Option<Self> {
        let kind = Kind::of(span.word("what")?)?;
        Some(Self { kind, from: time(span.part("from"))?, to: time(span.part("to")) })
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

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(second: u32) -> String {
        format!("2026-01-01T00:00:{second:02}Z")
    }

    fn span(what: &str, from: u32, to: Option<u32>) -> Value {
        json!({ "what": what, "from": at(from), "to": to.map(at) })
    }

    fn bars(to: u32, steps: Value) -> Bars {
        Bars::of(&json!({ "from": at(0), "to": at(to), "steps": steps }))
    }

    #[test]
    fn a_bar_says_what_its_step_did_and_when() {
        let a = [span("at_work", 0, Some(2)), span("waiting", 2, Some(4)), span("at_work", 4, Some(5))];
        let b = [span("waiting_for_person", 5, Some(9)), span("dancing", 9, Some(10))];
        let bars = bars(10, json!([{ "step": "a", "spans": a }, { "step": "b", "spans": b }]));
        let drawn = |row: &Row| -> String {
            bars.bar(row, 10).into_iter().map(|kind| kind.map_or(' ', Kind::mark)).collect()
        };
        let rows: Vec<_> = bars.rows.iter().map(|row| (row.step.as_str(), drawn(row))).collect();
        assert_eq!(rows, [("a", "██··█     ".to_owned()), ("b", "     ???? ".to_owned())]);
        assert_eq!(bars.took(&bars.rows[0]), Duration::from_secs(5));
    }

    #[test]
    fn what_is_not_over_reaches_to_the_last_event() {
        let bars = bars(4, json!([{ "step": "a", "spans": [span("waiting", 0, None)] }]));
        assert_eq!(bars.bar(&bars.rows[0], 4), [Some(Kind::Wait); 4]);
        assert_eq!(open(&bars.rows[0]), "  waiting");
    }

    #[test]
    fn no_timeline_is_no_bars() {
        assert!(Bars::of(&Value::Null).rows.is_empty());
    }
}
