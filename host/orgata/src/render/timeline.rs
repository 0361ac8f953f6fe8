//! An execution as it goes: one line for each thing that happens. The line of a step at work is written
//! over when it ends.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;

use dialoguer::console::{Term, truncate_str};
use jiff::Timestamp;
use owo_colors::OwoColorize as _;
use serde_json::Value;

use super::amount;
use super::table::{shortened, text};
use crate::wire::Parts as _;

/// Writes to standard error, so that standard output has the result alone.
pub(crate) struct Timeline {
    json: bool,
    live: bool,
    /// When each step at work began; since it was answered, if it had a question.
    began: Mutex<BTreeMap<String, Timestamp>>,
    /// The last answer: a step that only asks gives it as its result, which need not be shown twice.
    answer: Mutex<Option<(Value, Value)>>,
    /// Why the last step failed: the execution's own failure is the same as a rule.
    told: Mutex<Option<String>>,
}

impl Timeline {
    /// A timeline for people, or one JSON document a line for programs.
    pub(crate) fn new(json: bool) -> Self {
        let live = std::io::stderr().is_terminal();
        Self { json, live, began: Mutex::default(), answer: Mutex::default(), told: Mutex::default() }
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
        let event = frame.part("event");
        let step = text(event.part("step"));
        match event.word("type").unwrap_or_default() {
            "step_started" | "step_resumed" => self.started(&step, event),
            "step_progress" => {
                self.now(&format!("  {} {step} {}", "▸".cyan(), text(event.part("message")).dimmed()))
            }
            "model_asked" => self.line(&format!("  {} {step} {}", "✦".cyan(), of_model(event).dimmed())),
            "step_completed" => {
                let took = self.took(event);
                if !self.is_answer(event.part("step"), event.part("data")) {
                    self.line(&format!(
                        "  {} {step}{took} {}",
                        "✓".green(),
                        shortened(event.part("data")).dimmed()
                    ));
                }
            }
            "step_skipped" => self.line(&format!("  {} {step} {}", "-".dimmed(), "skipped".dimmed())),
            "step_adopted" => self.line(&format!("  {} {step} {}", "✓".green(), "as it was before".dimmed())),
            "loop_started" => {
                let count = event.part("items").as_array().map_or(0, Vec::len);
                let word = if count == 1 { "iteration" } else { "iterations" };
                self.line(&format!("  {} {step}: {count} {word}", "∀".cyan()));
            }
            "step_waiting" => self.line(&format!("  {} {step} {}", "…".cyan(), awaited(event).dimmed())),
            "event_received" => {
                let event_name = text(event.part("event"));
                self.line(&format!(
                    "  {} {event_name} {}",
                    "←".green(),
                    shortened(event.part("payload")).dimmed()
                ));
            }
            "child_started" => {
                let (playbook, id) = (text(event.part("playbookName")), text(event.part("childExecutionId")));
                self.line(&format!("  {} {step}: {playbook} {}", "▸".cyan(), id.dimmed()));
            }
            "compensation_started" => {
                self.line(&format!(
                    "  {} undoing what was done: {}",
                    "↶".yellow(),
                    text(event.part("cause"))
                ));
            }
            "step_compensated" => self.line(&format!("  {} {step} {}", "↶".green(), "undone".dimmed())),
            "step_compensation_failed" => {
                let message = text(event.part("failure").part("message"));
                self.line(&format!("  {} {step} could not be undone: {message}", "✗".red()));
            }
            "execution_retried" => {
                self.line(&format!("  {} {step} again {}", "↻".yellow(), why(event).dimmed()))
            }
            "step_failed" => {
                let message = text(event.part("failure").part("message"));
                self.line(&format!("  {} {step}: {message}", "✗".red()));
                if let Ok(mut told) = self.told.lock() {
                    *told = Some(message);
                }
            }
            "step_retry_scheduled" => {
                let again = format!("(attempt {}{})", event.part("attempt"), wait(event));
                self.line(&format!(
                    "  {} {step}: {} {}",
                    "↻".yellow(),
                    text(event.part("failure").part("message")),
                    again.dimmed()
                ));
            }
            "intervention_required" => {
                self.took(event);
                self.clear();
                question(&step, event.part("intervention"));
            }
            "intervention_resolved" => {
                let by = format!("by {}", text(event.part("actor")));
                self.line(&format!(
                    "  {} {step} {} {}",
                    "←".green(),
                    shortened(event.part("response")),
                    by.dimmed()
                ));
                if let Ok(mut answer) = self.answer.lock() {
                    *answer = Some((event.part("step").clone(), event.part("response").clone()));
                }
            }
            "intervention_approved" => {
                let by = format!("by {}", text(event.part("actor")));
                self.line(&format!("  {} {step} {} {}", "←".green(), "one approval".dimmed(), by.dimmed()));
            }
            "intervention_reminded" => {
                self.line(&format!("  {} {step} still waits for an answer", "?".yellow()))
            }
            "intervention_withdrawn" => {
                self.line(&format!("  {} {step}: the question is no longer of use", "-".dimmed()));
            }
            "intervention_expired" => {
                self.line(&format!("  {} {step}: nobody answered in time", "!".yellow()))
            }
            "execution_paused" => self.line(&format!("  {} paused {}", "‖".yellow(), why(event).dimmed())),
            "execution_resumed" => self.line(&format!("  {} resumed {}", "▸".cyan(), why(event).dimmed())),
            "cancellation_requested" => {
                self.line(&format!("  {} is being cancelled {}", "■".yellow(), why(event).dimmed()))
            }
            "execution_cancelled" => self.line(&format!("  {} cancelled {}", "■".red(), why(event).dimmed())),
            "step_interrupted" => {
                let told = "the host stopped while it was at work";
                self.line(&format!("  {} {step}: {told}", "!".yellow()));
            }
            _ => {}
        }
    }

