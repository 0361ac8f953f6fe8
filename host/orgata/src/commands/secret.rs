//! `orgata secret`: the secrets of the running host. Values go there and never come back.

use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;

use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{Global, SecretCommand};
use crate::client::Client;
use crate::exit::{Exit, USAGE};
use crate::render::{print_json, table, tell};
use crate::wire::Parts as _;

/// Longest value that is read, in bytes: one more than the host takes, so that the host says so.
const LONGEST: u64 = 64 * 1024 + 3;

/// Does what the command line says.
pub(crate) async fn secret(global: &Global, command: SecretCommand) -> anyhow::Result<ExitCode> {
    let client = Client::find(global).await?;
    match command {
        SecretCommand::Set { name } => {
            let body = serde_json::to_vec(&json!({ "value": value(name.as_str())? }))?;
            let path = format!("/secrets/{name}");
            let told = client.send_bytes(Method::PUT, &path, "application/json", body).await?;
            tell(global, &told, || format!("{name} is set"))?;
        }
        SecretCommand::List => list(global, &client).await?,
        SecretCommand::Remove { name } => {
            client.delete(&format!("/secrets/{name}")).await?;
            tell(global, &json!({ "removed": name }), || format!("{name} is removed"))?;
        }
        SecretCommand::Rotate => {
            let told = client.post("/secrets/rotate", &Value::Null).await?;
            tell(global, &told, || {
                let (count, key) = (told.part("resealed"), table::text(told.part("keyId")));
                format!(
                    "{count} secrets were sealed anew: all are sealed with key {key}, and earlier keys can go"
                )
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(global: &Global, client: &Client) -> anyhow::Result<()> {
    let page = client.get("/secrets").await?;
    if global.json {
        return print_json(&page);
    }
    let items: Vec<&Value> = page.part("items").items().collect();
    if items.is_empty() {
        println!("there are no secrets: set one with `orgata secret set NAME`");
        return Ok(());
    }
    let row = |item: &&Value| {
        let cell = |key: &str| table::text(item.part(key));
        [cell("name"), table::time(item.part("setAt")), cell("setBy"), cell("keyId")]
    };
    table::print(&["NAME", "SET", "BY", "KEY"], items.iter().map(row));
    Ok(())
}

/// Asks for a value, or reads it.
fn value(name: &str) -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        let asked = dialoguer::Password::new().with_prompt(format!("The value of {name}")).interact();
        return asked.context("the value could not be asked for");
    }
    let mut text = String::new();
    std::io::stdin()
        .take(LONGEST)
        .read_to_string(&mut text)
        .context("standard input cannot be read as text")?;
    let value = text.strip_suffix('\n').unwrap_or(&text);
    let value = value.strip_suffix('\r').unwrap_or(value);
    if value.is_empty() {
        return Err(Exit::new(USAGE, "there is no value on standard input").into());
    }
    Ok(value.to_owned())
}
