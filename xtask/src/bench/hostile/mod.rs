//! What honest callers feel of hostile ones, for as long as it takes to see anything grow.
//!
//! Honest callers start ten steps now and then, in a runtime of their own. Beside them come callers without a key or with
//! false ones, a key that goes where it may not, bodies of every bad kind, connections that never finish a word, and
//! executions of plugins that do what no plugin should. Windows with and without them alternate on one host, so that both
//! see the same machine. Every attack has the answers that it may get; any other ends the run.
//!
//! In the end it must hold: p99 of the honest at most twice what it is alone, memory that does not grow, every refusal that
//! a caller was told is in the audit, and the audit's chain is whole.

mod attacks;
mod foe;
mod honest;
mod ledger;
mod stage;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use self::foe::Foe;
use self::honest::Window;
use self::stage::Stage;
use super::steps::build;
use super::{flush, megabytes, milliseconds};

/// What `bench hostile` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long it all takes.
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// How long a window is. Hostile callers are there in every second one.
    #[arg(long, default_value_t = 60)]
    window: u64,
    /// Only attacks whose method, path or body has this in it: to find the one that hurts.
    #[arg(long, default_value = "")]
    only: String,
}

/// Honest callers alone, and beside hostile ones.
struct Rows {
    alone: Vec<Row>,
    beside: Vec<Row>,
}

/// What one window showed.
struct Row {
    p99: Duration,
    resident: u64,
}

/// By how much p99 may grow.
const SLOWER: f64 = 2.0;
/// By how much memory may, from the hostile window in the middle to the last: the store's caches are full by then, and a
/// tenth is noise of the allocator.
const LARGER: f64 = 1.1;

/// Measures, prints the table, and says what does not hold.
pub(crate) fn run(args: &Args) -> Result<()> {
    build()?;
    let stage = Stage::set()?;
    anstream::println!(
        "\n| honest callers | answers | p50 ms | p99 ms | memory | attacks | refused | flush ms |"
    );
    anstream::println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    let window = Duration::from_secs(args.window);
    let end = Instant::now() + Duration::from_secs(args.minutes * 60);
    let mut rows = Rows { alone: Vec::new(), beside: Vec::new() };
    let mut refused = ledger::Refused::default();
    while rows.beside.is_empty() || Instant::now() < end {
        rows.alone.push(row(&stage, "alone", honest::window(&stage, window)?, None)?);
        let foe = Foe::begin(&stage, &args.only);
        let honest = honest::window(&stage, window);
        let met = foe.end()?;
        rows.beside.push(row(&stage, "beside hostile ones", honest?, Some(&met))?);
        refused.add(met.refused);
    }
    let told = refused.len();
    let found = refused.in_the_audit(&stage)?;
    anstream::println!("\n{found} of {told} refusals are in the audit; its chain is whole");
    stage.host.stop()?;
    verdict(&rows, told - found)
}

fn row(stage: &Stage, name: &str, honest: Window, met: Option<&foe::Met>) -> Result<Row> {
    let resident = stage.host.resident()?;
    anstream::println!(
        "| {name} | {} | {:.2} | {:.2} | {} MB | {} | {} | {:.2} |",
        honest.answers(),
        milliseconds(honest.percentile(0.5)),
        milliseconds(honest.percentile(0.99)),
        megabytes(resident),
        met.map_or(0, |met| met.attacks),
        met.map_or(0, |met| met.refused.len()),
        milliseconds(flush::median(stage.folder.path())?),
    );
    Ok(Row { p99: honest.percentile(0.99), resident })
}

fn verdict(rows: &Rows, missing: usize) -> Result<()> {
    let (alone, beside) = (median(&rows.alone)?, median(&rows.beside)?);
    let slower = beside.as_secs_f64() / alone.as_secs_f64();
    let middle = rows.beside.get(rows.beside.len() / 2);
    let (middle, last) = middle.zip(rows.beside.last()).context("no window was measured")?;
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^52")]
    let larger = last.resident as f64 / middle.resident as f64;
    anstream::println!("p99 beside them: {slower:.2} times; memory in the end: {larger:.2} times");
    let wrong: Vec<_> = [
        (slower > SLOWER).then(|| format!("p99 grew to {slower:.2} times what it is alone")),
        (larger > LARGER).then(|| format!("memory grew to {larger:.2} times")),
        (missing > 0).then(|| format!("{missing} refusals are not in the audit")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !wrong.is_empty() {
        bail!("{}", wrong.join("; "));
    }
    Ok(())
}

fn median(rows: &[Row]) -> Result<Duration> {
    let mut all: Vec<_> = rows.iter().map(|row| row.p99).collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().context("no window was measured")
}
