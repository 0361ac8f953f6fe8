//! `orgata exec retry`, `skip`, `hold` and `fork`: helping an execution on.

use orgata_model::ExecutionId;
use serde_json::{Map, Value};

use crate::answers::json_argument;
use crate::cli::{ForkArgs, Global, HoldArgs, RetryArgs, SkipArgs};
use crate::client::Client;
use crate::exit::{self, Exit};
use crate::render::{print_json, table};
use crate::wire::Parts as _;

pub(super) async fn retry(global: &Global, client: &Client, args: RetryArgs) -> anyhow::Result<()> {
    let mut body = Body::default();
    body.text("step", args.step);
    body.json("--input", "input", args.input)?;
    body.text("reason", args.reason);
    steer(global, client, args.execution, "retry", body).await
}

pub(super) async fn skip(global: &Global, client: &Client, args: SkipArgs) -> anyhow::Result<()> {
    let mut body = Body::default();
    body.text("step", Some(args.step));
    body.json("--result", "result", args.result)?;
    body.text("reason", args.reason);
    steer(global, client, args.execution, "skip", body).await
}

pub(super) async fn hold(global: &Global, client: &Client, args: HoldArgs) -> anyhow::Result<()> {
    let mut body = Body::default();
    let prompt = args.reason.unwrap_or_else(|| format!("May step {} begin?", args.step));
    body.text("step", Some(args.step));
    body.text("prompt", Some(prompt));
    body.text("role", args.role);
    steer(global, client, args.execution, "hold", body).await
}

pub(super) async fn fork(global: &Global, client: &Client, args: ForkArgs) -> anyhow::Result<()> {
    let mut body = Body::default();
    body.text("step", args.step);
    body.json("--input", "input", args.input)?;
    body.0.insert("latest".to_owned(), args.latest.into());
    let mut labels = Map::new();
    for label in args.label {
        let told = || Exit::new(exit::USAGE, format!("--label {label}: write it as KEY:VALUE"));
        let (key, value) = label.split_once(':').ok_or_else(told)?;
        labels.insert(key.to_owned(), value.into());
    }
    body.0.insert("labels".to_owned(), labels.into());
    let handle = client.post(&format!("/executions/{}/fork", args.execution), &body.0.into()).await?;
    if global.json {
        return print_json(&handle);
    }
    let id = table::text(handle.part("executionId"));
    println!("{id} is forked from {}", args.execution);
    println!("follow it with: orgata exec watch {id}");
    Ok(())
}

async fn steer(
    global: &Global,
    client: &Client,
    execution: ExecutionId,
    verb: &str,
    body: Body,
) -> anyhow::Result<()> {
    let summary = client.post(&format!("/executions/{execution}/{verb}"), &body.0.into()).await?;
    if global.json {
        return print_json(&summary);
    }
    println!("{execution} is {}", table::text(summary.part("status")));
    Ok(())
}

/// What a request says: only what the command line does.
#[derive(Default)]
struct Body(Map<String, Value>);

impl Body {
    fn text(&mut self, name: &str, value: Option<impl ToString>) {
        self.0.extend(value.map(|value| (name.to_owned(), value.to_string().into())));
    }

    fn json(&mut self, option: &str, name: &str, value: Option<String>) -> anyhow::Result<()> {
        if let Some(text) = value {
            self.0.insert(name.to_owned(), json_argument(option, &text)?);
        }
        Ok(())
    }
}
