//! `orgata run`: one playbook to its end, with its questions asked here.
//!
//! It is a client like any other: of the host that runs on the data folder, or else of one that it starts
//! for itself on a free port of loopback.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::answers::{Answers, json_argument};
use crate::assemble::Host;
use crate::cli::{Global, RunArgs};
use crate::client::Client;
use crate::config::Config;
use crate::exit;
use crate::render::timeline::Timeline;

pub(crate) async fn run(global: &Global, args: &RunArgs) -> anyhow::Result<ExitCode> {
    let input = json_argument("--input", &args.input)?;
    let answers = Answers::from(args.answers.as_deref())?;
    if let Some(url) = &global.server {
        return follow(&Client::new(url)?, global, args, input, &answers).await;
    }
    let mut config = Config::read(global)?;
    if let Some(client) = Client::running(&config).await? {
        return follow(&client, global, args, input, &answers).await;
    }
    config.listen.set_port(0);
    let host = Host::assemble(&config).await?;
    let client = Client::new(&format!("http://{}", host.address()?))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(host.serve(async {
        let _ = stopped.await;
    }));
    let code = follow(&client, global, args, input, &answers).await;
    drop(stop);
    serving.await.context("the host did not stop cleanly")??;
    code
}

async fn follow(
    client: &Client,
    global: &Global,
    args: &RunArgs,
    input: Value,
    answers: &Answers,
) -> anyhow::Result<ExitCode> {
    let (runtime, playbook) = place(client, args).await?;
    let body = json!({ "playbookName": playbook, "input": input });
    let handle = client.post(&format!("/runtimes/{runtime}/executions"), &body).await?;
    let id = handle["executionId"].as_str().context("the host's reply has no executionId")?.to_owned();
    let timeline = Timeline::new(global.json);
    timeline.begin(&playbook, &runtime, &id);
    follow_events(client, &id, &timeline, Some(answers)).await
}

/// Shows an execution until it ends, answering its questions if there are answers to be had.
pub(super) async fn follow_events(
    client: &Client,
    id: &str,
    timeline: &Timeline,
    answers: Option<&Answers>,
) -> anyhow::Result<ExitCode> {
    use futures_util::StreamExt as _;
    let mut events = client.events(id, 0).await?;
    let mut last = Value::Null;
    while let Some(frame) = events.next().await {
        let frame = frame?;
        timeline.event(&frame);
        let event = &frame["event"];
        if event["type"] == "intervention_required"
            && let Some(answers) = answers
        {
            let question = &event["intervention"];
            let still_open = is_open(client, id, question).await?;
            if still_open {
                let step = event["step"].as_str().unwrap_or_default();
                answer_until_taken(client, id, step, question, answers).await?;
            }
        }
        last = frame;
    }
    let status = client.get(&format!("/executions/{id}")).await?;
    timeline.end(&status);
    Ok(match status["status"].as_str() {
        Some("succeeded") => ExitCode::SUCCESS,
        Some("failed") => ExitCode::from(exit::FAILED),
        Some("cancelled" | "timed_out") => ExitCode::from(exit::STOPPED),
        _ => bail!("the event stream ended after seq {} while the execution goes on", last["seq"]),
    })
}

/// Events of the past may tell of questions that somebody answered meanwhile.
async fn is_open(client: &Client, id: &str, question: &Value) -> anyhow::Result<bool> {
    let pending = client.get(&format!("/executions/{id}/interventions")).await?;
    let items = pending["items"].as_array().cloned().unwrap_or_default();
    Ok(items.iter().any(|item| item["id"] == question["id"]))
}

/// Answers until an answer is taken, or until somebody else's was, or until time was up.
async fn answer_until_taken(
    client: &Client,
    id: &str,
    step: &str,
    question: &Value,
    answers: &Answers,
) -> anyhow::Result<()> {
    let intervention = question["id"].as_str().unwrap_or_default();
    let path = format!("/executions/{id}/interventions/{intervention}");
    loop {
        let response = answers.answer(step, question).await?;
        let Err(error) = client.post(&path, &json!({ "response": response })).await else { return Ok(()) };
        // A person may try again; a file says the same every time.
        if !matches!(answers, Answers::Terminal) {
            return Err(error);
        }
        anstream::eprintln!("    {error}");
        if !is_open(client, id, question).await? {
            return Ok(());
        }
    }
}

/// The runtime that has the playbook. A file is published first.
async fn place(client: &Client, args: &RunArgs) -> anyhow::Result<(String, String)> {
    let runtimes = client.get("/runtimes").await?;
    let runtimes = runtimes["items"].as_array().cloned().unwrap_or_default();
    let names: Vec<String> =
        runtimes.iter().filter_map(|runtime| runtime["runtimeId"].as_str()).map(str::to_owned).collect();
    let file = Path::new(&args.playbook);
    if file.is_file() {
        let source = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let playbook = orgata_model::playbook::Playbook::parse(&args.playbook, &source)
            .map_err(|diagnostics| anyhow::anyhow!("the playbook is not valid\n{}", diagnostics.render(false)))?;
        let runtime = match (&args.runtime, names.as_slice()) {
            (Some(runtime), _) => runtime.clone(),
            (None, [only]) => only.clone(),
            (None, _) => bail!("there are several runtimes ({}): name one with --runtime", names.join(", ")),
        };
        let path = format!("/runtimes/{runtime}/playbooks/{}", playbook.name);
        client.send_bytes(Method::PUT, &path, "application/yaml", source.into_bytes()).await?;
        return Ok((runtime, playbook.name.to_string()));
    }
    if let Some(runtime) = &args.runtime {
        return Ok((runtime.clone(), args.playbook.clone()));
    }
    let has = |runtime: &&Value| {
        let playbooks = runtime["playbooks"].as_array();
        playbooks.is_some_and(|names| names.iter().any(|name| name == args.playbook.as_str()))
    };
    let having: Vec<&str> = runtimes.iter().filter(has).filter_map(|runtime| runtime["runtimeId"].as_str()).collect();
    match having.as_slice() {
        [only] => Ok(((*only).to_owned(), args.playbook.clone())),
        [] => bail!("no runtime has a playbook `{}`; {}", args.playbook, known(&runtimes)),
        several => bail!("several runtimes have it ({}): name one with --runtime", several.join(", ")),
    }
}

/// What there is instead.
fn known(runtimes: &[Value]) -> String {
    let playbooks = |runtime: &Value| {
        let names = runtime["playbooks"].as_array().into_iter().flatten();
        names.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let names: Vec<String> = runtimes.iter().flat_map(playbooks).collect();
    if names.is_empty() {
        return "there are none: name a file, or put one into a playbooks folder".to_owned();
    }
    format!("there are: {}; a file can be named too", names.join(", "))
}
