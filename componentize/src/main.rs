//! `orgata-componentize`: makes a WebAssembly component of JavaScript, with nothing else installed.
//!
//! ```text
//! orgata-componentize MEMORY SECONDS WIT WORLD ENTRY > plugin.wasm
//! ```
//!
//! `WIT` is a file or folder of interfaces, `WORLD` one of its worlds, `ENTRY` the module that exports what the world
//! wants; the modules that it imports are found beside it, never outside of the folder that this is run in. Evaluating
//! a module runs it, inside of WebAssembly and with nothing to reach; that, and the compiler below it, is why this
//! process first limits itself to `MEMORY` bytes and `SECONDS` of processor time (0: no limit).
//!
//! The component goes to standard output, and complaints to standard error. Exit codes: 0 well; 3 the sources are at
//! fault; 2 wrong usage; anything else is a fault of this machine.
//!
//! Not here: time on the clock, the size of the result, how many run at once. Whoever starts this sees to them.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use componentize_qjs::{ComponentizeOpts, Runtime, componentize};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The sources are at fault; the reason is on standard error.
const AT_FAULT: u8 = 3;

/// How far it stands behind the host where both want the processor.
const BEHIND: i32 = 10;

/// Address space that the interpreter's memory reserves and mostly never touches.
const RESERVED: u64 = 8 << 30;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [memory, seconds, wit, world, entry] = arguments.as_slice() else {
        return complain("usage: orgata-componentize MEMORY SECONDS WIT WORLD ENTRY", 2);
    };
    let limits = (memory.parse(), seconds.parse());
    let (Ok(memory), Ok(seconds)) = limits else {
        return complain("MEMORY and SECONDS are whole numbers", 2);
    };
    if let Err(error) = limit_ourselves(memory, seconds) {
        return complain(&format!("limits cannot be set: {error}"), 1);
    }
    let component = match componentized(Path::new(wit), world, Path::new(entry)) {
        Ok(component) => component,
        Err(error) => return complain(&format!("{error:#}"), AT_FAULT),
    };
    match std::io::stdout().write_all(&component) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error.to_string(), 1),
    }
}

/// One thread: the engine brings its own where compiling gains by them.
fn componentized(wit: &Path, world: &str, entry: &Path) -> anyhow::Result<Vec<u8>> {
    let source =
        std::fs::read_to_string(entry).with_context(|| format!("{} cannot be read", entry.display()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(componentize(&ComponentizeOpts {
        wit_path: wit,
        js_source: &source,
        js_path: Some(entry),
        module_root: Some(Path::new(".")),
        world_name: Some(world),
        // The host links them, virtual as they are for every guest.
        stub_wasi: false,
        disable_gc: false,
        runtime: Runtime::DefaultSync,
    }))
}

fn complain(reason: &str, code: u8) -> ExitCode {
    // Nowhere is left to complain about that the complaint cannot be written.
    let _ = writeln!(std::io::stderr(), "{reason}");
    ExitCode::from(code)
}

fn limit_ourselves(memory: u64, seconds: u64) -> std::io::Result<()> {
    // It is no matter where this is not possible.
    let _ = rustix::process::nice(BEHIND);
    // Processor time counts for every thread.
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let limit = |most: u64, factor: u64| (most > 0).then(|| most.saturating_mul(factor));
    let limits = [
        // What is reserved and not written to does not count here, so this one is about memory that is really used;
        // the next is for systems that know no better.
        (Resource::Data, limit(memory, 1)),
        (Resource::As, limit(memory, 1).map(|memory| memory.saturating_add(RESERVED))),
        (Resource::Cpu, limit(seconds, threads)),
        (Resource::Core, Some(0)),
    ];
    for (resource, most) in limits {
        if let Some(most) = most {
            limit_to(resource, most)?;
        }
    }
    Ok(())
}

/// Lowers a limit; what was lower already stays.
fn limit_to(resource: Resource, most: u64) -> std::io::Result<()> {
    let before = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    // The signal that says why comes at the lower one, the one that kills at the higher.
    let (current, maximum) = (most.min(before), most.saturating_add(1).min(before));
    Ok(setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) })?)
}
