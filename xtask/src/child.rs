//! Running other programs: shown before they start, and named when they fail.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context as _, Result, bail};

use crate::repo;

/// Cargo, the very one that runs this, in the root folder. What it builds goes where [`repo::target`]
/// says, whatever cargo's own configuration would prefer: the other tasks look for it there.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = command(&program, &repo::root(), args);
    cargo.env("CARGO_TARGET_DIR", repo::target());
    // What `cargo run` says of this very package. Build scripts watch some of it: a build from here and one by
    // hand would each take the other for a change, and begin anew.
    for (name, _) in std::env::vars_os() {
        if ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|own| name.to_string_lossy().starts_with(own)) {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Cargo on the host's workspace. Once [`lint`] was called, Clippy is its compiler, so that what is built for the tests is
/// linted by the way: checking all dependencies for the lints alone would take as long as building them.
pub(crate) fn host_cargo(args: &[&str]) -> Command {
    let mut cargo = cargo(args);
    if let Ok(linter) = LINTER.lock()
        && let Some(linter) = linter.as_ref()
    {
        cargo.env("RUSTC_WORKSPACE_WRAPPER", linter).env("CLIPPY_ARGS", "-Dwarnings");
    }
    cargo
}

/// From now on, host's crates are compiled by this program, or by the compiler itself.
pub(crate) fn lint(linter: Option<PathBuf>) {
    if let Ok(mut now) = LINTER.lock() {
        *now = linter;
    }
}

static LINTER: Mutex<Option<PathBuf>> = Mutex::new(None);

/// A program in a folder.
pub(crate) fn command(program: impl AsRef<OsStr>, folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).args(args);
    command
}

/// Runs it with our own output; an exit code other than 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    announce(command);
    let status = command.status().with_context(|| format!("cannot start {}", line(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", line(command));
    }
    Ok(())
}

/// Runs it and gives what it printed; what it says on standard error goes to ours.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", line(command)))?;
    if !output.status.success() {
        bail!("{} ended with {}", line(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("{} printed something else than text", line(command)))
}

/// True when the program can be started and says that all is well. Prints nothing.
pub(crate) fn answers(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Tells what is about to run.
pub(crate) fn announce(command: &Command) {
    anstream::eprintln!("\u{1b}[2m$ {}\u{1b}[0m", line(command));
}

/// The command as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_stem().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Runs it, passes on what it prints line by line, and shows every line to `see` without its colours.
/// Gives whether it ended well.
pub(crate) fn watch(command: &mut Command, see: &mut (dyn FnMut(&str) + Send)) -> Result<bool> {
    watch_to(command, see, &mut std::io::stdout(), &mut std::io::stderr())
}

/// The same, and passes nothing on.
pub(crate) fn watch_quietly(command: &mut Command, see: &mut (dyn FnMut(&str) + Send)) -> Result<bool> {
    watch_to(command, see, &mut std::io::sink(), &mut std::io::sink())
}

fn watch_to(
    command: &mut Command,
    see: &mut (dyn FnMut(&str) + Send),
    to_out: &mut (dyn Write + Send),
    to_err: &mut (dyn Write + Send),
) -> Result<bool> {
    announce(command);
    let started = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = started.with_context(|| format!("cannot start {}", line(command)))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let see = Mutex::new(see);
    thread::scope(|scope| {
        scope.spawn(|| err.map(|err| pass_on(err, to_err, &see)));
        scope.spawn(|| out.map(|out| pass_on(out, to_out, &see)));
    });
    Ok(child.wait().with_context(|| format!("lost sight of {}", line(command)))?.success())
}

/// Copies until the end. A reader that went away ends it too: the program is then told by its own writes.
fn pass_on(from: impl Read, to: &mut dyn Write, see: &Mutex<&mut (dyn FnMut(&str) + Send)>) {
    let mut from = BufReader::new(from);
    let mut bytes = Vec::new();
    while from.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
        if to.write_all(&bytes).and_then(|()| to.flush()).is_err() {
            return;
        }
        let plain = anstream::adapter::strip_str(&String::from_utf8_lossy(&bytes)).to_string();
        if let Ok(mut see) = see.lock() {
            see(&plain);
        }
        bytes.clear();
    }
}
