//! What a light runtime feels of another that takes all it can get.
//!
//! The light one runs an operation a time, over one connection. Beside it, the noisy one runs W1, W2 or operations
//! that compute for ever, over many. Each noise is measured between two quiet rows of the same host.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;

use super::load::{self, Load, Outcome, Until};
use super::server::Server;
use super::steps::build;
use super::{flush, milliseconds, work};
use crate::repo;

/// What `bench neighbours` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long each row is measured.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Connections of the noisy one.
    #[arg(long, default_value_t = 50)]
    noisy: usize,
}

const CONFIG: &str = "\
plugins: [plugins]
sandbox: { time: 500ms }
runtimes:
  - { id: light, environment: development, playbooks: [light] }
  - { id: noisy, environment: development, playbooks: [noisy] }
";

const LIGHT: &str = "/api/v1/runtimes/light/executions?wait=30s";
const NOISY: &str = "/api/v1/runtimes/noisy/executions?wait=30s";

/// What the noisy runtime does, and the operation that its ten steps have.
const NOISES: [(&str, &str); 3] = [
    ("ten pure steps", "bench/noop"),
    ("ten effectful steps", "bench-effect/noop"),
    ("operations that never end", "hostile/loop"),
];

/// How long it takes until all of the noisy ones ask. Operations that never end all take the time that the sandbox
/// gives them: this.
const SPREAD: Duration = Duration::from_millis(500);

/// Measures and prints the table.
pub(crate) fn run(args: &Args) -> Result<()> {
    build()?;
    let folder = work::scratch("neighbours")?;
    prepare(folder.path())?;
    let host = Server::orgata(folder.path())?;
    anstream::println!("\n| beside the light runtime | light/s | p50 ms | p99 ms | noisy/s | flush ms |");
    anstream::println!("|---|---:|---:|---:|---:|---:|");
    quiet(&host, folder.path(), args)?;
    let busy = Busy::begin();
    let pressed = light(&host, args);
    drop(busy);
    row("threads outside of the host that compute", &pressed?, 0.0, folder.path())?;
    quiet(&host, folder.path(), args)?;
    for (number, (name, _)) in NOISES.iter().enumerate() {
        let noise = Noise::begin(&host, number, args.noisy);
        let pressed = light(&host, args);
        let noisy = noise.end()?;
        row(name, &pressed?, noisy.rate(), folder.path())?;
        quiet(&host, folder.path(), args)?;
    }
    host.stop()
}

fn quiet(host: &Server, folder: &Path, args: &Args) -> Result<()> {
    row("nothing", &light(host, args)?, 0.0, folder)
}

fn light(host: &Server, args: &Args) -> Result<Outcome> {
    let body = Bytes::from_static(br#"{"playbookName":"light","input":{}}"#);
    let load = Load {
        address: host.address,
        path: LIGHT,
        headers: &[],
        body,
        concurrency: 1,
        spread: Duration::ZERO,
        succeeded: answered,
    };
    load::run(&load, &work::measured(args.seconds))
}

fn row(beside: &str, light: &Outcome, noisy: f64, folder: &Path) -> Result<()> {
    anstream::println!(
        "| {beside} | {:.0} | {:.2} | {:.2} | {noisy:.0} | {:.2} |",
        light.rate(),
        milliseconds(light.percentile(0.5)),
        milliseconds(light.percentile(0.99)),
        milliseconds(flush::median(folder)?),
    );
    Ok(())
}

/// As many threads as there are processors, which compute until it is dropped: what the system itself does to
/// light work when others want the processors.
struct Busy {
    stop: Arc<AtomicBool>,
}

impl Busy {
    fn begin() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self { stop }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The noisy runtime at work, until it is ended.
struct Noise {
    stop: Arc<AtomicBool>,
    load: thread::JoinHandle<Result<Outcome>>,
}

impl Noise {
    fn begin(host: &Server, number: usize, connections: usize) -> Self {
        let body = Bytes::from(format!(r#"{{"playbookName":"noise-{number}","input":{{}}}}"#));
        let load = Load {
            address: host.address,
            path: NOISY,
            headers: &[],
            body,
            concurrency: connections,
            spread: SPREAD,
            succeeded: answered,
        };
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let load = thread::spawn(move || load::run(&load, &Until::Told(told)));
        Self { stop, load }
    }

    fn end(self) -> Result<Outcome> {
        self.stop.store(true, Ordering::Relaxed);
        self.load.join().ok().context("the noise's thread panicked")?
    }
}

/// Any execution that has ended, well or not: an operation that never ends is stopped.
fn answered(body: &[u8]) -> Option<String> {
    let has = |words| load::has(body, words);
    (has(r#""status":"succeeded""#) || has(r#""status":"failed""#)).then(String::new)
}

fn prepare(folder: &Path) -> Result<()> {
    for part in ["plugins", "light", "noisy"] {
        std::fs::create_dir(folder.join(part))?;
    }
    for plugin in ["bench", "bench-effect", "hostile"] {
        let file = format!("{plugin}.wasm");
        let guest = repo::guests().join(&file);
        std::fs::copy(&guest, folder.join("plugins").join(file))
            .with_context(|| format!("cannot copy {}", guest.display()))?;
    }
    std::fs::write(folder.join("orgata.yaml"), CONFIG)?;
    let light = "name: light\nsteps: [{ name: only, operation: bench/noop }]\n";
    std::fs::write(folder.join("light/light.yaml"), light)?;
    for (number, (_, operation)) in NOISES.iter().enumerate() {
        let mut playbook = format!("name: noise-{number}\nsteps:\n");
        for step in 1..=10 {
            // One after the other: each names the one before.
            let after = if step > 1 { format!(", dependsOn: [s{}]", step - 1) } else { String::new() };
            playbook += &format!("  - {{ name: s{step}, operation: {operation}{after} }}\n");
        }
        std::fs::write(folder.join(format!("noisy/noise-{number}.yaml")), playbook)?;
    }
    Ok(())
}
