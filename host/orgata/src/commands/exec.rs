//! `orgata exec`: executions of the running host.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::{ControlArgs, ExecCommand, Global};
use crate::client::Client;
use crate::render::timeline::Timeline;
use crate::render::{print_json, table};

pub(crate) async fn exec(global: &Global, command: ExecCommand) -> anyhow::Result<ExitCode> {
    let client = Client::find(global).await?;
    match command {
        ExecCommand::List { runtime, playbook, status, limit } => {
            let mut query = vec![format!("limit={limit}")];
            let filters = [("runtime", runtime), ("playbook", playbook), ("status", status)];
            query.extend(filters.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value?))));
            let page = client.get(&format!("/executions?{}", query.join("&"))).await?;
            list(global, &page)?;
        }
        ExecCommand::Show { execution } => show(global, &client, &execution).await?,
        ExecCommand::Watch { execution } => {
            let timeline = Timeline::new(global.json);
            return super::run::follow_events(&client, &execution, &timeline, None).await;
        }
        ExecCommand::Pause(args) => control(global, &client, "pause", args).await?,
        ExecCommand::Resume(args) => control(global, &client, "resume", args).await?,
        ExecCommand::Cancel(args) => control(global, &client, "cancel", args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(global: &Global, page: &Value) -> anyhow::Result<()> {
    if global.json {
        return print_json(page);
    }
    let items = page["items"].as_array().cloned().unwrap_or_default();
    if items.is_empty() {
        println!("there are no executions: start one with `orgata run PLAYBOOK`");
        return Ok(());
    }
    let columns = ["EXECUTION", "PLAYBOOK", "RUNTIME", "STATUS", "STEP", "STARTED"];
    let keys = ["executionId", "playbookName", "runtimeId", "status", "currentStep", "startedAt"];
    let cell = |item: &Value, key: &str| match key {
        "startedAt" => table::time(&item[key]),
        _ => table::text(&item[key]),
    };
    table::print(&columns, items.iter().map(|item| keys.map(|key| cell(item, key))));
    if page["nextCursor"].is_string() {
        println!("there are more: raise --limit");
    }
    Ok(())
}

async fn show(global: &Global, client: &Client, execution: &str) -> anyhow::Result<()> {
    let summary = client.get(&format!("/executions/{execution}")).await?;
    let state = client.get(&format!("/executions/{execution}/state")).await?;
    if global.json {
        return print_json(&json!({ "execution": summary, "state": state }));
    }
    let line = |key: &str, value: &Value| {
        if !value.is_null() {
            println!("{key:<12} {}", table::text(value));
        }
    };
    let keys = ["executionId", "playbookName", "playbookVersion", "runtimeId", "status", "startedAt", "endedAt"];
    keys.into_iter().for_each(|key| line(key, &summary[key]));
    line("input", &state["input"]);
    println!();
    let steps = state["steps"].as_array().cloned().unwrap_or_default();
    table::print(
        &["STEP", "STATUS", "RESULT"],
        steps.iter().map(|step| {
            let outcome = if step["failure"].is_null() { &step["result"] } else { &step["failure"]["message"] };
            [table::text(&step["name"]), table::text(&step["status"]), table::shortened(outcome)]
        }),
    );
    for question in state["interventions"].as_array().into_iter().flatten() {
        println!();
        line("question", &question["prompt"]);
        line("id", &question["id"]);
        println!("{:<12} orgata answer {execution}", "answer with");
    }
    println!();
    line("output", &summary["output"]);
    line("failure", &summary["failure"]["message"]);
    Ok(())
}

async fn control(global: &Global, client: &Client, verb: &str, args: ControlArgs) -> anyhow::Result<()> {
    let path = format!("/executions/{}/{verb}", args.execution);
    let body = args.reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
    let summary = client.post(&path, &body).await?;
    if global.json {
        return print_json(&summary);
    }
    println!("{} is {}", args.execution, table::text(&summary["status"]));
    Ok(())
}
