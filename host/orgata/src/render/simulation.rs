//! What came of a simulation, for people: what happened and when, where results came from, and what is wrong.

use std::path::Path;
use std::time::Duration;

use dialoguer::console::{Alignment, measure_text_width, pad_str};
use jiff::Timestamp;
use owo_colors::OwoColorize as _;
use serde_json::Value;

use super::amount;
use super::table::{shortened, text};
use crate::wire::Parts as _;

/// Widest name of a step that is shown whole.
const MAX_NAME: usize = 32;

/// One line: when, which step, what, and where it came from.
struct Line {
    after: String,
    step: String,
    what: String,
    from: String,
}

/// Prints a whole report; `scenario` is where places in it are looked up.
pub(crate) fn print(report: &Value, scenario: Option<&Path>) {
    let playbook = ["playbookName", "playbookVersion"].map(|key| text(report.part(key))).join(" ");
    anstream::println!("{} in {}, simulated", playbook.bold(), text(report.part("runtimeId")));
    let lines: Vec<Line> =
        report.part("timeline").items().filter_map(|happened| line(report, happened)).collect();
    let width = |of: fn(&Line) -> &str| lines.iter().map(|line| measure_text_width(of(line))).max();
    let after = width(|line| &line.after).unwrap_or_default();
    let step = width(|line| &line.step).unwrap_or_default().min(MAX_NAME);
    for line in &lines {
        let after = pad_str(&line.after, after, Alignment::Right, None).into_owned();
        let step = pad_str(&line.step, step, Alignment::Left, Some("…")).into_owned();
        let from = if line.from.is_empty() { String::new() } else { format!("  [{}]", line.from) };
        anstream::println!("  {}  {step}  {}{}", after.dimmed(), line.what, from.dimmed());
    }
    end(report);
    verdict(report, scenario);
}

fn line(report: &Value, happened: &Value) -> Option<Line> {
    let event = happened.part("event");
    let what = what(event)?;
    let step = event.word("step").or_else(|| event.part("intervention").word("step")).unwrap_or_default();
    let from = match (happened.word("from"), happened.word("example")) {
        (Some("example"), Some(example)) => format!("example: {example}"),
        (from, _) => from.unwrap_or_default().to_owned(),
    };
    Some(Line { after: after(report, event), step: format!("{}{step}", child(report, happened)), what, from })
}

/// What a step of another execution is led by.
fn child(report: &Value, happened: &Value) -> String {
    let id = happened.part("executionId");
    let mut executions = report.part("executions").items();
    let own = executions.next().is_some_and(|own| own.part("executionId") == id);
    let playbook = executions.find(|other| other.part("executionId") == id).filter(|_| !own);
    playbook.map_or_else(String::new, |playbook| format!("{}/", text(playbook.part("playbookName"))))
}

fn after(report: &Value, event: &Value) -> String {
    let time = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    let (began, at) = (time(report.part("beganAt")), time(event.part("at")));
    began
        .zip(at)
        .map_or_else(String::new, |(began, at)| amount::span(at.duration_since(began).unsigned_abs()))
}

/// What happened, unless it is only that something began.
fn what(event: &Value) -> Option<String> {
    let message = || text(event.part("failure").part("message"));
    let by = || format!("by {}", text(event.part("actor"))).dimmed().to_string();
    Some(match event.word("type")? {
        "step_completed" => format!("{} {}", "✓".green(), shortened(event.part("data")).dimmed()),
        "step_skipped" => format!("{} {}", "-".dimmed(), "skipped".dimmed()),
        "step_failed" => format!("{} {}", "✗".red(), message()),
        "step_retry_scheduled" => {
            let attempt = format!("(attempt {} follows)", event.part("attempt"));
            format!("{} {} {}", "↻".yellow(), message(), attempt.dimmed())
        }
        "loop_started" => {
            let count = event.part("items").as_array().map_or(0, Vec::len);
            format!("{} {count} {}", "∀".cyan(), if count == 1 { "iteration" } else { "iterations" })
        }
        "step_waiting" => format!("{} {}", "…".cyan(), awaited(event).dimmed()),
        "child_started" => format!("{} runs {}", "▸".cyan(), text(event.part("playbookName"))),
        "event_received" => {
            let payload = shortened(event.part("payload"));
            format!("{} event {} {}", "←".green(), text(event.part("event")), payload.dimmed())
        }
        "intervention_required" => {
            format!("{} {}", "?".yellow(), text(event.part("intervention").part("prompt")))
        }
        "intervention_resolved" => format!("{} {} {}", "←".green(), shortened(event.part("response")), by()),
        "intervention_approved" => format!("{} one approval {}", "←".green(), by()),
        "intervention_reminded" => format!("{} still waits for an answer", "?".yellow()),
        "intervention_expired" => format!("{} nobody answered in time", "!".yellow()),
        "compensation_started" => {
            format!("{} undoing what was done: {}", "↶".yellow(), text(event.part("cause")))
        }
        "step_compensated" => format!("{} undone", "↶".green()),
        "step_compensation_retry_scheduled" => format!("{} undoing failed: {}", "↻".yellow(), message()),
        "step_compensation_failed" => format!("{} could not be undone: {}", "✗".red(), message()),
        _ => return None,
    })
}

fn awaited(event: &Value) -> String {
    match (event.word("event"), event.word("until")) {
        (Some(name), Some(until)) => format!("waits for {name}, until {until} at most"),
        (Some(name), None) => format!("waits for {name}"),
        (None, until) => format!("waits until {}", until.unwrap_or("it goes on")),
    }
}

fn end(report: &Value) {
    let status = text(report.part("status"));
    let status = if status == "succeeded" { status.green().to_string() } else { status.red().to_string() };
    let why = report.part("failure").word("message").map_or_else(String::new, |why| format!(": {why}"));
    let took = duration(report).map_or_else(|| text(report.part("took")), amount::span);
    anstream::println!("{status} after {took} of virtual time{why}");
    if !report.part("output").is_null() {
        anstream::println!("output     {}", text(report.part("output")));
    }
    let never: Vec<String> = report.part("neverRan").items().map(text).collect();
    if !never.is_empty() {
        anstream::println!("never ran  {}", never.join(", "));
    }
    for note in report.part("notes").items() {
        anstream::println!("note       {}", text(note));
    }
}

fn duration(report: &Value) -> Option<Duration> {
    orgata_model::duration::parse(report.word("took")?).ok()
}

fn verdict(report: &Value, scenario: Option<&Path>) {
    let problems: Vec<&Value> = report.part("problems").items().collect();
    for problem in &problems {
        let place = match (problem.part("line").as_u64(), scenario) {
            (Some(line), Some(file)) => format!(" ({}:{line})", file.display()),
            _ => String::new(),
        };
        let (path, message) = (text(problem.part("path")), text(problem.part("message")));
        anstream::println!("{} {}{place}: {message}", "✗".red(), path.bold());
    }
    match problems.len() {
        0 => anstream::println!("{}", "passed".green()),
        1 => anstream::println!("{}", "1 problem".red()),
        count => anstream::println!("{}", format!("{count} problems").red()),
    }
}
