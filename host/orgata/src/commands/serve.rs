//! `orgata serve`: the host, until it is told to stop.

use std::io::Write as _;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use crate::assemble::Host;
use crate::cli::{Global, ServeArgs};
use crate::config::{Config, transport};
use crate::local_host::Announcement;

pub(crate) async fn serve(global: &Global, args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let mut config = Config::read(global)?;
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    config.insecure = args.insecure_without_authentication;
    config.exposure().check()?;
    transport::refuse_plain_text(&config, args.allow_plain_text)?;
    // Before anything is opened, so that a signal while starting is not lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let host = Host::assemble(&config).await?;
    let url = host.url()?;
    let announcement = Announcement::new(&config.data, &url)?;
    // Nobody need be reading.
    let _ = writeln!(std::io::stdout(), "orgata is ready at {url}");
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    host.serve(stop).await?;
    drop(announcement);
    Ok(ExitCode::SUCCESS)
}
