//! `orgata answer`: one answer to one open question of the running host.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::answers::{Answers, json_argument};
use crate::cli::{AnswerArgs, Global};
use crate::client::Client;
use crate::exit::{self, Exit};
use crate::render::{print_json, timeline};
use crate::wire::Parts as _;

pub(crate) async fn answer(global: &Global, args: &AnswerArgs) -> anyhow::Result<ExitCode> {
    let client = Client::find(global).await?;
    let (id, question) = question(&client, args).await?;
    let response = match &args.response {
        Some(text) => json_argument("--response", text)?,
        None => {
            let step = question.word("step").unwrap_or_default();
            let answers = Answers::from(None)?;
            timeline::question(step, &question);
            if matches!(answers, Answers::Nobody) {
                let told = "nobody is here to ask: give --response JSON, or run it at a terminal";
                return Err(Exit::new(exit::UNANSWERED, told).into());
            }
            answers.answer(step, &question).await?
        }
    };
    let mut body = json!({ "response": response });
    if let (Some(notes), Some(fields)) = (&args.notes, body.as_object_mut()) {
        fields.insert("notes".to_owned(), Value::String(notes.clone()));
    }
    let path = format!("/executions/{}/interventions/{id}", args.execution);
    let answered = client.post(&path, &body).await?;
    if global.json {
        print_json(&answered)?;
    } else {
        println!("answered: {}", body.part("response"));
        if let (Some(so_far), Some(needed)) =
            (answered.part("approved").as_u64(), answered.part("approvals").as_u64())
        {
            println!("{so_far} of {needed} have approved: it waits for the others");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The question that is meant: the one named, or the only one that is open.
async fn question(client: &Client, args: &AnswerArgs) -> anyhow::Result<(String, Value)> {
    if let (Some(id), Some(_)) = (&args.intervention, &args.response) {
        // Nothing needs to be known of it: the host says whether it fits.
        return Ok((id.to_string(), Value::Null));
    }
    let pending = client.get(&format!("/executions/{}/interventions", args.execution)).await?;
    let named = |item: &&Value| args.intervention.is_none_or(|id| item.word("id") == Some(&*id.to_string()));
    let meant: Vec<&Value> = pending.part("items").items().filter(named).collect();
    match meant.as_slice() {
        [only] => {
            let id = only.word("id").context("the host's reply has no id")?;
            Ok((id.to_owned(), (*only).clone()))
        }
        [] => match &args.intervention {
            Some(id) => bail!("{} has no open question {id}", args.execution),
            None => bail!("{} has no open question", args.execution),
        },
        several => {
            let ids: Vec<&str> = several.iter().filter_map(|item| item.word("id")).collect();
            bail!("{} has several open questions: name one of {}", args.execution, ids.join(", "))
        }
    }
}
