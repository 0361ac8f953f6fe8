//! `orgata run`: one playbook to its end, with its questions asked here.
//!
//! It is a client like any other: of the host that runs on the data folder, or else of one that it starts
//! for itself on a free port of loopback.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use dialoguer::console::Term;
use orgata_model::playbook::Playbook;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::answers::{Answers, json_argument};
use crate::assemble::Host;
use crate::cli::{Global, RunArgs};
use crate::client::Client;
use crate::config::Config;
use crate::exit::{self, Exit, INTERRUPTED};
use crate::render::timeline::Timeline;
use crate::wire::Parts as _;

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
    tokio::select! {
        stopped = serving => stopped.context("the host did not stop cleanly")??,
        // Somebody who presses it again does not want to wait. What was done is on disk.
        _ = tokio::signal::ctrl_c() => {}
    }
    code.map_err(|error| match exit::code(&error) {
        INTERRUPTED => {
            let data = config.data.display();
            let told = format!(
                "interrupted; the execution is kept in {data}, and goes on with the next `orgata serve`"
            );
            Exit::new(INTERRUPTED, told).into()
        }
        _ => error,
    })
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
    let id = handle.word("executionId").context("the host's reply has no executionId")?.to_owned();
    let timeline = Timeline::new(global.json);
    timeline.begin(&playbook, &runtime, &id);
    follow_events(client, &id, &timeline, Some(answers)).await
}

/// Shows an execution until it ends, answering its questions if there are answers to be had. Ctrl-C ends the
/// showing, and leaves the execution alone.
pub(super) async fn follow_events(
    client: &Client,
    id: &str,
    timeline: &Timeline,
    answers: Option<&Answers>,
) -> anyhow::Result<ExitCode> {
    let followed = tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => Err(Exit::new(INTERRUPTED, "").into()),
        followed = follow_to_the_end(client, id, timeline, answers) => followed,
    };
    followed.map_err(|error| match exit::code(&error) {
        INTERRUPTED => {
            timeline.clear();
            let _ = Term::stderr().show_cursor();
            let told = format!("interrupted; {id} is not cancelled: follow it with `orgata exec watch {id}`");
            Exit::new(INTERRUPTED, told).into()
        }
        _ => error,
    })
}

async fn follow_to_the_end(
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
        let event = frame.part("event");
        let question = event.part("intervention");
        if event.part("type") == "intervention_required" && is_open(client, id, question).await? {
            let step = event.word("step").unwrap_or_default();
            match answers {
                Some(answers) => answer_until_taken(client, id, step, question, answers).await?,
                None => timeline.hint(&format!("answer with `orgata answer {id}`")),
            }
        }
        last = frame;
    }
    let status = client.get(&format!("/executions/{id}")).await?;
    timeline.end(&status);
    Ok(match status.word("status") {
        Some("succeeded") => ExitCode::SUCCESS,
        Some("failed" | "compensated" | "compensation_failed") => ExitCode::from(exit::FAILED),
        Some("cancelled" | "timed_out") => ExitCode::from(exit::STOPPED),
        _ => bail!("the event stream ended after seq {} while the execution goes on", last.part("seq")),
    })
}

/// Events of the past may tell of questions that somebody answered meanwhile.
async fn is_open(client: &Client, id: &str, question: &Value) -> anyhow::Result<bool> {
    let pending = client.get(&format!("/executions/{id}/interventions")).await?;
    Ok(pending.part("items").items().any(|item| item.part("id") == question.part("id")))
}

/// Answers until an answer is taken, or until somebody else's was, or until time was up.
async fn answer_until_taken(
    client: &Client,
    id: &str,
    step: &str,
    question: &Value,
    answers: &Answers,
) -> anyhow::Result<()> {
    let intervention = question.word("id").unwrap_or_default();
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

/// The runtime that has the playbook, and the playbook's name. A file is published first.
async fn place(client: &Client, args: &RunArgs) -> anyhow::Result<(String, String)> {
    let runtimes = client.get("/runtimes").await?;
    let runtimes: Vec<&Value> = runtimes.part("items").items().collect();
    let file = Path::new(&args.playbook);
    if file.is_file() {
        return publish(client, args, file, &runtimes).await;
    }
    if args.playbook.ends_with(".yaml") || args.playbook.ends_with(".yml") || args.playbook.contains('/') {
        bail!("there is no file {}", args.playbook);
    }
    if let Some(runtime) = &args.runtime {
        return Ok((runtime.to_string(), args.playbook.clone()));
    }
    let has =
        |runtime: &&&Value| runtime.part("playbooks").items().any(|name| name == args.playbook.as_str());
    let having: Vec<&str> =
        runtimes.iter().filter(has).filter_map(|runtime| runtime.word("runtimeId")).collect();
    match having.as_slice() {
        [only] => Ok(((*only).to_owned(), args.playbook.clone())),
        [] => bail!("no runtime has a playbook `{}`; {}", args.playbook, known(&runtimes)),
        several => bail!("several runtimes have it ({}): name one with --runtime", several.join(", ")),
    }
}

/// Publishes a file in the runtime that is named, or in the only one.
async fn publish(
    client: &Client,
    args: &RunArgs,
    file: &Path,
    runtimes: &[&Value],
) -> anyhow::Result<(String, String)> {
    let source =
        std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let playbook = Playbook::parse(&args.playbook, &source)
        .map_err(|diagnostics| anyhow::anyhow!("the playbook is not valid\n{}", diagnostics.render(false)))?;
    let names: Vec<&str> = runtimes.iter().filter_map(|runtime| runtime.word("runtimeId")).collect();
    let runtime = match (&args.runtime, names.as_slice()) {
        (Some(runtime), _) => runtime.to_string(),
        (None, [only]) => (*only).to_owned(),
        (None, _) => bail!("there are several runtimes ({}): name one with --runtime", names.join(", ")),
    };
    let path = format!("/runtimes/{runtime}/playbooks/{}", playbook.name);
    client.send_bytes(Method::PUT, &path, "application/yaml", source.into_bytes()).await?;
    Ok((runtime, playbook.name.to_string()))
}

/// What there is instead.
fn known(runtimes: &[&Value]) -> String {
    let names: Vec<&str> = runtimes
        .iter()
        .flat_map(|runtime| runtime.part("playbooks").items())
        .filter_map(Value::as_str)
        .collect();
    if names.is_empty() {
        return "there are none: name a file, or put one into a playbooks folder".to_owned();
    }
    format!("there are: {}; a file can be named too", names.join(", "))
}
