//! `cargo xtask bench`: how fast, how much, how soon.
//!
//! `micro` runs the crates' own criterion benchmarks. `w1` and `w2` are the load runs that a user would see:
//! the optimised binary, over HTTP, with playbooks of ten steps that do nothing (`work`). `peers` puts other
//! durable engines beside it, `waiting` has many executions wait, `neighbours` one runtime press on another, `hostile` has
//! attackers beside honest callers, `mcp` asks as assistants do. Without a name, the first three run.
//!
//! The load comes from the same machine and shares its cores with the server: numbers are for comparing
//! rows of one run on one machine, not for a brochure.

mod flush;
mod group;
mod hostile;
mod load;
mod mcp;
mod micro;
mod neighbours;
mod peers;
pub(crate) mod server;
mod steps;
mod waiting;
mod work;

use std::time::Duration;

use anyhow::Result;

use work::Work;

/// What `bench` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    which: Option<Which>,
}

#[derive(Debug, clap::Subcommand)]
enum Which {
    /// The benchmarks of the crates.
    Micro(micro::Args),
    /// Ten pure steps that do nothing, started and awaited over HTTP.
    W1(steps::Args),
    /// The same with effectful steps: durable before and after each.
    W2(steps::Args),
    /// Many executions that wait: memory, and how late they are woken.
    Waiting(waiting::Args),
    /// A light runtime beside one that takes all it can get.
    Neighbours(neighbours::Args),
    /// What a tool of MCP takes, and what it adds to REST.
    Mcp(mcp::Args),
    /// Honest callers beside hostile ones, for half an hour.
    Hostile(hostile::Args),
    /// Other durable engines beside ours, with the same work. Installs them below target/bench/peers.
    Peers(peers::Args),
}

/// Measures.
pub(crate) fn run(args: &Args) -> Result<()> {
    group::end_all_on_interrupt()?;
    match &args.which {
        Some(Which::Micro(args)) => micro::run(args),
        Some(Which::W1(args)) => steps::run(&[Work::W1], args),
        Some(Which::W2(args)) => steps::run(&[Work::W2], args),
        Some(Which::Waiting(args)) => waiting::run(args),
        Some(Which::Neighbours(args)) => neighbours::run(args),
        Some(Which::Mcp(args)) => mcp::run(args),
        Some(Which::Hostile(args)) => hostile::run(args),
        Some(Which::Peers(args)) => peers::run(args),
        None => {
            micro::run(&micro::Args::default())?;
            steps::run(&Work::ALL, &steps::Args::default())
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn megabytes(bytes: u64) -> u64 {
    bytes / 1_000_000
}
