//! `cargo xtask schemathesis`: the running host against its own OpenAPI document, with every check on.
//!
//! Schemathesis (PyPI) makes requests of the document, good ones and bad ones, and holds every answer to it: no 5xx, no
//! status and no shape that is not documented, nothing bad accepted, nothing good refused, nobody let in without a key. All of
//! its checks are on, in all of its phases. It lives in a folder of its own below `target/`. Without Python there is nothing to
//! run, which is said and is no failure.
//!
//! Left out: the stream of events alone, which has no end while an execution waits. `xtask/schemathesis.toml` and
//! `xtask/schemathesis.py` say what a document of OpenAPI cannot.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::bench::server::Server;
use crate::{child, plugins, repo};

/// The version that is run: others find other things, which should not be a surprise.
const VERSION: &str = "schemathesis==4.32.5";
/// The operation that is left out: its answer lasts as long as the execution.
const LEFT_OUT: &str = "followExecution";
/// A host that has something to be asked for, and asks who calls.
const CONFIG: &str = "plugins: [plugins]
runtimes: [{ id: kitchen-v1, environment: development, playbooks: [playbooks] }]
api: { bodyTimeout: 3s, rate: { requestsPerSecond: 0 } }
authentication: { apiKeys: true }
";

/// What `schemathesis` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Requests of each kind for each operation.
    #[arg(long, default_value_t = 20)]
    examples: u32,
    /// For how many seconds.
    #[arg(long, default_value_t = 600)]
    seconds: u32,
}

/// Builds the host, starts it on a scratch folder, and asks.
pub(crate) fn run(args: &Args) -> Result<()> {
    let Some(program) = program()? else {
        anstream::eprintln!("python3 with venv and pip is not here: the API is not tried with schemathesis");
        return Ok(());
    };
    child::run(&mut child::cargo(&["build", "--workspace", "--bins"]))?;
    let folder = tempfile::tempdir()?;
    furnish(folder.path())?;
    let key = key(folder.path())?;
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", "data", "--config", "orgata.yaml"];
    let server =
        Server::start(&mut child::command(repo::debug_binary(), folder.path(), &serve), folder.path())?;
    let document = format!("http://{}/api/openapi.json", server.address);
    let (examples, seconds) = (args.examples.to_string(), args.seconds.to_string());
    let config = repo::root().join("xtask/schemathesis.toml");
    let config = config.to_string_lossy();
    let bearer = format!("Authorization: Bearer {key}");
    let words = [
        &["--config-file", &config, "run", &document, "--header", &bearer, "--checks", "all"][..],
        &["--phases", "examples,coverage,fuzzing,stateful"],
        &["--max-examples", &examples, "--max-time", &seconds, "--seed", "1", "--continue-on-failure"],
        &["--request-timeout", "60", "--exclude-operation-id", LEFT_OUT],
    ]
    .concat();
    let mut asking = child::command(program, folder.path(), &words);
    asking.env("SCHEMATHESIS_HOOKS", repo::root().join("xtask/schemathesis.py"));
    let asked = child::run(&mut asking);
    server.stop()?;
    asked.context("the host and its OpenAPI document disagree: see above")
}

/// A key that may do everything, made where the data is.
fn key(folder: &Path) -> Result<String> {
    let make = [
        "--config",
        "orgata.yaml",
        "--data",
        "data",
        "key",
        "create",
        "tester",
        "--kind",
        "user",
        "--everything",
    ];
    let made = child::output(&mut child::command(repo::debug_binary(), folder, &make))?;
    Ok(made.trim().to_owned())
}

/// The program, installed when it is not there yet; nothing where it cannot be.
fn program() -> Result<Option<PathBuf>> {
    let home = repo::target().join("schemathesis");
    let program = home.join("bin/schemathesis");
    let version = || child::output(&mut child::command(&program, &repo::root(), &["--version"]));
    let wanted = VERSION.rsplit('=').next().unwrap_or_default();
    if program.exists() && version().is_ok_and(|version| version.contains(wanted)) {
        return Ok(Some(program));
    }
    let at = home.to_string_lossy();
    if !child::answers(&mut child::command("python3", &repo::root(), &["-m", "venv", &at])) {
        return Ok(None);
    }
    let pip = home.join("bin/pip");
    child::run(&mut child::command(pip, &repo::root(), &["install", "--quiet", VERSION]))?;
    Ok(Some(program))
}

/// A playbook and the plugin that it needs.
fn furnish(folder: &Path) -> Result<()> {
    for name in ["plugins", "playbooks"] {
        fs::create_dir(folder.join(name))?;
    }
    fs::write(folder.join("orgata.yaml"), CONFIG)?;
    let playbook = repo::root().join("playbooks/pbj-sandwich.yaml");
    fs::copy(playbook, folder.join("playbooks/pbj-sandwich.yaml"))?;
    let plugin = repo::plugins().join("kitchen.wasm");
    if !plugin.exists() {
        plugins::build()?;
    }
    fs::copy(&plugin, folder.join("plugins/kitchen.wasm"))
        .with_context(|| format!("{} is missing", repo::shown(&plugin)))?;
    Ok(())
}
