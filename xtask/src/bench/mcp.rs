//! What assistants wait for: a tool that looks, and an execution beside the same over REST.
//!
//! One connection, the revision of MCP without sessions. REST and MCP take turns on one host, so that both see the same
//! machine.

use std::time::Duration;

use anyhow::{Result, bail};
use bytes::Bytes;
use serde_json::{Value, json};

use super::load::{self, Load, Outcome};
use super::server::Server;
use super::steps::build;
use super::work::{self, Work};
use super::{flush, milliseconds};

/// What `bench mcp` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long each row is measured.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often REST and MCP take turns.
    #[arg(long, default_value_t = 3)]
    turns: usize,
}

/// How much longer an execution may take over MCP than over REST, and how long a look may take, in milliseconds.
const AIM: f64 = 1.0;

const LOOKS: &[(&str, &str)] = &[
    ("accept", "application/json, text/event-stream"),
    ("mcp-protocol-version", "2026-07-28"),
    ("mcp-method", "tools/call"),
    ("mcp-name", "list_runtimes"),
];
const STARTS: &[(&str, &str)] = &[
    ("accept", "application/json, text/event-stream"),
    ("mcp-protocol-version", "2026-07-28"),
    ("mcp-method", "tools/call"),
    ("mcp-name", "execute_playbook"),
];

/// Measures and prints the table.
pub(crate) fn run(args: &Args) -> Result<()> {
    build()?;
    let folder = Work::W1.prepare()?;
    let host = Server::orgata(folder.path())?;
    let start = json!({
        "runtimeId": "default", "playbookName": "ten", "input": { "hello": "world" }, "wait": "30s",
    });
    let rows = [
        ("a tool that looks", call(&host, LOOKS, "list_runtimes", &json!({}))),
        ("ten steps over REST", work::order(&host, 1)),
        ("ten steps by `execute_playbook`", call(&host, STARTS, "execute_playbook", &start)),
    ];
    anstream::println!("\n| | answers/s | p50 ms | p99 ms | flush ms |\n|---|---:|---:|---:|---:|");
    let mut medians = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..args.turns {
        for ((name, load), medians) in rows.iter().zip(&mut medians) {
            let outcome = load::run(load, &work::measured(args.seconds))?;
            let flush = milliseconds(flush::median(folder.path())?);
            row(name, &outcome, flush);
            medians.push(milliseconds(outcome.percentile(0.5)));
        }
    }
    host.stop()?;
    let [look, rest, tool] = medians.map(|mut all| {
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(f64::MAX)
    });
    anstream::println!("p50 of a look {look:.2} ms; MCP adds {:.2} ms to an execution", tool - rest);
    if look > AIM || tool - rest > AIM {
        bail!("the aim is {AIM} ms for each");
    }
    Ok(())
}

fn row(name: &str, outcome: &Outcome, flush: f64) {
    anstream::println!(
        "| {name} | {:.0} | {:.2} | {:.2} | {flush:.2} |",
        outcome.rate(),
        milliseconds(outcome.percentile(0.5)),
        milliseconds(outcome.percentile(0.99)),
    );
}

fn call(
    host: &Server,
    headers: &'static [(&'static str, &'static str)],
    tool: &str,
    arguments: &Value,
) -> Load {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": tool,
        "arguments": arguments,
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "bench", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }});
    let (address, body) = (host.address, Bytes::from(body.to_string()));
    Load { address, path: "/mcp", headers, body, concurrency: 1, spread: Duration::ZERO, succeeded }
}

/// An answer with what the tool gave: the runtime that it saw, or an execution that succeeded.
fn succeeded(body: &[u8]) -> Option<String> {
    let has = |words| load::has(body, words);
    let saw = has(r#""structuredContent""#) && (has(r#""items""#) || has(r#""status":"succeeded""#));
    (saw && !has(r#""isError":true"#)).then(String::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_failed_is_no_success() {
        let answer = |result: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
        let good = answer(r#"{"structuredContent":{"status":"succeeded"},"isError":false}"#);
        assert!(succeeded(good.as_bytes()).is_some());
        for bad in [
            answer(r#"{"structuredContent":{"status":"failed"}}"#),
            answer(r#"{"content":[],"isError":true}"#),
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602}}"#.to_owned(),
        ] {
            assert!(succeeded(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
