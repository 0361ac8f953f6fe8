//! `orgata exec show`: one execution with its steps.

use orgata_model::ExecutionId;
use owo_colors::OwoColorize as _;
use serde_json::{Value, json};

use crate::cli::Global;
use crate::client::Client;
use crate::render::bars::Bars;
use crate::render::{print_json, table};
use crate::wire::Parts as _;

/// Events in one page of history.
const PAGE: usize = 500;

pub(super) async fn show(
    global: &Global,
    client: &Client,
    execution: ExecutionId,
    timeline: bool,
) -> anyhow::Result<()> {
    let summary = client.get(&format!("/executions/{execution}")).await?;
    let state = client.get(&format!("/executions/{execution}/state")).await?;
    let bars = match timeline {
        true => Some(Bars::of(&history(client, execution).await?)),
        false => None,
    };
    if global.json {
        let mut told = json!({ "execution": summary, "state": state });
        if let (Some(bars), Some(fields)) = (bars, told.as_object_mut()) {
            fields.insert("timeline".to_owned(), bars.json());
        }
        return print_json(&told);
    }
    let line = |key: &str, text: &str| anstream::println!("{:<11} {text}", key.dimmed());
    let known = |key: &str, value: &Value| {
        if !value.is_null() {
            line(key, &table::text(value));
        }
    };
    known("execution", summary.part("executionId"));
    let playbook = ["playbookName", "playbookVersion"].map(|key| table::text(summary.part(key)));
    line("playbook", &playbook.join(" "));
    known("runtime", summary.part("runtimeId"));
    known("status", summary.part("status"));
    line("started", &table::time(summary.part("startedAt")));
    if !summary.part("endedAt").is_null() {
        line("ended", &table::time(summary.part("endedAt")));
    }
    known("input", state.part("input"));
    println!();
    match bars {
        Some(bars) => bars.print(),
        None => steps(&state),
    }
    for question in state.part("interventions").items() {
        println!();
        known("question", question.part("prompt"));
        known("id", question.part("id"));
        known("deadline", question.part("deadline"));
        line("answer with", &format!("orgata answer {execution}"));
    }
    if !summary.part("endedAt").is_null() {
        println!();
    }
    known("output", summary.part("output"));
    known("failure", summary.part("failure").part("message"));
    Ok(())
}

fn steps(state: &Value) {
    let steps = state.part("steps").items();
    table::print(
        &["STEP", "STATUS", "RESULT"],
        steps.map(|step| {
            let outcome = if step.part("failure").is_null() {
                step.part("result")
            } else {
                step.part("failure").part("message")
            };
            [table::text(step.part("name")), table::text(step.part("status")), table::shortened(outcome)]
        }),
    );
}

/// All events so far.
async fn history(client: &Client, execution: ExecutionId) -> anyhow::Result<Vec<Value>> {
    let mut events = Vec::new();
    let mut after = "0".to_owned();
    loop {
        let query = [("limit", PAGE.to_string()), ("after", after)];
        let page = client.get_with(&format!("/executions/{execution}/history"), &query).await?;
        events.extend(page.part("items").items().map(|item| item.part("event").clone()));
        match page.word("nextCursor") {
            Some(cursor) => after = cursor.to_owned(),
            None => return Ok(events),
        }
    }
}
