//! `orgata exec`: executions of the running host.

mod list;
mod many;
mod mend;
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
        ExecCommand::Show { execution, timeline } => show::show(global, &client, execution, timeline).await?,
        ExecCommand::Watch { execution } => {
            let timeline = Timeline::new(global.json);
            return super::run::follow_events(&client, &execution.to_string(), &timeline, None).await;
        }
        ExecCommand::Pause(args) => return steer::control(global, &client, "pause", args).await,
        ExecCommand::Resume(args) => return steer::control(global, &client, "resume", args).await,
        ExecCommand::Cancel(args) => return steer::cancel(global, &client, args).await,
        ExecCommand::Retry(args) => mend::retry(global, &client, args).await?,
        ExecCommand::Skip(args) => mend::skip(global, &client, args).await?,
        ExecCommand::Hold(args) => mend::hold(global, &client, args).await?,
        ExecCommand::Fork(args) => mend::fork(global, &client, args).await?,
        ExecCommand::Purge(args) => return steer::purge(global, &client, args).await,
        ExecCommand::Export { execution, output } => transfer::export(&client, execution, output).await?,
        ExecCommand::Import { file, runtime } => transfer::import(global, &client, &file, runtime).await?,
    }
    Ok(ExitCode::SUCCESS)
}
