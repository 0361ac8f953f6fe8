//! W1: executions of ten steps that do nothing, started and awaited over HTTP.
//!
//! What is left to measure is the host itself: admission, the fold, the sandbox's border, the store and
//! its flush. Each row stands on a host of its own; the flush is measured right before it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use serde_json::Value;
use tempfile::TempDir;

use super::flush;
use super::host::Host;
use super::load::{self, Load, Until};
use crate::{child, plugins, repo};

const STEPS: usize = 10;

/// `wait` makes the answer come at the end of the execution.
const PATH: &str = "/api/v1/runtimes/default/executions?wait=30s";

/// What `bench w1` takes.
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
    old: usize,
    concurrency: usize,
    outcome: load::Outcome,
    flush: Duration,
    idle: u64,
    after: u64,
}

/// Measures and prints the table.
pub(crate) fn run(args: &Args) -> Result<()> {
    plugins::build()?;
    child::run(&mut child::cargo(&["build", "--release", "--package", "orgata"]))?;

    let mut rows = Vec::new();
    let mut starts = Vec::new();
    for &concurrency in &args.concurrency {
        let folder = prepare()?;
        if starts.is_empty() {
            starts.push((0, start_up(folder.path())?));
        }
        rows.push(row(folder.path(), args, 0, concurrency)?);
    }
    if args.old > 0 {
        let folder = prepare()?;
        fill(folder.path(), args.old)?;
        starts.push((args.old, start_up(folder.path())?));
        for &concurrency in &args.concurrency {
            rows.push(row(folder.path(), args, args.old, concurrency)?);
        }
    }
    print(args, &rows, &starts);
    Ok(())
}

/// A folder for one store, beside the build: `/tmp` may be memory, where a flush costs nothing.
fn prepare() -> Result<TempDir> {
    let base = repo::target().join("bench");
    fs::create_dir_all(&base)?;
    let folder = tempfile::Builder::new().prefix("w1-").tempdir_in(&base)?;
    for part in ["plugins", "playbooks"] {
        fs::create_dir(folder.path().join(part))?;
    }
    let bench = repo::guests().join("bench.wasm");
    fs::copy(&bench, folder.path().join("plugins/bench.wasm"))
        .with_context(|| format!("cannot copy {}", bench.display()))?;
    fs::write(folder.path().join("playbooks/ten.yaml"), playbook())?;
    fs::write(folder.path().join("orgata.yaml"), CONFIG)?;
    Ok(folder)
}

/// A host with one runtime, which has the one plugin and the one playbook.
const CONFIG: &str = "\
plugins: [plugins]
runtimes:
  - id: default
    environment: development
    playbooks: [playbooks]
";

/// Every step takes what the one before it gave, so that none may run beside another.
fn playbook() -> String {
    use std::fmt::Write as _;
    let mut text = "name: ten\nversion: 1.0.0\ninput: { type: object }\nsteps:\n".to_owned();
    for number in 1..=STEPS {
        let from = match number {
            1 => "$input.hello".to_owned(),
            later => format!("$steps.s{}.result.hello", later - 1),
        };
        // Writing to a String does not fail.
        let _ =
            write!(text, "  - name: s{number}\n    operation: bench/noop\n    params: {{ hello: {from} }}\n");
    }
    let _ = writeln!(text, "output: $steps.s{STEPS}.result");
    text
}

fn order(host: &Host, concurrency: usize) -> Load {
    let body = Bytes::from_static(br#"{"playbookName":"ten","input":{"hello":"world"}}"#);
    Load { address: host.address, path: PATH, body, concurrency }
}

/// The median of five starts, after one that fills the caches.
fn start_up(folder: &Path) -> Result<Duration> {
    Host::start(folder)?.stop()?;
    let mut times = Vec::new();
    for _ in 0..5 {
        let host = Host::start(folder)?;
        times.push(host.start_up);
        host.stop()?;
    }
    times.sort();
    times.get(2).copied().context("no start was measured")
}

/// Makes old executions in the only way there is: by running them.
fn fill(folder: &Path, count: usize) -> Result<()> {
    let host = Host::start(folder)?;
    let outcome = load::run(&order(&host, 50), Until::Answers(count))?;
    anstream::eprintln!("{count} old executions made at {:.0}/s", outcome.rate());
    host.stop()
}

fn row(folder: &Path, args: &Args, old: usize, concurrency: usize) -> Result<Row> {
    anstream::eprintln!("measuring: {old} old executions, {concurrency} connections, {} s", args.seconds);
    let host = Host::start(folder)?;
    let flush = flush::median(folder)?;
    let idle = host.resident()?;
    let until =
        Until::Elapsed { warm_up: Duration::from_secs(2), counted: Duration::from_secs(args.seconds) };
    let outcome = load::run(&order(&host, concurrency), until)?;
    let after = host.resident()?;
    for id in outcome.samples.iter().take(5) {
        ran_all_steps(&host, id)?;
    }
    host.stop()?;
    Ok(Row { old, concurrency, outcome, flush, idle, after })
}

/// Looks into a history: an execution that skipped its steps would be quick.
fn ran_all_steps(host: &Host, id: &str) -> Result<()> {
    let history = load::get(host.address, &format!("/api/v1/executions/{id}/history?limit=200"))?;
    let completed = count_type(&history, "step_completed");
    if completed != STEPS {
        bail!("{id} completed {completed} steps instead of {STEPS}: {history}");
    }
    Ok(())
}

/// How many objects, however deep, are of this `type`.
fn count_type(value: &Value, wanted: &str) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| count_type(item, wanted)).sum(),
        Value::Object(fields) => {
            let own = fields.get("type").and_then(Value::as_str) == Some(wanted);
            usize::from(own) + fields.values().map(|field| count_type(field, wanted)).sum::<usize>()
        }
        _ => 0,
    }
}

fn print(args: &Args, rows: &[Row], starts: &[(usize, Duration)]) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    anstream::println!("\nW1: {STEPS} steps, {} s a row, {cores} cores shared with the load\n", args.seconds);
    anstream::println!(
        "| old executions | connections | executions/s | p50 ms | p99 ms | flush ms | idle MB | after MB |"
    );
    anstream::println!("|---:|---:|---:|---:|---:|---:|---:|---:|");
    for row in rows {
        anstream::println!(
            "| {} | {} | {:.0} | {:.2} | {:.2} | {:.2} | {} | {} |",
            row.old,
            row.concurrency,
            row.outcome.rate(),
            milliseconds(row.outcome.percentile(0.5)),
            milliseconds(row.outcome.percentile(0.99)),
            milliseconds(row.flush),
            row.idle / 1_000_000,
            row.after / 1_000_000,
        );
    }
    anstream::println!();
    for (old, time) in starts {
        anstream::println!("start-up with {old} old executions: {:.0} ms", milliseconds(*time));
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_playbook_chains_its_steps() {
        let text = playbook();
        assert_eq!(text.matches("operation: bench/noop").count(), STEPS);
        assert!(
            text.contains("{ hello: $input.hello }") && text.contains("{ hello: $steps.s9.result.hello }")
        );
    }

    #[test]
    fn completed_steps_are_counted_wherever_they_are() {
        let history = serde_json::json!({"events": [
            {"type": "step_completed"},
            {"seq": 2, "event": {"type": "step_completed"}},
            {"type": "step_started"}
        ]});
        assert_eq!(count_type(&history, "step_completed"), 2);
    }
}
