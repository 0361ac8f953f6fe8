//! `orgata exec export` and `import`: an execution, written down and taken in again.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;
use orgata_model::{ExecutionId, RuntimeId};
use reqwest::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::cli::Global;
use crate::client::Client;
use crate::exit::{self, Exit};
use crate::render::{print_json, table};
use crate::wire::Parts as _;

/// Writes it down; what is not whole is not left behind as if it were.
pub(super) async fn export(
    client: &Client,
    execution: ExecutionId,
    output: Option<PathBuf>,
) -> anyhow::Result<()> {
    let path = format!("/executions/{execution}/export");
    let Some(output) = output else {
        return copy(client, &path, &mut tokio::io::stdout()).await;
    };
    let mut part = output.clone().into_os_string();
    part.push(".part");
    let cannot = || format!("{} cannot be written", output.display());
    let mut file = tokio::fs::File::create(&part).await.with_context(cannot)?;
    if let Err(error) = copy(client, &path, &mut file).await {
        let _ = tokio::fs::remove_file(&part).await;
        return Err(error);
    }
    tokio::fs::rename(&part, &output).await.with_context(cannot)
}

async fn copy(client: &Client, path: &str, to: &mut (impl AsyncWrite + Unpin)) -> anyhow::Result<()> {
    let mut pieces = client.get_bytes(path).await?;
    let (mut lines, mut head) = (0_u64, Vec::new());
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        if lines == 0 {
            head.extend(piece.iter().take_while(|byte| **byte != b'\n'));
        }
        lines += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
        to.write_all(&piece).await?;
    }
    to.flush().await?;
    let head: Value = serde_json::from_slice(&head).context("the host's reply is not an export")?;
    let (events, came) = (head.part("events").as_u64().unwrap_or_default(), lines.saturating_sub(1));
    if came != events {
        bail!("the export broke off after {came} of {events} events: try again");
    }
    Ok(())
}

pub(super) async fn import(
    global: &Global,
    client: &Client,
    file: &Path,
    runtime: Option<RuntimeId>,
) -> anyhow::Result<()> {
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        tokio::io::stdin().read_to_end(&mut bytes).await.context("standard input cannot be read")?;
        bytes
    } else {
        tokio::fs::read(file).await.with_context(|| format!("{} cannot be read", file.display()))?
    };
    let runtime = match runtime {
        Some(runtime) => runtime.to_string(),
        None => own_runtime(&bytes, file)?,
    };
    let path = format!("/runtimes/{runtime}/executions/import");
    let summary = client.send_bytes(Method::POST, &path, "application/x-ndjson", bytes).await?;
    if global.json {
        return print_json(&summary);
    }
    let (id, status) = (table::text(summary.part("executionId")), table::text(summary.part("status")));
    println!("{id} is imported, and {status}");
    if status == "paused" {
        println!("once it runs nowhere else: orgata exec resume {id}");
    }
    Ok(())
}

/// The runtime that the first line names.
fn own_runtime(bytes: &[u8], file: &Path) -> anyhow::Result<String> {
    let head = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let head: Value = serde_json::from_slice(head).unwrap_or_default();
    // It becomes a part of a path: only a name may.
    let runtime = head.word("runtimeId").and_then(|word| word.parse::<RuntimeId>().ok());
    runtime.map(|runtime| runtime.to_string()).ok_or_else(|| {
        let told = format!("{} does not begin as an export does: is it one?", file.display());
        Exit::new(exit::USAGE, told).into()
    })
}
