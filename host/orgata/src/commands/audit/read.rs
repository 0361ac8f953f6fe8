//! `orgata audit list` and `export`.

use std::path::PathBuf;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use crate::cli::{AuditFilterArgs, Global};
use crate::client::Client;
use crate::render::{print_json, table};
use crate::wire::Parts as _;

/// Shows a page.
pub(super) async fn list(global: &Global, filter: AuditFilterArgs, limit: usize) -> anyhow::Result<()> {
    let client = Client::find(global).await?;
    let mut query = parameters(filter);
    query.push(("limit", limit.to_string()));
    let page = client.get_with("/audit", &query).await?;
    if global.json {
        return print_json(&page);
    }
    let items: Vec<&Value> = page.part("items").items().collect();
    if items.is_empty() {
        println!("nothing such was written down");
        return Ok(());
    }
    let columns = ["SEQ", "AT", "WHO", "FROM", "ACTION", "SUBJECT", "VERDICT"];
    let row = |item: &&Value| {
        let cell = |key: &str| table::text(item.part(key));
        let verdict = match item.word("detail") {
            Some(detail) => format!("{}: {detail}", cell("verdict")),
            None => cell("verdict"),
        };
        let at = table::time(item.part("at"));
        [cell("seq"), at, cell("principal"), cell("address"), cell("action"), cell("subject"), verdict]
    };
    table::print(&columns, items.iter().map(row));
    if page.part("nextCursor").is_string() {
        println!("there are more: raise --limit");
    }
    Ok(())
}

/// Writes it down; what is not whole is not left behind as if it were.
pub(super) async fn export(
    global: &Global,
    filter: AuditFilterArgs,
    output: Option<PathBuf>,
) -> anyhow::Result<()> {
    let client = Client::find(global).await?;
    let query = parameters(filter);
    let Some(output) = output else { return copy(&client, &query, &mut tokio::io::stdout()).await };
    let mut part = output.clone().into_os_string();
    part.push(".part");
    let cannot = || format!("{} cannot be written", output.display());
    let mut file = tokio::fs::File::create(&part).await.with_context(cannot)?;
    if let Err(error) = copy(&client, &query, &mut file).await {
        let _ = tokio::fs::remove_file(&part).await;
        return Err(error);
    }
    tokio::fs::rename(&part, &output).await.with_context(cannot)
}

async fn copy(
    client: &Client,
    query: &[(&'static str, String)],
    to: &mut (impl AsyncWrite + Unpin),
) -> anyhow::Result<()> {
    let mut pieces = client.get_bytes_with("/audit/export", query).await?;
    while let Some(piece) = pieces.next().await {
        to.write_all(&piece?).await?;
    }
    Ok(to.flush().await?)
}

fn parameters(filter: AuditFilterArgs) -> Vec<(&'static str, String)> {
    let AuditFilterArgs { principal, action, verdict, subject, since, until } = filter;
    let all = [
        ("principal", principal),
        ("action", action),
        ("verdict", verdict),
        ("subject", subject),
        ("since", since),
        ("until", until),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
