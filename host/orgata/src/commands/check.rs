//! `orgata check`: what is wrong with playbook files, all of it; with a runtime, whether they fit to it.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use orgata_model::RuntimeId;
use orgata_model::playbook::Playbook;
use serde_json::{Value, json};

use crate::assemble::playbook_files;
use crate::cli::{CheckArgs, Global};
use crate::client::Client;
use crate::exit;
use crate::render::print_json;
use crate::wire::Parts as _;

/// As the host names what it was sent.
const SENT: &str = "playbook.yaml";

pub(crate) async fn check(global: &Global, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let host = match &args.runtime {
        Some(runtime) => Some((Client::find(global).await?, runtime)),
        None => None,
    };
    let mut wrong = 0usize;
    let mut results = Vec::new();
    for path in &args.paths {
        let files = playbook_files(path);
        if files.is_empty() {
            bail!("{}: there is no playbook: name .yaml files, or a folder that has some", path.display());
        }
        for file in files {
            let name = file.display().to_string();
            let source = std::fs::read_to_string(&file).with_context(|| format!("{name} cannot be read"))?;
            let problems = match Playbook::parse(&name, &source) {
                Ok(playbook) => {
                    let problems = match &host {
                        Some((client, runtime)) => compare(client, runtime, &name, source).await?,
                        None => None,
                    };
                    if problems.is_none() {
                        results.push(json!({ "file": name, "name": playbook.name, "digest": playbook.digest, "problems": [] }));
                        if !global.json {
                            println!("{}", fine(&name, &playbook, args.runtime.as_ref()));
                        }
                    }
                    problems
                }
                Err(diagnostics) => Some(Problems {
                    list: json!(diagnostics.problems),
                    report: diagnostics.render(std::io::stderr().is_terminal()),
                }),
            };
            if let Some(Problems { list, report }) = problems {
                wrong += 1;
                results.push(json!({ "file": name, "problems": list }));
                if !global.json {
                    anstream::eprintln!("{report}\n");
                }
            }
        }
    }
    if global.json {
        print_json(&json!(results))?;
    } else if wrong > 0 {
        anstream::eprintln!("{wrong} of {} playbooks have problems", results.len());
    }
    Ok(if wrong > 0 { ExitCode::from(exit::FAILED) } else { ExitCode::SUCCESS })
}

fn fine(name: &str, playbook: &Playbook, runtime: Option<&RuntimeId>) -> String {
    let steps = playbook.steps.len();
    let word = if steps == 1 { "step" } else { "steps" };
    let fits = runtime.map_or_else(String::new, |runtime| format!(", and fits to {runtime}"));
    format!("{name}: {} {} is fine, {steps} {word}{fits}", playbook.name, playbook.version)
}

/// What is wrong with one file.
struct Problems {
    /// With their places, for programs.
    list: Value,
    /// For people.
    report: String,
}

/// What does not fit to the runtime, by the host's own word.
async fn compare(
    client: &Client,
    runtime: &RuntimeId,
    name: &str,
    source: String,
) -> anyhow::Result<Option<Problems>> {
    let path = format!("/runtimes/{runtime}/playbooks/check");
    let refused = client.check(&path, "application/yaml", source.into_bytes()).await?;
    Ok(refused.map(|details| Problems {
        list: details.part("problems").clone(),
        report: details.word("report").unwrap_or_default().replace(SENT, name),
    }))
}
