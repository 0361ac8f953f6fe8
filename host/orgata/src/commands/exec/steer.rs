//! `orgata exec pause`, `resume`, `cancel` and `purge`: of one execution, or of all that a filter finds.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::many::{Deed, many, meant};
use crate::cli::{CancelArgs, ControlArgs, Global, PurgeArgs};
use crate::client::Client;
use crate::render::{print_json, table};
use crate::wire::Parts as _;

pub(super) async fn control(
    global: &Global,
    client: &Client,
    verb: &'static str,
    args: ControlArgs,
) -> anyhow::Result<ExitCode> {
    steer(global, client, verb, args, json!({})).await
}

pub(super) async fn cancel(global: &Global, client: &Client, args: CancelArgs) -> anyhow::Result<ExitCode> {
    let body = json!({ "compensate": !args.no_compensation });
    steer(global, client, "cancel", args.control, body).await
}

async fn steer(
    global: &Global,
    client: &Client,
    verb: &'static str,
    args: ControlArgs,
    mut body: Value,
) -> anyhow::Result<ExitCode> {
    if let (Some(reason), Some(fields)) = (args.reason, body.as_object_mut()) {
        fields.insert("reason".to_owned(), reason.into());
    }
    let Some(execution) = meant(&args.meant, false)? else {
        let done = match verb {
            "pause" => "paused",
            "resume" => "resumed",
            _ => "cancelled",
        };
        return many(global, client, args.meant, Deed { verb, done, body, more: Vec::new() }).await;
    };
    let summary = client.post(&format!("/executions/{execution}/{verb}"), &body).await?;
    if global.json {
        print_json(&summary)?;
    } else {
        println!("{execution} is {}", table::text(summary.part("status")));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn purge(global: &Global, client: &Client, args: PurgeArgs) -> anyhow::Result<ExitCode> {
    let more: Vec<_> = args.older_than.map(|time| ("olderThan", time)).into_iter().collect();
    let Some(execution) = meant(&args.meant, !more.is_empty())? else {
        let deed = Deed { verb: "purge", done: "deleted", body: json!({}), more };
        return many(global, client, args.meant, deed).await;
    };
    client.delete(&format!("/executions/{execution}")).await?;
    if global.json {
        print_json(&json!({ "executionId": execution.to_string() }))?;
    } else {
        println!("{execution} is deleted");
    }
    Ok(ExitCode::SUCCESS)
}
