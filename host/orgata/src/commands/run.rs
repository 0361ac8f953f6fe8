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

use crate::answers::{Answers, json_argument};
use crate::cli::{Global, RunArgs};
use crate::client::Client;
use crate::exit::{self, Exit, INTERRUPTED};
use crate::one_shot::{self, Manner};
use crate::render::timeline::Timeline;
use crate::wire::Parts as _;

pub(crate) async fn run(global: &Global, args: &RunArgs) -> anyhow::Result<ExitCode> {
    let input = json_argument("--input", &args.input)?;
    let answers = Answers::from(args.answers.as_deref())?;
    one_shot::with_host(global, Manner::Usual, async |client| {
        follow(client, global, args, input, &answers).await
    })
    .await
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
    let file = Path::new(&args.playbook);
    match file.is_file() {
        true => publish(client, args, file).await,
        false => one_shot::place(client, &args.playbook, args.runtime.as_ref()).await,
    }
}

/// Publishes a file in the runtime that is named, or in the only one.
async fn publish(client: &Client, args: &RunArgs, file: &Path) -> anyhow::Result<(String, String)> {
    let source =
        std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let playbook = Playbook::parse(&args.playbook, &source)
        .map_err(|diagnostics| anyhow::anyhow!("the playbook is not valid\n{}", diagnostics.render(false)))?;
    let runtime = one_shot::only_runtime(client, args.runtime.as_ref()).await?;
    let path = format!("/runtimes/{runtime}/playbooks/{}", playbook.name);
    client.send_bytes(Method::PUT, &path, "application/yaml", source.into_bytes()).await?;
    Ok((runtime, playbook.name.to_string()))
}
