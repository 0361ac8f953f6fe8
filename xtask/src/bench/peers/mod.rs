//! Other durable engines beside ours: the same work, the same load, the same disk, one after the other.
//!
//! A peer runs ten durable steps an execution, each adding one to a number: the answer tells that none was left
//! out. What a peer ran is durable step by step, whatever the step does; so its row stands beside W1 and W2 both.
//!
//! Each row stands on a server of its own with an empty store; rows that are to be compared follow one
//! another. Versions and what drives each engine: `engine`.

mod engine;
mod install;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;

use super::load::{self, Load};
use super::server::Server;
use super::work::{self, Work};
use super::{flush, megabytes, milliseconds, steps};
use engine::{Engine, Peer};

/// What `bench peers` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long each row is measured, after a warm-up of two seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections at once: one row of each engine for each number.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 50])]
    concurrency: Vec<usize>,
    /// Which to measure.
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = [Engine::Orgata, Engine::Restate, Engine::Dbos])]
    engines: Vec<Engine>,
}

/// One line of the table.
struct Row {
    engine: String,
    work: &'static str,
    concurrency: usize,
    outcome: load::Outcome,
    resident: u64,
    flush: Duration,
}

/// Installs what is missing, measures, and prints the table.
pub(crate) fn run(args: &Args) -> Result<()> {
    // All of it first: a missing tool should not be told after minutes of measuring.
    for peer in args.engines.iter().filter_map(|engine| engine.peer()) {
        peer.install()?;
    }
    if args.engines.contains(&Engine::Orgata) {
        steps::build()?;
    }
    let mut rows = Vec::new();
    for &concurrency in &args.concurrency {
        for engine in &args.engines {
            match engine.peer() {
                Some(peer) => rows.push(theirs(&peer, args.seconds, concurrency)?),
                None => {
                    for work in Work::ALL {
                        rows.push(ours(work, args.seconds, concurrency)?);
                    }
                }
            }
        }
    }
    print(args, &rows);
    Ok(())
}

fn ours(work: Work, seconds: u64, concurrency: usize) -> Result<Row> {
    let folder = work.prepare()?;
    let host = Server::orgata(folder.path())?;
    let engine = format!("Orgata {}", env!("CARGO_PKG_VERSION"));
    let row = row(engine, work.name(), &host, &work::order(&host, concurrency), folder.path(), seconds)?;
    work::ran_all_steps(&host, &row.outcome)?;
    host.stop()?;
    Ok(row)
}

fn theirs(peer: &Peer, seconds: u64, concurrency: usize) -> Result<Row> {
    let folder = work::scratch("peer")?;
    let server = Server::start(&mut peer.command(folder.path()), folder.path())?;
    let body = Bytes::from_static(b"0");
    let load = Load {
        address: server.address,
        path: peer.path,
        headers: &[],
        body,
        concurrency,
        spread: Duration::ZERO,
        succeeded: counted_to_ten,
    };
    row(peer.title(), "both", &server, &load, folder.path(), seconds)
    // Killed, not asked: what becomes of its store does not matter.
}

/// An answer to 0 after ten steps.
fn counted_to_ten(body: &[u8]) -> Option<String> {
    (body == b"10").then(String::new)
}

fn row(
    engine: String,
    work: &'static str,
    server: &Server,
    load: &Load,
    folder: &Path,
    seconds: u64,
) -> Result<Row> {
    let concurrency = load.concurrency;
    anstream::eprintln!("measuring {engine}, {work}: {concurrency} connections, {seconds} s");
    let flush = flush::median(folder)?;
    let outcome = load::run(load, &work::measured(seconds))?;
    let resident = server.resident()?;
    Ok(Row { engine, work, concurrency, outcome, resident, flush })
}

fn print(args: &Args, rows: &[Row]) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    anstream::println!(
        "\nten steps an execution, {} s a row, {cores} cores shared with the load\n",
        args.seconds
    );
    anstream::println!(
        "| engine | work | connections | executions/s | p50 ms | p99 ms | memory MB | flush ms |"
    );
    anstream::println!("|---|---|---:|---:|---:|---:|---:|---:|");
    for row in rows {
        anstream::println!(
            "| {} | {} | {} | {:.0} | {:.2} | {:.2} | {} | {:.2} |",
            row.engine,
            row.work,
            row.concurrency,
            row.outcome.rate(),
            milliseconds(row.outcome.percentile(0.5)),
            milliseconds(row.outcome.percentile(0.99)),
            megabytes(row.resident),
            milliseconds(row.flush),
        );
    }
}
