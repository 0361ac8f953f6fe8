//! JavaScript becomes a component by `orgata-componentize`, a program of this project that stands beside the host.
//!
//! Its memory and processor time are limited by itself, before it reads a byte; time on the clock and the size of what it
//! gives are limited here. It gets no environment.
//!
//! `package.json` says what to build: `main` is the module that exports `operations`, and `orgata.world` the world of
//! the contract. Without the file, the only module of the folder is built, for the world `pure-plugin`.

use std::path::Path;

use orgata_engine::ports::{BuildError, Built, SourceProblem};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::Command;

use crate::child::{self, Broken, Ended, Limits};
use crate::refusal::{bad, because, failed, io, over_limit, refuse};
use crate::scaffold::CONTRACT;
use crate::settings::Settings;
use crate::sources::write;

/// How it says that the sources are at fault.
const AT_FAULT: i32 = 3;

/// Longest complaint that is read.
const MAX_COMPLAINT: u64 = 16 * 1024;

/// The world of whoever names none.
const DEFAULT_WORLD: &str = "pure-plugin";

/// The part of `package.json` that counts here.
#[derive(Debug, Default, Deserialize)]
struct Package {
    #[serde(default)]
    main: Option<String>,
    #[serde(default)]
    orgata: Section,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    #[serde(default)]
    world: Option<String>,
}

/// Builds the plugin in a folder, which is only read.
pub(crate) async fn build(settings: &Settings, folder: &Path) -> Result<Built, BuildError> {
    let program = settings.componentizer().ok_or_else(|| {
        let message =
            "plugins in JavaScript cannot be built here: there is no `orgata-componentize` beside the host";
        let hint = "build it with `cargo xtask componentize`, or name it in workshop.componentizer";
        refuse("NOT_AVAILABLE", message, hint)
    })?;
    let package = package(folder)?;
    let entry = entry(folder, &package)?;
    let world = package.orgata.world.as_deref().unwrap_or(DEFAULT_WORLD);
    let contract = Contract::of(folder)?;
    let mut command = Command::new(program);
    let seconds = settings.time.0.as_secs().saturating_add(1);
    command.args([settings.memory_bytes.to_string(), seconds.to_string()]);
    command.arg(contract.path()).args([world, &entry]).env_clear().current_dir(folder);
    let limits = Limits { time: settings.time.0, output: settings.component_bytes, said: MAX_COMPLAINT };
    judge(child::run(command, &limits).await, settings)
}

fn package(folder: &Path) -> Result<Package, BuildError> {
    match std::fs::read(folder.join("package.json")) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
            let hint =
                r#"it looks like { "name": "x", "main": "x.js", "orgata": { "world": "pure-plugin" } }"#;
            because(bad("package.json cannot be understood", hint), &error)
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Package::default()),
        Err(error) => Err(io("package.json cannot be read", &error)),
    }
}

/// The module to build, as a path from the folder.
fn entry(folder: &Path, package: &Package) -> Result<String, BuildError> {
    let Some(main) = &package.main else { return only_module(folder) };
    let main = main.strip_prefix("./").unwrap_or(main);
    let inside = Path::new(main).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if inside && folder.join(main).is_file() {
        return Ok(main.to_owned());
    }
    let message = format!("there is no file {main:.100?}, which package.json names as `main`");
    Err(bad(message, "name the module that exports `operations` in `main` of package.json"))
}

fn only_module(folder: &Path) -> Result<String, BuildError> {
    let entries = std::fs::read_dir(folder).map_err(|error| io("the folder cannot be listed", &error))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut modules: Vec<_> = names.filter(|name| name.ends_with(".js") || name.ends_with(".mjs")).collect();
    match (modules.pop(), modules.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Err(bad(
            "there is no module: no file ends in .js",
            "write the plugin into one, such as `plugin.js`",
        )),
        (Some(_), false) => Err(bad(
            "there are several modules, and no package.json",
            "name the one that exports `operations` as `main` in package.json",
        )),
    }
}

/// The interfaces that the folder is built against: its own, or those of this host.
enum Contract {
    Own(std::path::PathBuf),
    Host(TempDir),
}

impl Contract {
    fn of(folder: &Path) -> Result<Self, BuildError> {
        let own = folder.join("wit");
        if own.is_dir() {
            return std::path::absolute(own)
                .map(Self::Own)
                .map_err(|error| io("the folder cannot be found", &error));
        }
        let unwritable = |error: std::io::Error| io("the contract cannot be written", &error);
        let folder = TempDir::with_prefix("orgata-wit-").map_err(unwritable)?;
        write(folder.path(), "plugin.wit", CONTRACT).map_err(unwritable)?;
        Ok(Self::Host(folder))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Own(path) => path,
            Self::Host(folder) => folder.path(),
        }
    }
}

fn judge(ended: Result<Ended, Broken>, settings: &Settings) -> Result<Built, BuildError> {
    const ENDLESS: &str =
        "see to it that the modules do little when they are loaded: a loop there runs at build time";
    let ended = match ended {
        Ok(ended) => ended,
        Err(Broken::Time) => return Err(over_limit("time", settings.time, ENDLESS)),
        Err(Broken::Output) => {
            return Err(over_limit("componentBytes", settings.component_bytes, "make the plugin smaller"));
        }
        Err(Broken::Io(error)) => return Err(io("orgata-componentize cannot be run", &error)),
    };
    if ended.status.success() {
        return Ok(Built { component: ended.output, warnings: Vec::new() });
    }
    if ended.status.code() == Some(AT_FAULT) {
        return Err(fault(&ended.said, settings));
    }
    Err(crashed(&ended, settings))
}