    /// Says how it ended; the output goes to standard output.
    pub(crate) fn end(&self, summary: &Value) {
        if self.json {
            println!("{summary}");
            return;
        }
        let status = text(summary.part("status"));
        if status == "succeeded" {
            self.line(&status.green().to_string());
            let output = serde_json::to_string_pretty(summary.part("output")).unwrap_or_default();
            println!("{output}");
        } else {
            let why = summary.part("failure").word("message").filter(|why| !self.has_told(why));
            self.line(&format!("{}{}", status.red(), why.map_or_else(String::new, |why| format!(": {why}"))));
        }
    }

    fn started(&self, step: &str, event: &Value) {
        if let (Ok(mut began), Some(at)) = (self.began.lock(), at(event)) {
            began.insert(step.to_owned(), at);
        }
        self.now(&format!("  {} {step}", "▸".cyan()));
    }

    fn took(&self, event: &Value) -> String {
        let step = text(event.part("step"));
        let began = self.began.lock().ok().and_then(|mut began| began.remove(&step));
        let (Some(began), Some(ended)) = (began, at(event)) else { return String::new() };
        let took = ended.duration_since(began).unsigned_abs();
        format!(" {}", amount::time(took).dimmed())
    }

    fn has_told(&self, failure: &str) -> bool {
        self.told.lock().is_ok_and(|told| told.as_deref() == Some(failure))
    }

    fn is_answer(&self, step: &Value, data: &Value) -> bool {
        let last = self.answer.lock().ok().and_then(|mut answer| answer.take());
        last.is_some_and(|(of, answer)| of == *step && answer == *data)
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

    /// What to do about the line above.
    pub(crate) fn hint(&self, hint: &str) {
        if !self.json {
            self.line(&format!("    {}", hint.dimmed()));
        }
    }

    /// Takes away the line of the step at work.
    pub(crate) fn clear(&self) {
        if self.live {
            let _ = write!(anstream::stderr(), "\r\x1b[2K");
        }
    }
}

/// Shows a question, with what a person needs to know to decide.
pub(crate) fn question(step: &str, question: &Value) {
    anstream::eprintln!("  {} {step}: {}", "?".yellow(), text(question.part("prompt")).bold());
    match question.part("context") {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                anstream::eprintln!("    {}", format!("{name}: {}", text(value)).dimmed());
            }
        }
        other => anstream::eprintln!("    {}", text(other).dimmed()),
    }
}

/// Which model was asked, and what that took.
fn of_model(event: &Value) -> String {
    let name = event.word("model").or_else(|| event.word("provider")).unwrap_or("a model");
    if let Some(why) = event.word("failure") {
        return format!("asked {name}: {why}");
    }
    let (input, output) = (event.part("inputTokens"), event.part("outputTokens"));
    let cost = event.part("cost").as_f64().map_or_else(String::new, |cost| format!(", cost {cost:.6}"));
    format!("asked {name}: {input} tokens in, {output} out{cost}")
}

/// What a step waits for.
fn awaited(event: &Value) -> String {
    let (until, name) = (event.word("until"), event.word("event"));
    match (name, until) {
        (Some(name), Some(until)) => format!("waits for {name}, until {until} at most"),
        (Some(name), None) => format!("waits for {name}"),
        (None, Some(until)) => format!("waits until {until}"),
        (None, None) => "waits".to_owned(),
    }
}

/// Who steered, and why.
fn why(event: &Value) -> String {
    let reason = event.word("reason").map_or_else(String::new, |reason| format!(": {reason}"));
    format!("by {}{reason}", text(event.part("actor")))
}

/// As much of a line as the terminal has room for: one that wraps cannot be written over.
fn fitting(line: &str) -> std::borrow::Cow<'_, str> {
    let (_, columns) = Term::stderr().size();
    truncate_str(line, usize::from(columns).saturating_sub(1), "…")
}

/// How long until the next attempt.
fn wait(event: &Value) -> String {
    let until: Option<Timestamp> = event.word("retryAt").and_then(|text| text.parse().ok());
    match (at(event), until) {
        (Some(now), Some(until)) => format!(" in {}", amount::time(until.duration_since(now).unsigned_abs())),
        _ => String::new(),
    }
}

fn at(event: &Value) -> Option<Timestamp> {
    event.word("at")?.parse().ok()
}
