//! One deed to all executions that a filter finds, page by page, and what came of it for each.

use std::process::ExitCode;

use orgata_model::ExecutionId;
use serde_json::{Value, json};

use super::list::parameters;
use crate::cli::{Global, MeantArgs};
use crate::client::Client;
use crate::exit::{self, Exit};
use crate::render::{print_json, table};
use crate::wire::Parts as _;

/// Executions in one request.
const PAGE: usize = 500;

/// What is done to each.
pub(super) struct Deed {
    /// The last part of the path.
    pub(super) verb: &'static str,
    /// The word for one to which it was done.
    pub(super) done: &'static str,
    pub(super) body: Value,
    /// What the filter has beyond those of lists.
    pub(super) more: Vec<(&'static str, String)>,
}

/// The execution that is meant; none when all are that a filter finds. `narrowed` says that there is one already.
pub(super) fn meant(args: &MeantArgs, narrowed: bool) -> anyhow::Result<Option<ExecutionId>> {
    let filtered = narrowed || !parameters(&args.filter).is_empty();
    let told = match (args.execution, filtered) {
        (Some(_), true) => "name one execution, or give a filter: not both",
        (Some(_), false) if args.dry_run || args.limit.is_some() => {
            "--limit and --dry-run go with a filter, not with one execution"
        }
        (None, false) => "say which: one execution by its id, or a filter such as --runtime NAME; see --help",
        (execution, _) => return Ok(execution),
    };
    Err(Exit::new(exit::USAGE, told).into())
}

/// Does it to all that are meant. Exit code 1 when it was not done to some of them.
pub(super) async fn many(
    global: &Global,
    client: &Client,
    args: MeantArgs,
    deed: Deed,
) -> anyhow::Result<ExitCode> {
    let mut left = args.limit.unwrap_or(usize::MAX);
    let (mut done, mut refused, mut items) = (0, 0, Vec::new());
    let mut cursor: Option<String> = None;
    while left > 0 {
        let mut query = parameters(&args.filter);
        query.extend(deed.more.iter().cloned());
        query.push(("limit", left.min(PAGE).to_string()));
        query.push(("dryRun", args.dry_run.to_string()));
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page = client.post_with(&format!("/executions/{}", deed.verb), &query, &deed.body).await?;
        let count = |name: &str| page.part(name).as_u64().unwrap_or_default();
        done += count("done");
        refused += count("refused");
        for item in page.part("items").items() {
            left = left.saturating_sub(1);
            if global.json { items.push(item.clone()) } else { tell(item, &deed, args.dry_run) }
        }
        cursor = page.word("nextCursor").map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    if global.json {
        let told = json!({ "dryRun": args.dry_run, "done": done, "refused": refused, "items": items, "more": cursor.is_some() });
        print_json(&told)?;
    } else {
        sum_up(&deed, args.dry_run, done, refused, cursor.is_some());
    }
    Ok(if refused > 0 { ExitCode::from(exit::FAILED) } else { ExitCode::SUCCESS })
}

fn tell(item: &Value, deed: &Deed, dry_run: bool) {
    let id = table::text(item.part("executionId"));
    match item.part("refusal") {
        Value::Null if dry_run => println!("{id} would be {}", deed.done),
        Value::Null => println!("{id} is {}", deed.done),
        refusal => eprintln!("{id} is not: {}", table::text(refusal.part("message"))),
    }
}

fn sum_up(deed: &Deed, dry_run: bool, done: u64, refused: u64, more: bool) {
    let would = if dry_run { "would be " } else { "" };
    let not = if refused > 0 { format!(", {refused} not") } else { String::new() };
    let rest = if more { "; there are more: raise --limit" } else { "" };
    match done + refused {
        0 => println!("there are no such executions"),
        _ => println!("{done} {would}{}{not}{rest}", deed.done),
    }
}
