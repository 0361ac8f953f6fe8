//! Commands that ask one thing of a host: of the one that runs, or else of one that they start for themselves.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use orgata_model::RuntimeId;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::assemble::Host;
use crate::cli::Global;
use crate::client::Client;
use crate::config::Config;
use crate::exit::{self, Exit, INTERRUPTED};
use crate::wire::Parts as _;

/// Whether a host that is started for one command goes on with what its data folder has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As `orgata serve` does.
    Usual,
    /// It leaves everything alone that it is not asked for.
    Quiet,
    /// The same, and it loads nothing: for what is in the store alone.
    Bare,
}

/// Asks the host that the command line means, the one that runs on the data folder, or one on a free port of loopback
/// that is there for this alone.
pub(crate) async fn with_host(
    global: &Global,
    manner: Manner,
    ask: impl AsyncFnOnce(&Client) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    if let Some(url) = &global.server {
        return ask(&Client::new(global, url, global.key.as_deref())?).await;
    }
    let mut config = Config::read(global)?;
    if let Some(client) = Client::running(global, &config).await? {
        return ask(&client).await;
    }
    let key = config.for_one_command()?;
    config.engine.quiet = manner != Manner::Usual;
    if manner == Manner::Bare {
        config.plugins.clear();
        config.runtimes.iter_mut().for_each(|runtime| runtime.playbooks.clear());
    }
    let host = Host::assemble(&config).await?;
    let client = Client::new(global, &host.url()?, Some(&key))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(host.serve(async {
        let _ = stopped.await;
    }));
    let code = ask(&client).await;
    drop(stop);
    tokio::select! {
        stopped = serving => stopped.context("the host did not stop cleanly")??,
        // Somebody who presses it again does not want to wait. What was done is on disk.
        _ = tokio::signal::ctrl_c() => {}
    }
    code.map_err(|error| match exit::code(&error) {
        INTERRUPTED => {
            let data = config.data.display();
            let told = format!(
                "interrupted; the execution is kept in {data}, and goes on with the next `orgata serve`"
            );
            Exit::new(INTERRUPTED, told).into()
        }
        _ => error,
    })
}

/// The runtime that has a playbook of this name, and the name.
pub(crate) async fn place(
    client: &Client,
    playbook: &str,
    runtime: Option<&RuntimeId>,
) -> anyhow::Result<(String, String)> {
    if playbook.ends_with(".yaml") || playbook.ends_with(".yml") || playbook.contains('/') {
        bail!("there is no file {playbook}");
    }
    if let Some(runtime) = runtime {
        return Ok((runtime.to_string(), playbook.to_owned()));
    }
    let runtimes = client.get("/runtimes").await?;
    let runtimes: Vec<&Value> = runtimes.part("items").items().collect();
    let has = |runtime: &&&Value| runtime.part("playbooks").items().any(|name| name == playbook);
    let having: Vec<&str> =
        runtimes.iter().filter(has).filter_map(|runtime| runtime.word("runtimeId")).collect();
    match having.as_slice() {
        [only] => Ok(((*only).to_owned(), playbook.to_owned())),
        [] => bail!("no runtime has a playbook `{playbook}`; {}", known(&runtimes)),
        several => bail!("several runtimes have it ({}): name one with --runtime", several.join(", ")),
    }
}

/// The runtime that is named, or the only one.
pub(crate) async fn only_runtime(client: &Client, named: Option<&RuntimeId>) -> anyhow::Result<String> {
    if let Some(runtime) = named {
        return Ok(runtime.to_string());
    }
    let runtimes = client.get("/runtimes").await?;
    let names: Vec<&str> = runtimes.part("items").items().filter_map(|item| item.word("runtimeId")).collect();
    match names.as_slice() {
        [only] => Ok((*only).to_owned()),
        _ => bail!("there are several runtimes ({}): name one with --runtime", names.join(", ")),
    }
}

/// What there is instead.
fn known(runtimes: &[&Value]) -> String {
    let names: Vec<&str> = runtimes
        .iter()
        .flat_map(|runtime| runtime.part("playbooks").items())
        .filter_map(Value::as_str)
        .collect();
    if names.is_empty() {
        return "there are none: name a file, or put one into a playbooks folder".to_owned();
    }
    format!("there are: {}; a file can be named too", names.join(", "))
}
