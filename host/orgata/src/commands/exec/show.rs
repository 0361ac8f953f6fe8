//! `orgata exec show`: one execution with its steps.

use orgata_model::ExecutionId;
use owo_colors::OwoColorize as _;
use serde_json::{Value, json};

use crate::cli::Global;
use crate::client::Client;
use crate::render::bars::Bars;
use crate::render::{print_json, table};
use crate::wire::{Parts as _, with};

pub(super) async fn show(
    global: &Global,
    client: &Client,
    execution: ExecutionId,
    timeline: bool,
) -> anyhow::Result<()> {
    let summary = client.get(&format!("/executions/{execution}")).await?;
    let state = client.get(&format!("/executions/{execution}/state")).await?;
    let bars = match timeline {
        true => Some(client.get(&format!("/executions/{execution}/timeline")).await?),
        false => None,
    };
    if global.json {
        let told = json!({ "execution": summary, "state": state });
        let bars = bars.map(|timeline| timeline.part("steps").clone());
        return print_json(&bars.into_iter().fold(told, |told, steps| with(told, "timeline", steps)));
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
        Some(timeline) => Bars::of(&timeline).print(),
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
