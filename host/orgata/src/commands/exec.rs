//! `orgata exec`: executions of the running host.

use std::process::ExitCode;

use orgata_model::ExecutionId;
use owo_colors::OwoColorize as _;
use serde_json::{Value, json};

use crate::cli::{ControlArgs, ExecCommand, Global};
use crate::client::Client;
use crate::render::timeline::Timeline;
use crate::render::{print_json, table};
use crate::wire::Parts as _;

pub(crate) async fn exec(global: &Global, command: ExecCommand) -> anyhow::Result<ExitCode> {
    let client = Client::find(global).await?;
    match command {
        ExecCommand::List { runtime, playbook, status, limit } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(runtime.map(|runtime| ("runtime", runtime.to_string())));
            query.extend(playbook.map(|playbook| ("playbook", playbook.to_string())));
            query.extend(status.map(|status| ("status", status)));
            let page = client.get_with("/executions", &query).await?;
            list(global, &page, query.len() > 1)?;
        }
        ExecCommand::Show { execution } => show(global, &client, execution).await?,
        ExecCommand::Watch { execution } => {
            let timeline = Timeline::new(global.json);
            return super::run::follow_events(&client, &execution.to_string(), &timeline, None).await;
        }
        ExecCommand::Pause(args) => control(global, &client, "pause", args).await?,
        ExecCommand::Resume(args) => control(global, &client, "resume", args).await?,
        ExecCommand::Cancel(args) => control(global, &client, "cancel", args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(global: &Global, page: &Value, filtered: bool) -> anyhow::Result<()> {
    if global.json {
        return print_json(page);
    }
    let items: Vec<&Value> = page.part("items").items().collect();
    if items.is_empty() {
        let what_to_do = if filtered { "" } else { ": start one with `orgata run PLAYBOOK`" };
        println!("there are no {}executions{what_to_do}", if filtered { "such " } else { "" });
        return Ok(());
    }
    let columns = ["EXECUTION", "PLAYBOOK", "RUNTIME", "STATUS", "STEP", "STARTED"];
    let keys = ["executionId", "playbookName", "runtimeId", "status", "currentStep", "startedAt"];
    let cell = |item: &Value, key: &str| match key {
        "startedAt" => table::time(item.part(key)),
        _ => table::text(item.part(key)),
    };
    table::print(&columns, items.iter().map(|item| keys.map(|key| cell(item, key))));
    if page.part("nextCursor").is_string() {
        println!("there are more: raise --limit");
    }
    Ok(())
}

async fn show(global: &Global, client: &Client, execution: ExecutionId) -> anyhow::Result<()> {
    let summary = client.get(&format!("/executions/{execution}")).await?;
    let state = client.get(&format!("/executions/{execution}/state")).await?;
    if global.json {
        return print_json(&json!({ "execution": summary, "state": state }));
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

async fn control(global: &Global, client: &Client, verb: &str, args: ControlArgs) -> anyhow::Result<()> {
    let path = format!("/executions/{}/{verb}", args.execution);
    let body = args.reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
    let summary = client.post(&path, &body).await?;
    if global.json {
        return print_json(&summary);
    }
    println!("{} is {}", args.execution, table::text(summary.part("status")));
    Ok(())
}
