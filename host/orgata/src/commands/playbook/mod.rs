//! `orgata playbook`: playbook files, and the playbooks of the running host.

mod graph;
mod list;
mod publish;

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use orgata_model::playbook::Playbook;
use serde_json::json;

use crate::cli::{Global, PlaybookCommand};
use crate::client::Client;
use crate::exit::{self, Exit};
use crate::render::tell;

/// Does what the command line says.
pub(crate) async fn playbook(global: &Global, command: PlaybookCommand) -> anyhow::Result<ExitCode> {
    match command {
        PlaybookCommand::Graph(args) => graph::graph(&args)?,
        PlaybookCommand::List { runtime } => list::list(global, runtime).await?,
        PlaybookCommand::Publish { file, runtime } => publish::publish(global, &file, runtime).await?,
        PlaybookCommand::Retire { name, runtime } => {
            let client = Client::find(global).await?;
            let runtime = client.this_or_only_runtime(runtime).await?;
            client.delete(&format!("/runtimes/{runtime}/playbooks/{name}")).await?;
            let told = json!({ "retired": name, "runtimeId": runtime });
            tell(global, &told, || format!("{name} is retired from {runtime}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A playbook and its source. One that is not valid is shown with its problems, and not `done` with.
fn read(file: &Path, done: &str) -> anyhow::Result<(Playbook, String)> {
    let name = file.display().to_string();
    let source = std::fs::read_to_string(file).with_context(|| {
        Exit::new(exit::USAGE, format!("{name} cannot be read: name the file of a playbook"))
    })?;
    match Playbook::parse(&name, &source) {
        Ok(playbook) => Ok((playbook, source)),
        Err(diagnostics) => {
            anstream::eprintln!("{}\n", diagnostics.render(std::io::stderr().is_terminal()));
            Err(Exit::new(exit::FAILED, format!("{name} is not valid: nothing is {done}")).into())
        }
    }
}
