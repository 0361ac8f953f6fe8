//! Many executions that wait: what they hold, how soon the host is back with them, how exactly it wakes them.
//!
//! Questions and far times wait in the store, not in memory. Thousands of times in the same second are the worst
//! that the timekeeper can meet; a single one on an idle host is the usual.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::load::{self, Load, Until};
use super::server::Server;
use super::steps::build;
use super::{flush, megabytes, milliseconds, work};

/// What `bench waiting` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Executions that wait for a person.
    #[arg(long, default_value_t = 100_000)]
    questions: usize,
    /// Executions that wait for the same moment.
    #[arg(long, default_value_t = 10_000)]
    times: usize,
}

/// Each asks and has no deadline.
const ASKS: &str = "\
name: asks
input: { type: object }
steps:
  - name: approve
    intervention: { prompt: May it go on? }
";

/// Each waits for the moment that it is given.
const UNTIL: &str = "\
name: until
input: { type: object }
steps:
  - name: rest
    wait: { until: $input.until }
";

/// Waits too long to be slept through in memory, and not for long.
const SOON: &str = "\
name: soon
input: { type: object }
steps:
  - name: rest
    wait: 3s
";

const CONFIG: &str = "\
plugins: []
runtimes:
  - id: default
    environment: development
    playbooks: [playbooks]
";

/// Connections that start executions.
const CONNECTIONS: usize = 50;

/// Single wake-ups on an idle host.
const SINGLE: usize = 10;

const START: &str = "/api/v1/runtimes/default/executions";
const START_AND_WAIT: &str = "/api/v1/runtimes/default/executions?wait=60s";

/// Measures and prints.
pub(crate) fn run(args: &Args) -> Result<()> {
    build()?;
    let folder = work::scratch("waiting")?;
    prepare(folder.path())?;
    let flush = flush::median(folder.path())?;

    let host = Server::orgata(folder.path())?;
    let idle = host.resident()?;
    single(&host)?;
    let asked = load::run(&order(&host, START, "asks", "{}"), &Until::Answers(args.questions))?;
    let after = host.resident()?;
    host.stop()?;
    let host = Server::orgata(folder.path())?;
    anstream::println!(
        "\n| waiting for a person | started/s | memory before | after | after a new start | new start | flush |"
    );
    anstream::println!("|---:|---:|---:|---:|---:|---:|---:|");
    anstream::println!(
        "| {} | {:.0} | {} MB | {} MB | {} MB | {:.0} ms | {:.2} ms |\n",
        args.questions,
        asked.rate(),
        megabytes(idle),
        megabytes(after),
        megabytes(host.resident()?),
        milliseconds(host.start_up),
        milliseconds(flush)
    );
    single(&host)?;
    together(&host, args.times)?;
    host.stop()
}

fn prepare(folder: &Path) -> Result<()> {
    std::fs::create_dir(folder.join("playbooks"))?;
    for (name, text) in [("asks", ASKS), ("until", UNTIL), ("soon", SOON)] {
        std::fs::write(folder.join("playbooks").join(format!("{name}.yaml")), text)?;
    }
    Ok(std::fs::write(folder.join("orgata.yaml"), CONFIG)?)
}

fn order(host: &Server, path: &'static str, playbook: &str, input: &str) -> Load {
    let body = Bytes::from(format!(r#"{{"playbookName":"{playbook}","input":{input}}}"#));
    Load {
        address: host.address,
        path,
        headers: &[],
        body,
        concurrency: CONNECTIONS,
        spread: Duration::ZERO,
        succeeded: accepted,
    }
}

/// One after the other: how late each was woken.
fn single(host: &Server) -> Result<()> {
    let order = Load { concurrency: 1, ..order(host, START_AND_WAIT, "soon", "{}") };
    let outcome = load::run(&order, &Until::Answers(SINGLE))?;
    let mut ends = ends(host, "soon", SINGLE, Duration::ZERO)?;
    ends.iter_mut().for_each(|end| end.late -= SignedDuration::from_secs(3));
    tell(&format!("{SINGLE} single waits of 3 s"), &mut ends);
    let heard = milliseconds(outcome.percentile(0.5)) - 3_000.0;
    anstream::println!("their callers heard of it after 3 s and {heard:.1} ms (p50)\n");
    Ok(())
}

/// Many at the same moment: how late each was done.
fn together(host: &Server, count: usize) -> Result<()> {
    // They are all to be there before their moment comes.
    let began = Instant::now();
    let probe = order(host, START, "until", &until(now() + SignedDuration::from_hours(1)));
    load::run(&probe, &Until::Answers(count.div_ceil(10)))?;
    let patience = began.elapsed() * 20 + Duration::from_secs(5);
    let moment = now() + SignedDuration::try_from(patience)?;
    load::run(&order(host, START, "until", &until(moment)), &Until::Answers(count))?;
    if now() > moment {
        bail!("the moment came before all {count} executions waited for it: the machine is too busy");
    }
    let mut ends = ends(host, "until", count, patience)?;
    for end in &mut ends {
        end.late = end.at.duration_since(moment);
    }
    tell(&format!("{count} waits for one moment"), &mut ends);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "what is measured is how true the host is to the real time")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn until(moment: Timestamp) -> String {
    format!(r#"{{"until":"{moment}"}}"#)
}

/// When an execution ended, and how long after what it is compared with.
struct End {
    at: Timestamp,
    late: SignedDuration,
}

fn tell(what: &str, ends: &mut [End]) {
    ends.sort_by_key(|end| end.late);
    let at = |share: usize| ends.get((ends.len() * share).div_ceil(100).saturating_sub(1));
    let late = |share| at(share).map_or(f64::NAN, |end: &End| end.late.as_secs_f64() * 1_000.0);
    anstream::println!(
        "{what}: ended late by {:.1} ms (p50), {:.1} ms (p99), {:.1} ms (last)",
        late(50),
        late(99),
        late(100)
    );
}

/// The ends of the last `count` executions of a playbook, as soon as all have ended.
fn ends(host: &Server, playbook: &str, count: usize, patience: Duration) -> Result<Vec<End>> {
    const LONGEST: Duration = Duration::from_secs(120);
    let began = Instant::now();
    loop {
        let ends = ended(host, playbook, count)?;
        if ends.len() == count {
            return Ok(ends);
        }
        if began.elapsed() > patience + LONGEST {
            bail!("only {} of {count} executions of {playbook} ended", ends.len());
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// The newest ended executions of a playbook, at most `count`.
fn ended(host: &Server, playbook: &str, count: usize) -> Result<Vec<End>> {
    let mut ends = Vec::new();
    let mut cursor = None::<String>;
    while ends.len() < count {
        let limit = (count - ends.len()).min(200);
        let from = cursor.as_deref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let path = format!("/api/v1/executions?playbook={playbook}&status=succeeded&limit={limit}{from}");
        let page: Page =
            serde_json::from_value(load::get(host.address, &path)?).context("an unknown page")?;
        for execution in page.items {
            ends.push(End {
                at: execution.ended_at,
                late: execution.ended_at.duration_since(execution.started_at),
            });
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(ends)
}

/// What is read of a page of executions.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    items: Vec<Ended>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ended {
    started_at: Timestamp,
    ended_at: Timestamp,
}

/// A started execution, wherever it stands.
fn accepted(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Handle {
        execution_id: String,
    }
    serde_json::from_slice::<Handle>(body).ok().map(|handle| handle.execution_id)
}
