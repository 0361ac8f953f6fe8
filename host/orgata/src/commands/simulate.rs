//! `orgata simulate`: how a playbook would go, without doing it; in a script, whether it goes as it should.
//!
//! A client like `orgata run`: of the host that runs on the data folder, or else of one that it starts for itself. Nothing
//! is published, and nothing is kept.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use orgata_model::playbook::Playbook;
use orgata_model::playbook::scenario::Scenario;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::answers::json_argument;
use crate::cli::{Global, SimulateArgs};
use crate::client::Client;
use crate::exit;
use crate::one_shot::{self, Manner};
use crate::render::{print_json, simulation};
use crate::wire::Parts as _;

/// As the host names what it was sent.
const SENT: [&str; 2] = ["playbook.yaml", "scenario.yaml"];

pub(crate) async fn simulate(global: &Global, args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let scenario = args.scenario.as_deref().map(read).transpose()?;
    let recorded = recorded(args, scenario.as_deref())?;
    let mut body = Map::new();
    if let Some(input) = &args.input {
        body.insert("input".to_owned(), json_argument("--input", input)?);
    }
    body.insert("recorded".to_owned(), json!(recorded));
    if let Some(scenario) = scenario {
        body.insert("scenario".to_owned(), scenario.into());
    }
    one_shot::with_host(global, Manner::Quiet, async |client| play(client, global, args, body).await).await
}

async fn play(
    client: &Client,
    global: &Global,
    args: &SimulateArgs,
    mut body: Map<String, Value>,
) -> anyhow::Result<ExitCode> {
    let (runtime, playbook) = place(client, args, &mut body).await?;
    let path = format!("/runtimes/{runtime}/playbooks/{playbook}/simulate");
    let body = serde_json::to_vec(&Value::Object(body))?;
    let told = client.send_bytes(Method::POST, &path, "application/json", body).await;
    // The host knows what it was sent by other names.
    let told = told.map_err(|error| exit::renamed(error, &names(args)))?;
    match global.json {
        true => print_json(&told)?,
        false => simulation::print(&told, args.scenario.as_deref()),
    }
    Ok(if told.part("passed") == true { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
}

fn names(args: &SimulateArgs) -> [(&'static str, String); 2] {
    let scenario = args.scenario.as_ref().map(|path| path.display().to_string());
    let [playbook_sent, scenario_sent] = SENT;
    [(playbook_sent, args.playbook.clone()), (scenario_sent, scenario.unwrap_or_default())]
}

/// The runtime, and the playbook's name. A file is sent along, and not published.
async fn place(
    client: &Client,
    args: &SimulateArgs,
    body: &mut Map<String, Value>,
) -> anyhow::Result<(String, String)> {
    let file = Path::new(&args.playbook);
    if !file.is_file() {
        return one_shot::place(client, &args.playbook, args.runtime.as_ref()).await;
    }
    let source = read(file)?;
    let playbook = Playbook::parse(&args.playbook, &source)
        .map_err(|diagnostics| anyhow::anyhow!("the playbook is not valid\n{}", diagnostics.render(false)))?;
    let runtime = one_shot::only_runtime(client, args.runtime.as_ref()).await?;
    body.insert("source".to_owned(), source.into());
    Ok((runtime, playbook.name.to_string()))
}

/// The executions to take results from: those of the command line, and those that the scenario names, beside it.
fn recorded(args: &SimulateArgs, scenario: Option<&str>) -> anyhow::Result<Vec<String>> {
    let mut files = args.recorded.clone();
    if let (Some(path), Some(text)) = (&args.scenario, scenario) {
        let read = Scenario::parse(&path.display().to_string(), text).map_err(|diagnostics| {
            anyhow::anyhow!("the scenario is not valid\n{}", diagnostics.render(false))
        })?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        files.extend(read.recorded.iter().map(|file| folder.join(file)));
    }
    files.iter().map(read).collect()
}

fn read(file: &(impl AsRef<Path> + ?Sized)) -> anyhow::Result<String> {
    let file: PathBuf = file.as_ref().to_owned();
    if file.is_dir() {
        bail!("{} is a folder: name a file", file.display());
    }
    std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))
}