/// The sources are at fault, if it was not for want of memory.
fn fault(said: &str, settings: &Settings) -> BuildError {
    if is_want_of_memory(said) {
        return over_limit(
            "memoryBytes",
            settings.memory_bytes,
            "make the modules keep less when they are loaded",
        );
    }
    failed(vec![problem(said)], "")
}

fn crashed(ended: &Ended, settings: &Settings) -> BuildError {
    use std::os::unix::process::ExitStatusExt as _;
    if ended.status.signal() == Some(rustix::process::Signal::XCPU.as_raw()) {
        return over_limit(
            "time",
            settings.time,
            "see to it that the modules do little when they are loaded",
        );
    }
    if is_want_of_memory(&ended.said) {
        return over_limit(
            "memoryBytes",
            settings.memory_bytes,
            "make the modules keep less when they are loaded",
        );
    }
    let mut error = refuse(
        "BUILD_FAILED",
        format!("orgata-componentize ended with {}", ended.status),
        "see the cause; the sources may make the compiler fail",
    );
    error.causes.push(cut(&ended.said));
    error
}

fn is_want_of_memory(said: &str) -> bool {
    ["out of memory", "memory allocation of", "annot allocate memory", "failed to spawn thread"]
        .iter()
        .any(|sign| said.contains(sign))
}

/// What the interpreter says, with its place: the first one of a module of the plugin's.
fn problem(said: &str) -> SourceProblem {
    let place = said.lines().filter_map(|line| line.trim().strip_prefix("at ")).find_map(place);
    let (file, line, column) = place.map_or((None, None, None), |(file, line, column)| {
        (Some(file.trim_start_matches('/').to_owned()), Some(line), column)
    });
    SourceProblem { file, line, column, message: message(said) }
}

/// `f (/a.js:3:7)` or `/a.js:3:7`, as stacks have it.
fn place(text: &str) -> Option<(&str, u32, Option<u32>)> {
    let text =
        text.strip_suffix(')').and_then(|text| text.rsplit_once('(')).map_or(text, |(_, inside)| inside);
    let (head, last) = text.trim().rsplit_once(':')?;
    let last = last.parse().ok()?;
    match head.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?))) {
        Some((file, line)) => Some((file, line, Some(last))),
        None => Some((head, last, None)),
    }
    .filter(|(file, ..)| file.ends_with(".js") || file.ends_with(".mjs") || file.ends_with(".json"))
}

/// What it says without its stack, and without what the tools say of where in themselves they were.
fn message(said: &str) -> String {
    let head = said.split("\n    at ").next().unwrap_or(said).trim();
    let told = head.rsplit("JavaScript module: ").next().unwrap_or(head).trim_start_matches(':').trim();
    match told.split_once("Error resolving module ").and_then(|(_, rest)| rest.split_once("': ")) {
        // Why it was not found says which files this machine has.
        Some((modules, _)) => cut(&format!("there is no module {modules}' in the plugin's folder")),
        None => cut(told),
    }
}

/// As much as is worth reading; control characters out.
fn cut(text: &str) -> String {
    let plain = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    text.trim().chars().take(2000).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_in_a_stack_is_where_it_went_wrong() {
        let said = "Failed to evaluate user JavaScript module: Failed to declare JavaScript module: Error: expecting ';'\n    \
                    at /greeter.js:3:17\n    at f (/other.js:9:1)\n";
        let found = problem(said);
        assert_eq!(found.file.as_deref(), Some("greeter.js"));
        assert_eq!((found.line, found.column), (Some(3), Some(17)));
        assert_eq!(found.message, "Error: expecting ';'");
    }

    #[test]
    fn what_has_no_place_is_told_whole() {
        let found = problem("world `nowhere` not found in package");
        assert_eq!((found.file, found.line), (None, None));
        assert_eq!(found.message, "world `nowhere` not found in package");
        assert_eq!(place("native"), None);
        assert_eq!(place("f (/lib/a.mjs:12)"), Some(("/lib/a.mjs", 12, None)));
    }

    #[test]
    fn a_module_that_is_not_found_tells_nothing_of_the_machine() {
        let said = ": Failed to evaluate user JavaScript module: Failed to declare JavaScript module: Error: Error resolving \
                    module '/etc/hostname' from '/a.js': resolved JavaScript module /etc/hostname is not under /tmp/x";
        assert_eq!(
            problem(said).message,
            "there is no module '/etc/hostname' from '/a.js' in the plugin's folder"
        );
    }

    #[test]
    fn the_module_to_build_is_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let package = |main: &str| Package { main: Some(main.to_owned()), ..Package::default() };
        assert!(entry(folder.path(), &Package::default()).is_err());
        std::fs::write(folder.path().join("a.js"), "").unwrap();
        assert_eq!(entry(folder.path(), &Package::default()).unwrap(), "a.js");
        assert_eq!(entry(folder.path(), &package("./a.js")).unwrap(), "a.js");
        for outside in ["../a.js", "/etc/passwd", "b.js", ""] {
            assert_eq!(entry(folder.path(), &package(outside)).unwrap_err().code, "BAD_SOURCES", "{outside}");
        }
        std::fs::write(folder.path().join("b.js"), "").unwrap();
        assert!(entry(folder.path(), &Package::default()).unwrap_err().message.contains("several modules"));
    }
}
