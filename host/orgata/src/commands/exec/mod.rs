//! `orgata exec`: executions of the running host.

mod list;
mod many;
mod show;
mod steer;
mod transfer;

use std::process::ExitCode;

use crate::cli::{ExecCommand, Global};
use crate::client::Client;
use crate::render::timeline::Timeline;

pub(crate) async fn exec(global: &Global, command: ExecCommand) -> anyhow::Result<ExitCode> {
    let client = Client::find(global).await?;
    match command {
        ExecCommand::List { filter, limit } => list::list(global, &client, filter, limit).await?,
        ExecCommand::Show { execution } => show::show(global, &client, execution).await?,
        ExecCommand::Watch { execution } => {
            let timeline = Timeline::new(global.json);
            return super::run::follow_events(&client, &execution.to_string(), &timeline, None).await;
        }
        ExecCommand::Pause(args) => return steer::control(global, &client, "pause", args).await,
        ExecCommand::Resume(args) => return steer::control(global, &client, "resume", args).await,
        ExecCommand::Cancel(args) => return steer::control(global, &client, "cancel", args).await,
        ExecCommand::Purge(args) => return steer::purge(global, &client, args).await,
        ExecCommand::Export { execution, output } => transfer::export(&client, execution, output).await?,
        ExecCommand::Import { file, runtime } => transfer::import(global, &client, &file, runtime).await?,
    }
    Ok(ExitCode::SUCCESS)
}
