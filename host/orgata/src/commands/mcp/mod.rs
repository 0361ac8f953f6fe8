//! `orgata mcp`: the host's MCP over standard input and output, for assistants that start a program.
//!
//! It carries messages between the client and `/mcp` of a host and understands as little of them as it can, so both
//! revisions and whatever comes pass through. The host is the one that `--server` names, the one that runs on the data
//! folder, or else one that is started for as long as the client is there. Standard output is the protocol's alone.

mod bridge;
mod headers;
mod pipes;
mod stream;

use std::process::ExitCode;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::assemble::Host;
use crate::cli::Global;
use crate::client::Client;
use crate::config::Config;
use crate::local_host::Announcement;

pub(crate) async fn mcp(global: &Global) -> anyhow::Result<ExitCode> {
    if let Some(url) = &global.server {
        return serve(&Client::new(global, url, global.key.as_deref())?, "the host").await;
    }
    let mut config = Config::read(global)?;
    if let Some(client) = Client::running(global, &config).await? {
        return serve(&client, "the running host").await;
    }
    // For this client alone: wherever a host would listen, this one is on loopback.
    let key = config.for_one_command()?;
    let host = Host::assemble(&config).await?;
    let url = host.url()?;
    let client = Client::new(global, &url, Some(&key))?;
    // Other commands, and other clients, find it while it is here.
    let announcement = Announcement::new(&config.data, &url)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(host.serve(async {
        let _ = stopped.await;
    }));
    let code = serve(&client, "a host of its own").await;
    drop(announcement);
    drop(stop);
    serving.await.context("the host did not stop cleanly")??;
    code
}

/// Carries messages until the client leaves, or the command is told to stop.
async fn serve(client: &Client, which: &str) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    eprintln!("orgata mcp: talks to {which} at {}", client.base());
    tokio::select! {
        carried = bridge::carry(client) => carried?,
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(ExitCode::SUCCESS)
}
