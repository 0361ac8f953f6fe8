//! `orgata plugin list`: the versions of plugins that the running host knows.

use std::process::ExitCode;

use serde_json::Value;

use crate::cli::Global;
use crate::client::Client;
use crate::render::{print_json, table};
use crate::wire::Parts as _;

pub(super) async fn list(global: &Global) -> anyhow::Result<ExitCode> {
    let client = Client::find(global).await?;
    let page = client.get("/plugins").await?;
    if global.json {
        print_json(&page)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut items: Vec<&Value> = page.part("items").items().collect();
    if items.is_empty() {
        println!("there are no plugins: load one with `orgata plugin load FILE`");
        return Ok(ExitCode::SUCCESS);
    }
    // The newest version of each plugin first.
    items.sort_by_cached_key(|item| {
        (table::text(item.part("name")), std::cmp::Reverse(table::text(item.part("loadedAt"))))
    });
    let columns = ["PLUGIN", "VERSION", "DIGEST", "STATE", "EFFECT", "OPERATIONS", "LOADED"];
    table::print(
        &columns,
        items.iter().map(|item| {
            let text = |key: &str| table::text(item.part(key));
            let operations = item.part("operations").as_array().map_or(0, Vec::len).to_string();
            [
                text("name"),
                text("version"),
                short(item.part("digest")),
                text("state"),
                text("effect"),
                operations,
                table::time(item.part("loadedAt")),
            ]
        }),
    );
    Ok(ExitCode::SUCCESS)
}

/// As much of a digest as tells versions apart.
pub(super) fn short(digest: &Value) -> String {
    let text = digest.as_str().unwrap_or_default();
    text.strip_prefix("sha256:").unwrap_or(text).chars().take(12).collect()
}
