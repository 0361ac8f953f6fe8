//! An execution as it goes: one line for each thing that happens. The line of a step at work is written
//! over when it ends.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;

use dialoguer::console::{Term, truncate_str};
use jiff::Timestamp;
use owo_colors::OwoColorize as _;
use serde_json::Value;

use super::table::{shortened, text};

/// Writes to standard error, so that standard output has the result alone.
pub(crate) struct Timeline {
    json: bool,
    live: bool,
    /// When the step at work began.
    began: Mutex<Option<Timestamp>>,
}

impl Timeline {
    /// A timeline for people, or one JSON document a line for programs.
    pub(crate) fn new(json: bool) -> Self {
        Self { json, live: std::io::stderr().is_terminal(), began: Mutex::new(None) }
    }

    /// Says what begins.
    pub(crate) fn begin(&self, playbook: &str, runtime: &str, id: &str) {
        if !self.json {
            anstream::eprintln!("{} in {runtime} ({})", playbook.bold(), id.dimmed());
        }
    }

    /// Shows one frame of the event stream.
    pub(crate) fn event(&self, frame: &Value) {
        if self.json {
            println!("{frame}");
            return;
        }
        let event = &frame["event"];
        let step = text(&event["step"]);
        match event["type"].as_str().unwrap_or_default() {
            "step_started" => self.started(&step, event),
            "step_progress" => self.now(&format!("  {} {step} {}", "▸".cyan(), text(&event["message"]).dimmed())),
            "step_completed" => {
                let took = self.took(event);
                self.line(&format!("  {} {step}{took} {}", "✓".green(), shortened(&event["data"]).dimmed()));
            }
            "step_skipped" => self.line(&format!("  {} {step} {}", "-".dimmed(), "skipped".dimmed())),
            "step_failed" => {
                let message = text(&event["failure"]["message"]);
                self.line(&format!("  {} {step}: {message}", "✗".red()));
            }
            "step_retry_scheduled" => {
                let message = text(&event["failure"]["message"]);
                self.line(&format!("  {} {step} will be tried again: {message}", "↻".yellow()));
            }
            "intervention_required" => {
                self.clear();
                question(&step, &event["intervention"]);
            }
            "intervention_resolved" => {
                let by = text(&event["actor"]);
                self.line(&format!("  {} {step}: {} {}", "!".yellow(), event["response"], format!("by {by}").dimmed()));
            }
            "intervention_expired" => self.line(&format!("  {} {step}: nobody answered in time", "!".yellow())),
            "execution_paused" => self.line(&format!("  {} paused", "‖".yellow())),
            "execution_resumed" => self.line(&format!("  {} resumed", "▸".cyan())),
            _ => {}
        }
    }

    /// Says how it ended; the output goes to standard output.
    pub(crate) fn end(&self, summary: &Value) {
        if self.json {
            println!("{summary}");
            return;
        }
        let status = text(&summary["status"]);
        if status == "succeeded" {
            self.line(&status.green().to_string());
            let output = serde_json::to_string_pretty(&summary["output"]).unwrap_or_default();
            println!("{output}");
        } else {
            let failure = &summary["failure"];
            let why = if failure.is_null() { String::new() } else { format!(": {}", text(&failure["message"])) };
            self.line(&format!("{}{why}", status.red()));
        }
    }

    fn started(&self, step: &str, event: &Value) {
        if let Ok(mut began) = self.began.lock() {
            *began = at(event);
        }
        self.now(&format!("  {} {step}", "▸".cyan()));
    }

    fn took(&self, event: &Value) -> String {
        let began = self.began.lock().ok().and_then(|mut began| began.take());
        let (Some(began), Some(ended)) = (began, at(event)) else { return String::new() };
        let millis = ended.duration_since(began).as_micros() as f64 / 1e3;
        format!(" {}", format!("{millis:.1} ms").dimmed())
    }

    /// A line that the next one may write over.
    fn now(&self, line: &str) {
        if self.live {
            let mut stderr = anstream::stderr().lock();
            let _ = write!(stderr, "\r\x1b[2K{}", fitting(line));
            let _ = stderr.flush();
        }
    }

    fn line(&self, line: &str) {
        self.clear();
        if self.live { anstream::eprintln!("{}", fitting(line)) } else { anstream::eprintln!("{line}") }
    }

    /// Takes away the line of the step at work.
    fn clear(&self) {
        if self.live {
            let _ = write!(anstream::stderr(), "\r\x1b[2K");
        }
    }
}

/// Shows a question, with what a person needs to know to decide.
pub(crate) fn question(step: &str, question: &Value) {
    anstream::eprintln!("  {} {step}: {}", "?".yellow(), text(&question["prompt"]).bold());
    match &question["context"] {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                anstream::eprintln!("    {}", format!("{name}: {}", text(value)).dimmed());
            }
        }
        other => anstream::eprintln!("    {}", text(other).dimmed()),
    }
}

/// As much of a line as the terminal has room for: one that wraps cannot be written over.
fn fitting(line: &str) -> std::borrow::Cow<'_, str> {
    let (_, columns) = Term::stderr().size();
    truncate_str(line, usize::from(columns).saturating_sub(1), "…")
}

fn at(event: &Value) -> Option<Timestamp> {
    event["at"].as_str()?.parse().ok()
}
