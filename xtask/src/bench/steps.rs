//! W1 and W2 (`work`) on our host: alone and beside old executions, how soon it starts, how much it holds.
//!
//! Each row stands on a host of its own; the flush is measured right before it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::load::{self, Until};
use super::server::Server;
use super::work::{self, Work};
use super::{flush, megabytes, milliseconds};
use crate::{child, plugins};

/// What `bench w1` and `bench w2` take.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long each row is measured, after a warm-up of two seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections at once: one row for each number.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 50])]
    concurrency: Vec<usize>,
    /// Old executions in the store for the second half of the rows; 0 leaves that half out.
    #[arg(long, default_value_t = 100_000)]
    old: usize,
}

impl Default for Args {
    fn default() -> Self {
        Self { seconds: 10, concurrency: vec![1, 50], old: 100_000 }
    }
}

/// One line of the table.
struct Row {
    work: Work,
    old: usize,
    concurrency: usize,
    outcome: load::Outcome,
    flush: Duration,
    idle: u64,
    after: u64,
}

/// Measures and prints the table. Rows that are to be compared follow one another.
pub(crate) fn run(works: &[Work], args: &Args) -> Result<()> {
    build()?;
    let mut rows = Vec::new();
    let mut starts = Vec::new();
    for &concurrency in &args.concurrency {
        for &work in works {
            let folder = work.prepare()?;
            if starts.is_empty() {
                starts.push((0, start_up(folder.path())?));
            }
            rows.push(row(work, folder.path(), args, 0, concurrency)?);
        }
    }
    if args.old > 0 {
        let mut folders = Vec::new();
        for &work in works {
            let folder = work.prepare()?;
            fill(folder.path(), args.old)?;
            folders.push((work, folder));
        }
        if let Some((_, folder)) = folders.first() {
            starts.push((args.old, start_up(folder.path())?));
        }
        for &concurrency in &args.concurrency {
            for (work, folder) in &folders {
                rows.push(row(*work, folder.path(), args, args.old, concurrency)?);
            }
        }
    }
    print(args, &rows, &starts);
    Ok(())
}

/// The optimised host, and the guests.
pub(super) fn build() -> Result<()> {
    plugins::build()?;
    child::run(&mut child::cargo(&["build", "--release", "--package", "orgata"]))
}

/// The median of five starts, after one that fills the caches.
fn start_up(folder: &Path) -> Result<Duration> {
    Server::orgata(folder)?.stop()?;
    let mut times = Vec::new();
    for _ in 0..5 {
        let host = Server::orgata(folder)?;
        times.push(host.start_up);
        host.stop()?;
    }
    times.sort();
    times.get(2).copied().context("no start was measured")
}

/// Makes old executions in the only way there is: by running them.
fn fill(folder: &Path, count: usize) -> Result<()> {
    let host = Server::orgata(folder)?;
    let outcome = load::run(&work::order(&host, 50), &Until::Answers(count))?;
    anstream::eprintln!("{count} old executions made at {:.0}/s", outcome.rate());
    host.stop()
}

fn row(work: Work, folder: &Path, args: &Args, old: usize, concurrency: usize) -> Result<Row> {
    let (name, seconds) = (work.name(), args.seconds);
    anstream::eprintln!("measuring {name}: {old} old executions, {concurrency} connections, {seconds} s");
    let host = Server::orgata(folder)?;
    let flush = flush::median(folder)?;
    let idle = host.resident()?;
    let outcome = load::run(&work::order(&host, concurrency), &work::measured(seconds))?;
    let after = host.resident()?;
    work::ran_all_steps(&host, &outcome)?;
    host.stop()?;
    Ok(Row { work, old, concurrency, outcome, flush, idle, after })
}

fn print(args: &Args, rows: &[Row], starts: &[(usize, Duration)]) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    anstream::println!("\n{} s a row, {cores} cores shared with the load\n", args.seconds);
    anstream::println!(
        "| work | old executions | connections | executions/s | p50 ms | p99 ms | flush ms | idle MB | after MB |"
    );
    anstream::println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for row in rows {
        anstream::println!(
            "| {} | {} | {} | {:.0} | {:.2} | {:.2} | {:.2} | {} | {} |",
            row.work.name(),
            row.old,
            row.concurrency,
            row.outcome.rate(),
            milliseconds(row.outcome.percentile(0.5)),
            milliseconds(row.outcome.percentile(0.99)),
            milliseconds(row.flush),
            megabytes(row.idle),
            megabytes(row.after),
        );
    }
    anstream::println!();
    for (old, time) in starts {
        anstream::println!("start-up with {old} old executions: {:.0} ms", milliseconds(*time));
    }
}
