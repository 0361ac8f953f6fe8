//! `orgata playbook list`: the playbooks of the running host.

use orgata_model::RuntimeId;
use serde_json::{Value, json};

use crate::cli::Global;
use crate::client::Client;
use crate::render::{print_json, table};
use crate::wire::{Parts as _, with};

pub(super) async fn list(global: &Global, runtime: Option<RuntimeId>) -> anyhow::Result<()> {
    let client = Client::find(global).await?;
    let mut all = Vec::new();
    for runtime in client.these_or_all_runtimes(runtime).await? {
        let page = client.get(&format!("/runtimes/{runtime}/playbooks")).await?;
        all.extend(page.part("items").items().cloned().map(|item| (runtime.clone(), item)));
    }
    if global.json {
        let items: Vec<_> = all.into_iter().map(|(runtime, item)| with(item, "runtimeId", runtime)).collect();
        return print_json(&json!({ "items": items }));
    }
    if all.is_empty() {
        println!("there are no playbooks: publish one with `orgata playbook publish FILE`");
        return Ok(());
    }
    let columns = ["PLAYBOOK", "RUNTIME", "VERSION", "STEPS", "DESCRIPTION"];
    table::print(&columns, all.iter().map(row));
    Ok(())
}

fn row((runtime, item): &(String, Value)) -> [String; 5] {
    let cell = |key: &str| table::text(item.part(key));
    let steps = item.part("steps").items().count().to_string();
    [cell("name"), runtime.clone(), cell("version"), steps, table::shortened(item.part("description"))]
}
