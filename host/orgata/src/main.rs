//! `orgata`: the host and its command line in one binary.
//!
//! This crate puts the rooms together (`assemble`), reads configuration (`config`) and talks to people
//! (`commands`, `render`). It holds no rule of its own about executions: those are the engine's, and every
//! command that touches an execution goes through the same REST interface that frontends use.

mod answers;
mod assemble;
mod cli;
mod client;
mod commands;
mod config;
mod exit;
mod form;
mod local_host;
mod logging;
mod one_shot;
mod render;
mod telemetry;
mod wire;

use std::process::ExitCode;

use clap::Parser;

/// Many small allocations per execution, on both cores at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// After so many turns a thread that always has something to do looks for what has come from outside. With tokio's own
/// 61, a request waits for milliseconds on a busy host before anybody knows of it; to look takes a microsecond.
const EVENT_INTERVAL: u32 = 8;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    if let cli::Command::Compile = cli.command {
        // The confined child of the host: no runtime, no configuration, no log.
        return orgata_sandbox::compile_child_main();
    }
    logging::init(&cli);
    if !matches!(cli.command, cli::Command::Serve(_)) {
        exit::quietly_when_nobody_reads();
    }
    let threads =
        tokio::runtime::Builder::new_multi_thread().event_interval(EVENT_INTERVAL).enable_all().build();
    let runtime = match threads {
        Ok(runtime) => runtime,
        Err(error) => {
            return exit::report(&anyhow::Error::new(error).context("the async runtime cannot start"));
        }
    };
    let code = match runtime.block_on(commands::run(cli)) {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    };
    // A thread may still wait for a key to be pressed.
    runtime.shutdown_background();
    code
}
