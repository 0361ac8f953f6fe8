//! `orgata key`: the keys with which callers prove who they are.

mod create;
mod list;

use std::process::ExitCode;

use crate::cli::{Global, KeyCommand};
use crate::one_shot::{self, Manner};

/// Does what the command line says, at the host that runs, or at one that is there for this alone.
pub(crate) async fn key(global: &Global, command: KeyCommand) -> anyhow::Result<ExitCode> {
    one_shot::with_host(global, Manner::Bare, async |client| {
        match command {
            KeyCommand::Create(args) => create::create(global, client, args).await?,
            KeyCommand::List => list::list(global, client).await?,
            KeyCommand::Revoke { id } => {
                client.delete(&format!("/keys/{id}")).await?;
                println!("{id} is revoked");
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}
