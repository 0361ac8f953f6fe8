//! `orgata audit`: reading what the running host wrote down, and checking it.

mod read;
mod verify;

use std::process::ExitCode;

use crate::cli::{AuditCommand, Global};

/// Does what the command line says.
pub(crate) async fn audit(global: &Global, command: AuditCommand) -> anyhow::Result<ExitCode> {
    match command {
        AuditCommand::List { filter, limit } => read::list(global, filter, limit).await?,
        AuditCommand::Export { filter, output } => read::export(global, filter, output).await?,
        AuditCommand::Verify { file, noted } => {
            return verify::verify(global, file.as_deref(), noted.as_deref()).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}
