//! Compiling in a process of its own, which can be stopped: bytes in, compiled code out.
//!
//! The host runs its own binary as `orgata __compile`; that calls [`compile_child_main`]. The process limits
//! itself before it reads a byte, so a component that makes the compiler eat memory or time ends it, and
//! nothing else.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use orgata_engine::ports::LoadError;
use orgata_model::duration::DurationText;
use orgata_model::text::{cut, escaped};
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::{invalid, over_limit};
use crate::machine;
use crate::refusal::{Refusal as _, io, refuse};
use crate::settings::Settings;

/// What the binary is asked to do.
const COMMAND: &str = "__compile";
const MEMORY: &str = "ORGATA_COMPILE_MEMORY";
const SECONDS: &str = "ORGATA_COMPILE_SECONDS";

/// The component is not valid; the reason is on standard error.
const INVALID: u8 = 3;

/// How far the compiling process stands behind the host where both want the processor.
const BEHIND: i32 = 10;

/// Longest complaint that is read.
const MAX_COMPLAINT: u64 = 16 * 1024;

/// Compiles with the given program.
pub(super) async fn compile(program: &Path, settings: &Settings, bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    let child =
        start(program, settings).map_err(|error| io("the compiling process does not start", &error))?;
    match tokio::time::timeout(settings.compile_time, talk(child, settings, bytes)).await {
        // Dropping the child kills it.
        Err(_) => Err(too_long(settings)),
        Ok(Err(error)) => Err(io("the compiling process cannot be talked to", &error)),
        Ok(Ok((status, artifact, complaint))) => judge(status, artifact, &complaint, settings),
    }
}

fn start(program: &Path, settings: &Settings) -> std::io::Result<Child> {
    let seconds = settings.compile_time + Duration::from_secs(1);
    Command::new(program)
        .arg(COMMAND)
        .env_clear()
        .env(MEMORY, settings.compile_memory.get().to_string())
        .env(SECONDS, seconds.as_secs().to_string())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

async fn talk(
    mut child: Child,
    settings: &Settings,
    bytes: &[u8],
) -> std::io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
    let (Some(mut input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(std::io::Error::other("the process has no pipes"));
    };
    let feed = async move {
        // A process that died early says why by itself; that its input broke says nothing more.
        let _ = input.write_all(bytes).await;
        drop(input);
    };
    let (mut artifact, mut complaint) = (Vec::new(), Vec::new());
    let mut output = output.take(settings.compile_memory.get());
    let mut errors = errors.take(MAX_COMPLAINT);
    let (_, read, complained) =
        tokio::join!(feed, output.read_to_end(&mut artifact), errors.read_to_end(&mut complaint));
    read?;
    complained?;
    Ok((child.wait().await?, artifact, complaint))
}

fn judge(
    status: ExitStatus,
    artifact: Vec<u8>,
    complaint: &[u8],
    settings: &Settings,
) -> Result<Vec<u8>, LoadError> {
    use std::os::unix::process::ExitStatusExt as _;
    let complaint = String::from_utf8_lossy(complaint);
    let complaint = std::io::Error::other(escaped(cut(complaint.trim(), 2000)));
    if status.success() {
        return Ok(artifact);
    }
    if status.code() == Some(INVALID.into()) {
        return Err(invalid().because(&complaint));
    }
    let said = complaint.to_string();
    if status.signal() == Some(rustix::process::Signal::XCPU.as_raw()) {
        return Err(too_long(settings));
    }
    // Rust says so before it aborts; a thread that cannot be made for want of memory panics.
    if said.contains("memory allocation of")
        || said.contains("failed to spawn thread")
        || said.contains("annot allocate memory")
    {
        return Err(over_limit("compileMemory", &settings.compile_memory.to_string()).because(&complaint));
    }
    let message = format!("the compiling process ended with {status}");
    Err(refuse("COMPILE_FAILED", message, "see the cause; the component may make the compiler fail")
        .because(&complaint))
}

fn too_long(settings: &Settings) -> LoadError {
    over_limit("compileTime", &DurationText(settings.compile_time).to_string())
}

/// What the binary does when it is run as `orgata __compile`: reads a component from standard input and
/// writes its compiled form to standard output. Call it before anything else is set up.
pub fn compile_child_main() -> ExitCode {
    let compiled = limit_ourselves().and_then(|()| {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    let bytes = match compiled {
        Ok(bytes) => bytes,
        Err(error) => return complain(&error.to_string(), 1),
    };
    let artifact = match machine::compiler().and_then(|engine| engine.precompile_component(&bytes)) {
        Ok(artifact) => artifact,
        Err(error) => return complain(&format!("{error:#}"), INVALID),
    };
    match std::io::stdout().write_all(&artifact) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error.to_string(), 1),
    }
}

fn complain(reason: &str, code: u8) -> ExitCode {
    // Nowhere is left to complain about that the complaint cannot be written.
    let _ = writeln!(std::io::stderr(), "{reason}");
    ExitCode::from(code)
}

fn limit_ourselves() -> std::io::Result<()> {
    // Whoever waits for a plugin can wait; executions go first. It is no matter where this is not possible.
    let _ = rustix::process::nice(BEHIND);
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    // Processor time counts for every thread.
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let seconds = number(SECONDS).map(|seconds| seconds.saturating_mul(threads));
    for (resource, most) in
        [(Resource::As, number(MEMORY)), (Resource::Cpu, seconds), (Resource::Core, Some(0))]
    {
        if most.is_some() {
            // The signal that says why comes at the lower one, the one that kills at the higher.
            setrlimit(resource, Rlimit { current: most, maximum: most.map(|most| most.saturating_add(1)) })?;
        }
    }
    Ok(())
}
