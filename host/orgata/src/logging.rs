//! What goes to standard error: text for people on a terminal, JSON lines otherwise.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command, LogFormat};

/// Sets the log up. Only the host itself logs by default; other commands speak for themselves.
pub(crate) fn init(cli: &Cli) {
    let default = if matches!(cli.command, Command::Serve(_)) { "info" } else { "warn" };
    let words = cli.global.log.as_deref().unwrap_or(default);
    let (filter, wrong) = match EnvFilter::try_new(words) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(default), Some(error)),
    };
    let json = match cli.global.log_format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        builder.json().flatten_event(true).init();
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).init();
    }
    if let Some(error) = wrong {
        tracing::warn!(%error, filter = words, "the log filter cannot be read; using the default");
    }
}
