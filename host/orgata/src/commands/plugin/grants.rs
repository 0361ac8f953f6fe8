//! `orgata plugin grants`, `confirm`, `revoke`: what plugins may reach in a runtime of the running host.

use std::process::ExitCode;

use orgata_model::{Digest, PluginName, RuntimeId};
use serde_json::{Value, json};

use super::list::short;
use crate::cli::{Global, InRuntime};
use crate::client::Client;
use crate::config::Config;
use crate::exit::{self, Exit};
use crate::render::{print_json, table, tell};
use crate::wire::Parts as _;

/// What every plugin wants, gets and does.
pub(super) async fn list(global: &Global, place: InRuntime) -> anyhow::Result<ExitCode> {
    let client = Client::find(global).await?;
    let runtime = client.this_or_only_runtime(place.runtime).await?;
    let page = client.get(&format!("/runtimes/{runtime}/grants")).await?;
    if global.json {
        print_json(&page)?;
        return Ok(ExitCode::SUCCESS);
    }
    let columns = ["PLUGIN", "VERSION", "WANTS", "GRANTED", "USED", "WAITS"];
    table::print(&columns, page.part("items").items().map(row));
    Ok(ExitCode::SUCCESS)
}

/// Lets the version that waits reach what the runtime grants. What is confirmed is what was there when this was asked.
pub(super) async fn confirm(
    global: &Global,
    name: &PluginName,
    place: InRuntime,
    digest: Option<Digest>,
) -> anyhow::Result<ExitCode> {
    let client = Client::find(global).await?;
    let runtime = client.this_or_only_runtime(place.runtime).await?;
    let held = one(&client, &runtime, name).await?;
    let waits = held.part("pending").word("digest").map(str::to_owned);
    let confirmed = held.part("confirmed").word("digest").map(str::to_owned);
    let digest = digest.map(|digest| digest.to_string()).or(waits).or(confirmed);
    let path = format!("/runtimes/{runtime}/grants/{name}/confirm");
    let held = client.post(&path, &json!({ "digest": digest })).await?;
    tell(global, &held, || {
        let (version, wants) =
            (table::text(held.part("confirmed").part("version")), words(held.part("wanted")));
        format!("{name} {version} is confirmed in {runtime}: it wants {wants}, and gets {}", granted(&held))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Takes what a plugin was granted.
pub(super) async fn revoke(
    global: &Global,
    name: &PluginName,
    place: InRuntime,
    reason: &str,
) -> anyhow::Result<ExitCode> {
    let client = Client::find(global).await?;
    let runtime = client.this_or_only_runtime(place.runtime).await?;
    let path = format!("/runtimes/{runtime}/grants/{name}/revoke");
    let held = client.post(&path, &json!({ "reason": reason })).await?;
    tell(global, &held, || {
        format!(
            "what {name} was granted in {runtime} is revoked: `orgata plugin confirm {name} --runtime {runtime}` gives it back"
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What the running host, if one runs, says of a plugin: a line for each runtime. What cannot be asked is left out.
pub(super) async fn of_plugin(global: &Global, name: &PluginName) {
    for (runtime, held) in known(global, name).await {
        let [_, version, wants, granted, used, waits] = row(&held);
        println!("\nin runtime {runtime} of the running host:");
        for (key, value) in
            [("version", version), ("wants", wants), ("granted", granted), ("used", used), ("waits", waits)]
        {
            println!("  {key:<8} {value}");
        }
    }
}

/// The same for programs.
pub(super) async fn known(global: &Global, name: &PluginName) -> Vec<(String, Value)> {
    asked(global, name).await.unwrap_or_default()
}

async fn asked(global: &Global, name: &PluginName) -> anyhow::Result<Vec<(String, Value)>> {
    let client = match global.server {
        Some(_) => Some(Client::find(global).await?),
        None => Client::running(global, &Config::read(global)?).await?,
    };
    let Some(client) = client else { return Ok(Vec::new()) };
    let runtimes = client.get("/runtimes").await?;
    let mut known = Vec::new();
    for runtime in runtimes.part("items").items().filter_map(|runtime| runtime.word("runtimeId")) {
        let Ok(page) = client.get(&format!("/runtimes/{runtime}/grants")).await else { continue };
        known.extend(of(&page, name).map(|held| (runtime.to_owned(), held.clone())));
    }
    Ok(known)
}

async fn one(client: &Client, runtime: &RuntimeId, name: &PluginName) -> anyhow::Result<Value> {
    let page = client.get(&format!("/runtimes/{runtime}/grants")).await?;
    of(&page, name).cloned().ok_or_else(|| {
        let told = format!(
            "runtime {runtime} has seen no plugin {name}: see `orgata plugin grants --runtime {runtime}`"
        );
        Exit::new(exit::USAGE, told).into()
    })
}

/// What a page of a runtime's grants says of a plugin.
fn of<'p>(page: &'p Value, name: &PluginName) -> Option<&'p Value> {
    page.part("items").items().find(|held| held.part("plugin") == name.as_str())
}

fn row(held: &Value) -> [String; 6] {
    let version = match held.part("revoked") {
        Value::Null => table::text(held.part("confirmed").part("version")),
        revoked => format!("revoked by {}", table::text(revoked.part("by"))),
    };
    [
        table::text(held.part("plugin")),
        version,
        words(held.part("wanted")),
        granted(held),
        used(held),
        waits(held.part("pending")),
    ]
}

fn words(words: &Value) -> String {
    let words: Vec<_> = words.items().map(table::text).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

/// Servers and secrets by name; state by the word.
fn granted(held: &Value) -> String {
    let granted = held.part("granted");
    let names = granted.part("network").items().chain(granted.part("secrets").items());
    let mut names: Vec<_> = names.map(table::text).collect();
    for (key, word) in [("kv", "kv"), ("privateAddresses", "private addresses")] {
        if granted.part(key) == true {
            names.push(word.to_owned());
        }
    }
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn used(held: &Value) -> String {
    let used = held.part("used").items();
    let used: Vec<_> = used
        .map(|one| format!("{} ×{}", table::text(one.part("name")), table::text(one.part("count"))))
        .collect();
    if used.is_empty() { "nothing".to_owned() } else { used.join(", ") }
}

fn waits(pending: &Value) -> String {
    if pending.is_null() {
        return "-".to_owned();
    }
    let (version, digest) = (table::text(pending.part("version")), short(pending.part("digest")));
    format!("{version} ({digest}), which wants {} more", words(pending.part("more")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_what_is_wanted_granted_used_and_what_waits() {
        let held = json!({
            "plugin": "reacher",
            "wanted": ["kv"],
            "granted": { "network": ["a:443"], "privateAddresses": true, "kv": true },
            "used": [{ "kind": "kv", "name": "state", "count": 2 }],
            "confirmed": { "version": "1.0.0" },
            "pending": { "version": "2.0.0", "digest": "sha256:0123456789abcdef", "more": ["network"] },
        });
        assert_eq!(
            row(&held),
            [
                "reacher",
                "1.0.0",
                "kv",
                "a:443, kv, private addresses",
                "state ×2",
                "2.0.0 (0123456789ab), which wants network more"
            ]
        );
        let revoked = json!({ "plugin": "x", "revoked": { "by": "ann" } });
        assert_eq!(row(&revoked), ["x", "revoked by ann", "nothing", "nothing", "nothing", "-"]);
    }
}
