//! `orgata key list`: every key, and what it is good for.

use serde_json::Value;

use crate::cli::Global;
use crate::client::Client;
use crate::render::{print_json, table};
use crate::wire::Parts as _;

pub(super) async fn list(global: &Global, client: &Client) -> anyhow::Result<()> {
    let keys = client.get("/keys").await?;
    if global.json {
        return print_json(&keys);
    }
    let items: Vec<&Value> = keys.part("items").items().collect();
    if items.is_empty() {
        println!("there are no keys: make one with `orgata key create NAME`");
        return Ok(());
    }
    let columns = ["KEY", "NAME", "KIND", "MAY", "EXPIRES", "LAST USED", "REVOKED"];
    table::print(&columns, items.into_iter().map(row));
    Ok(())
}

fn row(key: &Value) -> [String; 7] {
    let time = |name: &str| table::time(key.part(name));
    [
        table::text(key.part("keyId")),
        table::text(key.part("name")),
        table::text(key.part("kind")),
        may(key),
        time("expiresAt"),
        time("lastUsedAt"),
        time("revokedAt"),
    ]
}

/// Where it may be, as whom, and for what.
fn may(key: &Value) -> String {
    let words = |name: &str| {
        let words: Vec<&str> = key.part(name).items().filter_map(Value::as_str).collect();
        words.join(", ")
    };
    let mut told =
        if key.part("everything") == true { "everything".to_owned() } else { words("environments") };
    for (before, name) in [(" as ", "roles"), (" for ", "scopes")] {
        let words = words(name);
        if !words.is_empty() {
            told.push_str(before);
            told.push_str(&words);
        }
    }
    told
}
