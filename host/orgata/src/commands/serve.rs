//! `orgata serve`: the host, until it is told to stop.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::bail;
use orgata_model::runtime::Environment;
use tokio::signal::unix::{SignalKind, signal};
use tracing::warn;

use crate::assemble::Host;
use crate::cli::{Global, ServeArgs};
use crate::config::{Config, transport};
use crate::local_host::Announcement;

pub(crate) async fn serve(global: &Global, args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let mut config = Config::read(global)?;
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    refuse_strangers(&config)?;
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

/// This version asks nobody for a name: it serves this machine alone.
fn refuse_strangers(config: &Config) -> anyhow::Result<()> {
    if !config.listen.ip().is_loopback() {
        bail!(
            "{} can be reached from other machines, and this version has no authentication: listen at 127.0.0.1, \
             and put a proxy that authenticates in front of it",
            config.listen
        );
    }
    warn!("no authentication: everybody on this machine may do everything");
    for runtime in config.runtimes.iter().filter(|runtime| runtime.environment != Environment::Development) {
        warn!(runtime = %runtime.id, environment = runtime.environment.as_str(), "this runtime is not for development");
    }
    Ok(())
}
