//! What a guest logs and prints, kept up to a cap.
//!
//! Lines over the cap are counted, not kept, and are no failure: a chatty guest still does its work.
//! Control characters are escaped, so that a line can neither forge another nor paint a terminal.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orgata_engine::ports::{LogLevel, LogLine};
use orgata_model::text::{cut, escaped};
use serde_json::Value;

use crate::given::Given;
use crate::settings::Settings;

/// Longest part of one line that is kept, in bytes.
const MAX_LINE: usize = 8 * 1024;

/// Last bytes of standard error kept to explain a trap, whatever the cap on lines.
const MAX_TAIL: usize = 2 * 1024;

/// The log of an instance's present call. Cheap to clone: streams that the guest holds write to the same.
#[derive(Debug, Clone)]
pub(crate) struct Log(Arc<Mutex<Buffer>>);

#[derive(Debug)]
struct Buffer {
    lines: Vec<LogLine>,
    dropped: u64,
    lines_left: usize,
    bytes_left: usize,
    printed: [Vec<u8>; 2],
    tail: String,
    /// What must not be told.
    given: Arc<Given>,
}

/// Which of the two printing streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Printed {
    Out,
    Err,
}

/// What a call left in the log.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) lines: Vec<LogLine>,
    pub(crate) dropped: u64,
    /// The last that was printed to standard error: a panic's message.
    pub(crate) tail: String,
}

impl Log {
    pub(crate) fn new(settings: &Settings, given: Arc<Given>) -> Self {
        Self(Arc::new(Mutex::new(Buffer {
            lines: Vec::new(),
            dropped: 0,
            lines_left: settings.log_lines,
            bytes_left: settings.log_bytes.as_usize(),
            printed: [Vec::new(), Vec::new()],
            tail: String::new(),
            given,
        })))
    }

    /// Adds a line.
    pub(crate) fn write(&self, level: LogLevel, message: &str, fields: Option<&str>) {
        self.lock().write(level, message, fields);
    }

    /// Adds printed bytes; whole lines become lines of the log.
    pub(crate) fn print(&self, to: Printed, bytes: &[u8]) {
        self.lock().print(to, bytes);
    }

    /// Takes what the call left and begins anew.
    pub(crate) fn take(&self, settings: &Settings) -> Kept {
        let mut buffer = self.lock();
        buffer.flush(Printed::Out);
        buffer.flush(Printed::Err);
        buffer.lines_left = settings.log_lines;
        buffer.bytes_left = settings.log_bytes.as_usize();
        Kept {
            lines: std::mem::take(&mut buffer.lines),
            dropped: std::mem::take(&mut buffer.dropped),
            tail: {
                let tail = std::mem::take(&mut buffer.tail);
                buffer.given.redacted(&tail)
            },
        }
    }

    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buffer {
    fn write(&mut self, level: LogLevel, message: &str, fields: Option<&str>) {
        let size = message.len().min(MAX_LINE) + fields.map_or(0, str::len);
        if self.lines_left == 0 || size > self.bytes_left {
            self.dropped += 1;
            return;
        }
        self.lines_left -= 1;
        self.bytes_left -= size;
        let (fields, beside) = match fields.map(serde_json::from_str::<Value>) {
            None => (None, ""),
            Some(Ok(mut fields @ Value::Object(_))) => {
                self.given.redact(&mut fields);
                (Some(fields), "")
            }
            Some(_) => (None, " (its fields are no JSON object)"),
        };
        let message = escaped(cut(&self.given.redacted(message), MAX_LINE)) + beside;
        self.lines.push(LogLine { level, message, fields });
    }

    fn print(&mut self, to: Printed, bytes: &[u8]) {
        if to == Printed::Err {
            self.remember(bytes);
        }
        let mut pieces = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            let line = self.line(to);
            // What is over the longest line is lost here already: a guest that never ends its line must
            // not fill the host's memory.
            let room = MAX_LINE.saturating_sub(line.len());
            line.extend(piece.iter().take(room));
            if pieces.peek().is_some() {
                self.flush(to);
            }
        }
    }

    fn flush(&mut self, from: Printed) {
        let mut line = std::mem::take(self.line(from));
        if !line.is_empty() {
            let level = if from == Printed::Err { LogLevel::Warn } else { LogLevel::Info };
            self.write(level, &String::from_utf8_lossy(&line), None);
            line.clear();
        }
        *self.line(from) = line;
    }

    fn line(&mut self, of: Printed) -> &mut Vec<u8> {
        let [out, err] = &mut self.printed;
        match of {
            Printed::Out => out,
            Printed::Err => err,
        }
    }

    fn remember(&mut self, bytes: &[u8]) {
        let from = bytes.len().saturating_sub(MAX_TAIL);
        self.tail.push_str(&String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()));
        if self.tail.len() > 2 * MAX_TAIL {
            let from = (self.tail.len() - MAX_TAIL..).find(|at| self.tail.is_char_boundary(*at));
            self.tail.drain(..from.unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::size::Size;

    fn log(lines: usize, bytes: u64) -> (Log, Settings) {
        let settings = Settings { log_lines: lines, log_bytes: Size::bytes(bytes), ..Settings::default() };
        (Log::new(&settings, Arc::default()), settings)
    }

    #[test]
    fn what_is_over_the_cap_is_counted() {
        let (log, settings) = log(3, 1000);
        for _ in 0..10 {
            log.write(LogLevel::Info, "hello", None);
        }
        let kept = log.take(&settings);
        assert_eq!((kept.lines.len(), kept.dropped), (3, 7));
        log.write(LogLevel::Info, "the next call has its own", None);
        assert_eq!(log.take(&settings).lines.len(), 1);
    }

    #[test]
    fn a_line_that_never_ends_is_cut() {
        let (log, settings) = log(10, 100_000);
        for _ in 0..1000 {
            log.print(Printed::Out, &[b'x'; 4096]);
        }
        let kept = log.take(&settings);
        assert_eq!(kept.lines[0].message.len(), MAX_LINE);
    }

    #[test]
    fn printed_pieces_become_lines_and_cannot_paint() {
        let (log, settings) = log(10, 1000);
        log.print(Printed::Out, b"one \x1b[31mred");
        log.print(Printed::Out, b"\ntwo\n\nthree");
        log.print(Printed::Err, b"panicked\n");
        let kept = log.take(&settings);
        let messages: Vec<_> = kept.lines.iter().map(|line| line.message.as_str()).collect();
        assert_eq!(messages, ["one \\u{1b}[31mred", "two", "panicked", "three"]);
        assert_eq!(kept.tail, "panicked\n");
    }

    #[test]
    fn the_tail_of_a_flood_is_kept() {
        let (log, settings) = log(0, 0);
        for n in 0..10_000 {
            log.print(Printed::Err, format!("line {n} ü\n").as_bytes());
        }
        let kept = log.take(&settings);
        assert!(kept.tail.ends_with("line 9999 ü\n"));
        assert!(kept.tail.len() <= 2 * MAX_TAIL);
        assert!(kept.lines.is_empty());
    }
}
