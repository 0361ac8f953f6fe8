//! The last thing before standard error: whatever somebody sent, it writes no line of the log and moves no cursor.
//!
//! An event is one line, or one line and what is indented below it. What terminals obey, and what turns the order of
//! letters around, is shown by its number instead. Colours are the log's own: those inside of values are replaced
//! before they come here.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// For people; with colours of its own or not.
    Text { colours: bool },
    /// For programs.
    Json,
}

/// A writer that takes one event at a time.
pub(super) struct Tame<W> {
    pub(super) shape: Shape,
    pub(super) to: W,
}

impl<W: io::Write> io::Write for Tame<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        self.to.write_all(tamed(&text, self.shape).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The event, with nothing in it that a reader would obey.
fn tamed(event: &str, shape: Shape) -> Cow<'_, str> {
    let (line, end) = match event.strip_suffix('\n') {
        Some(line) => (line, "\n"),
        None => (event, ""),
    };
    if !line.contains(|letter| is_obeyed(letter, shape)) {
        return Cow::Borrowed(event);
    }
    let mut tamed = String::with_capacity(event.len() + 32);
    for letter in line.chars() {
        // Writing to a text cannot fail.
        let _ = match (letter, shape) {
            ('\n', Shape::Text { .. }) => tamed.write_str("\n    "),
            (letter, Shape::Text { .. }) if is_obeyed(letter, shape) => {
                write!(tamed, "\\u{{{:x}}}", u32::from(letter))
            }
            (letter, Shape::Json) if is_obeyed(letter, shape) => {
                write!(tamed, "\\u{:04x}", u32::from(letter))
            }
            (letter, _) => tamed.write_char(letter),
        };
    }
    tamed.push_str(end);
    Cow::Owned(tamed)
}

fn is_obeyed(letter: char, shape: Shape) -> bool {
    match letter {
        '\t' => false,
        '\u{1b}' => shape != Shape::Text { colours: true },
        letter => orgata_model::text::disturbs(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Shape = Shape::Text { colours: false };

    #[test]
    fn an_ordinary_event_is_left_alone() {
        let event = "INFO a line\twith ünïcode\n";
        assert!(matches!(tamed(event, PLAIN), Cow::Borrowed(same) if same == event));
    }

    #[test]
    fn a_value_makes_no_line_that_looks_like_one_of_the_log() {
        let forged = "WARN x\r\n2026-01-01 INFO forged\u{1b}[2J\u{9b}2J\u{202e}\u{2028}\n";
        let shown = "WARN x\\u{d}\n    2026-01-01 INFO forged\\u{1b}[2J\\u{9b}2J\\u{202e}\\u{2028}\n";
        assert_eq!(tamed(forged, PLAIN), shown);
    }

    #[test]
    fn the_colours_of_the_log_itself_stay() {
        let event = "\u{1b}[32mINFO\u{1b}[0m a\u{7}\n";
        assert_eq!(tamed(event, Shape::Text { colours: true }), "\u{1b}[32mINFO\u{1b}[0m a\\u{7}\n");
    }

    #[test]
    fn json_stays_json_and_one_line() {
        let event = "{\"a\":\"\u{9b}\u{7f}\u{2028}\"}\n";
        let tamed = tamed(event, Shape::Json);
        assert_eq!(tamed, "{\"a\":\"\\u009b\\u007f\\u2028\"}\n");
        let value: serde_json::Value = serde_json::from_str(&tamed).unwrap();
        assert_eq!(value["a"], "\u{9b}\u{7f}\u{2028}");
    }
}
