//! `orgata inbox`: the questions that wait for an answer, the oldest first.

use std::process::ExitCode;

use serde_json::Value;

use crate::cli::{Global, InboxArgs};
use crate::client::Client;
use crate::render::{print_json, table};
use crate::wire::Parts as _;

pub(crate) async fn inbox(global: &Global, args: &InboxArgs) -> anyhow::Result<ExitCode> {
    let client = Client::find(global).await?;
    let mut query = vec![("limit", args.limit.to_string())];
    query.extend(args.runtime.as_ref().map(|runtime| ("runtime", runtime.to_string())));
    query.extend(args.role.as_ref().map(|role| ("role", role.to_string())));
    let page = client.get_with("/interventions", &query).await?;
    if global.json {
        print_json(&page)?;
    } else {
        print(&page);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(page: &Value) {
    let items: Vec<&Value> = page.part("items").items().collect();
    let Some(first) = items.first() else {
        println!("no question waits for you");
        return;
    };
    let columns =
        ["EXECUTION", "PLAYBOOK", "RUNTIME", "STEP", "FOR", "QUESTION", "APPROVED", "SINCE", "UNTIL"];
    table::print(&columns, items.iter().map(|item| row(item)));
    if page.part("nextCursor").is_string() {
        println!("there are more: raise --limit");
    }
    println!("\nanswer one with `orgata answer {}`", table::text(first.part("executionId")));
}

fn row(question: &Value) -> [String; 9] {
    let cell = |key: &str| table::text(question.part(key));
    let time = |key: &str| table::time(question.part(key));
    [
        cell("executionId"),
        cell("playbookName"),
        cell("runtimeId"),
        cell("step"),
        cell("assigneeRole"),
        table::shortened(question.part("prompt")),
        approved(question),
        time("openedAt"),
        time("deadline"),
    ]
}

/// How many of several have approved, and who, as far as the host tells: `1 of 2 (ben)`.
fn approved(question: &Value) -> String {
    let Some(needed) = question.part("approvals").as_u64() else { return "-".to_owned() };
    let so_far = question.part("approved").as_u64().unwrap_or_default();
    let names: Vec<String> = question.part("approvedBy").items().map(table::text).collect();
    match names.is_empty() {
        true => format!("{so_far} of {needed}"),
        false => format!("{so_far} of {needed} ({})", names.join(", ")),
    }
}
