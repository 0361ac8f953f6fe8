//! What goes to standard error besides what a command says itself: text for people; JSON lines for whatever
//! collects the log of a host.

mod tame;

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use tame::{Shape, Tame};

use crate::cli::{Cli, Command, LogFormat};

/// Sets the log up. Only the host itself logs by default; other commands speak for themselves.
pub(crate) fn init(cli: &Cli) {
    let serves = matches!(cli.command, Command::Serve(_));
    let default = match cli.command {
        // The protocol's library tells of every message, with what is in it, and of every client that leaves early.
        Command::Serve(_) => "info,rmcp=off",
        Command::Mcp => "warn,rmcp=off,rustls_platform_verifier=off",
        // What is denied to a plugin while it is tried is part of the result; nobody audits that.
        Command::Plugin(_) => "warn,audit=off",
        // Whom a command does not trust, it says itself.
        _ => "warn,rustls_platform_verifier=off",
    };
    let words = cli.global.log.as_deref().unwrap_or(default);
    let (filter, wrong) = match EnvFilter::try_new(words) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(default), Some(error)),
    };
    let json = match cli.global.log_format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => serves && !std::io::stderr().is_terminal(),
    };
    let colours = std::io::stderr().is_terminal();
    let shape = if json { Shape::Json } else { Shape::Text { colours } };
    let writer = move || Tame { shape, to: std::io::stderr() };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    if json {
        builder.json().flatten_event(true).init();
    } else {
        let builder = builder.with_ansi(colours).with_target(false);
        // A command is over in a moment: when, everybody knows.
        if serves { builder.init() } else { builder.without_time().init() }
    }
    if let Some(error) = wrong {
        tracing::warn!(%error, filter = words, "the log filter cannot be read; using the default");
    }
}
