//! `orgata runtime`: the runtimes of the running host, and what they start by themselves.

use std::process::ExitCode;

use orgata_model::RuntimeId;
use serde_json::{Value, json};

use crate::cli::{Global, RuntimeCommand};
use crate::client::Client;
use crate::render::{print_json, table, tell};
use crate::wire::{Parts as _, with};

pub(crate) async fn runtime(global: &Global, command: RuntimeCommand) -> anyhow::Result<ExitCode> {
    let client = Client::find(global).await?;
    match command {
        RuntimeCommand::List => list(global, &client.get("/runtimes").await?)?,
        RuntimeCommand::Show { runtime } => {
            show(global, &client.get(&format!("/runtimes/{runtime}")).await?)?
        }
        RuntimeCommand::Create { runtime, environment, description } => {
            let mut body = json!({ "runtimeId": runtime, "environment": environment });
            if let Some(description) = description {
                body = with(body, "description", description);
            }
            let made = client.post("/runtimes", &body).await?;
            tell(global, &made, || {
                format!("{runtime} is there, in {}", table::text(made.part("environment")))
            })?;
        }
        RuntimeCommand::Retire { runtime } => {
            client.delete(&format!("/runtimes/{runtime}")).await?;
            tell(global, &json!({ "retired": runtime }), || format!("{runtime} is retired"))?;
        }
        RuntimeCommand::Schedules { runtime } => schedules(global, &client, runtime).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(global: &Global, page: &Value) -> anyhow::Result<()> {
    if global.json {
        return print_json(page);
    }
    let items: Vec<&Value> = page.part("items").items().collect();
    if items.is_empty() {
        println!("there are no runtimes: make one with `orgata runtime create NAME`, or in orgata.yaml");
        return Ok(());
    }
    let row = |item: &&Value| {
        let cell = |key: &str| table::text(item.part(key));
        let count = |key: &str| item.part(key).items().count().to_string();
        let described = table::shortened(item.part("description"));
        [cell("runtimeId"), cell("environment"), count("playbooks"), count("operations"), described]
    };
    let columns = ["RUNTIME", "ENVIRONMENT", "PLAYBOOKS", "OPERATIONS", "DESCRIPTION"];
    table::print(&columns, items.iter().map(row));
    Ok(())
}

fn show(global: &Global, runtime: &Value) -> anyhow::Result<()> {
    if global.json {
        return print_json(runtime);
    }
    let cell = |key: &str| table::text(runtime.part(key));
    println!("{} in {}: {}", cell("runtimeId"), cell("environment"), cell("description"));
    for key in ["playbooks", "operations", "roles"] {
        println!("\n{key}");
        runtime.part(key).items().for_each(|name| println!("  {}", table::text(name)));
    }
    println!("\ngrants");
    for (plugin, grants) in runtime.part("grants").as_object().into_iter().flatten() {
        println!("  {plugin}: {grants}");
    }
    Ok(())
}

async fn schedules(global: &Global, client: &Client, runtime: Option<RuntimeId>) -> anyhow::Result<()> {
    let mut all = Vec::new();
    for runtime in client.these_or_all_runtimes(runtime).await? {
        let page = client.get(&format!("/runtimes/{runtime}/schedules")).await?;
        let own = page.part("items").items().cloned();
        all.extend(own.map(|item| with(item, "runtimeId", runtime.as_str())));
    }
    if global.json {
        return print_json(&json!({ "items": all }));
    }
    if all.is_empty() {
        println!("nothing starts by itself: give a playbook a `schedule`");
        return Ok(());
    }
    let columns = ["PLAYBOOK", "RUNTIME", "CRON", "TIME ZONE", "NEXT", "LAST", "IT", "QUEUED"];
    table::print(&columns, all.iter().map(schedule));
    Ok(())
}

fn schedule(item: &Value) -> [String; 8] {
    let cell = |key: &str| table::text(item.part(key));
    let last = item.part("lastRun");
    [
        cell("playbook"),
        cell("runtimeId"),
        cell("cron"),
        cell("timezone"),
        table::time(item.part("nextRun")),
        table::time(last.part("startedAt")),
        table::text(last.part("status")),
        item.part("queued").items().count().to_string(),
    ]
}
