//! `orgata exec list`: executions, newest first; and the filter that other commands take too.

use serde_json::Value;

use crate::cli::{FilterArgs, Global};
use crate::client::Client;
use crate::render::{print_json, table};
use crate::wire::Parts as _;

pub(super) async fn list(
    global: &Global,
    client: &Client,
    filter: FilterArgs,
    limit: usize,
) -> anyhow::Result<()> {
    let mut query = parameters(&filter);
    let filtered = !query.is_empty();
    query.push(("limit", limit.to_string()));
    let page = client.get_with("/executions", &query).await?;
    print(global, &page, filtered)
}

/// The filter as query parameters: none when there is none.
pub(super) fn parameters(filter: &FilterArgs) -> Vec<(&'static str, String)> {
    let FilterArgs { runtime, playbook, status, label, since, until } = filter;
    let one = [
        ("runtime", runtime.as_ref().map(ToString::to_string)),
        ("playbook", playbook.as_ref().map(ToString::to_string)),
        ("label", label.clone()),
        ("since", since.clone()),
        ("until", until.clone()),
    ];
    let given = one.into_iter().filter_map(|(name, value)| Some((name, value?)));
    given.chain(status.iter().map(|status| ("status", status.clone()))).collect()
}

fn print(global: &Global, page: &Value, filtered: bool) -> anyhow::Result<()> {
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
