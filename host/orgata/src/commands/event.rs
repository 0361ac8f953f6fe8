//! `orgata event send`: something happened outside.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::answers::json_argument;
use crate::cli::{EventCommand, Global, SendArgs};
use crate::client::Client;
use crate::exit::{self, Exit};
use crate::render::{print_json, table};
use crate::wire::Parts as _;

pub(crate) async fn event(global: &Global, command: EventCommand) -> anyhow::Result<ExitCode> {
    let EventCommand::Send(args) = command;
    let body = json!({ "event": args.event, "payload": json_argument("--payload", &args.payload)? });
    let client = Client::find(global).await?;
    let delivery = match args.execution {
        Some(_) => to_one(&client, &args, &body).await?,
        None => to_all(&client, &args, &body).await?,
    };
    if global.json {
        print_json(&delivery)?;
        return Ok(ExitCode::SUCCESS);
    }
    let took: Vec<String> = delivery.part("executions").items().map(table::text).collect();
    match (args.execution, took.is_empty()) {
        (Some(id), _) => println!("{id} has {}, or keeps it until a step waits for it", args.event),
        (None, true) => println!(
            "nobody waits for {} now; whoever comes to wait later does not see it (--execution ID keeps it for one)",
            args.event
        ),
        (None, false) => took.iter().for_each(|id| println!("{id} took {}", args.event)),
    }
    Ok(ExitCode::SUCCESS)
}

async fn to_one(client: &Client, args: &SendArgs, body: &Value) -> anyhow::Result<Value> {
    let id = args.execution.map(|id| id.to_string()).unwrap_or_default();
    if let Some(runtime) = &args.runtime {
        let summary = client.get(&format!("/executions/{id}")).await?;
        let own = summary.word("runtimeId").unwrap_or_default();
        if own != runtime.to_string() {
            let told =
                format!("{id} is of runtime {own}, not of {runtime}: leave out --runtime, or name that one");
            return Err(Exit::new(exit::USAGE, told).into());
        }
    }
    client.post(&format!("/executions/{id}/events"), body).await?;
    Ok(json!({ "executions": [id] }))
}

async fn to_all(client: &Client, args: &SendArgs, body: &Value) -> anyhow::Result<Value> {
    let runtime = client.this_or_only_runtime(args.runtime.clone()).await?;
    client.post(&format!("/runtimes/{runtime}/events"), body).await
}
