//! `orgata key create`: makes a key, and prints it.

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::cli::{CreateKeyArgs, Global};
use crate::client::Client;
use crate::render::print_json;
use crate::wire::Parts as _;

pub(super) async fn create(global: &Global, client: &Client, args: CreateKeyArgs) -> anyhow::Result<()> {
    let made = client.post("/keys", &body(&args)).await?;
    if global.json {
        return print_json(&made);
    }
    let key = made.word("key").context("the host's reply has no key")?;
    // The key alone goes to standard output, for whoever keeps it from there.
    eprintln!(
        "{} is made for {}. Keep it safe: it is shown this once.",
        made.word("keyId").unwrap_or("it"),
        args.name
    );
    println!("{key}");
    Ok(())
}

fn body(args: &CreateKeyArgs) -> Value {
    let mut body = json!({
        "name": args.name,
        "kind": args.kind.as_str(),
        "everything": args.everything,
        "environments": args.environment,
        "roles": args.role,
    });
    if let Some(body) = body.as_object_mut() {
        if !args.scope.is_empty() {
            body.insert("scopes".to_owned(), json!(args.scope));
        }
        body.extend(args.expires_in.iter().map(|time| ("expiresIn".to_owned(), json!(time))));
    }
    body
}
