//! `orgata check`: what is wrong with playbook files, all of it.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use orgata_model::playbook::Playbook;
use serde_json::json;
use std::io::IsTerminal as _;

use crate::assemble::playbook_files;
use crate::cli::{CheckArgs, Global};
use crate::exit;

pub(crate) fn check(global: &Global, args: &CheckArgs) -> anyhow::Result<ExitCode> {
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
            match Playbook::parse(&name, &source) {
                Ok(playbook) => {
                    results.push(json!({ "file": name, "name": playbook.name, "digest": playbook.digest, "problems": [] }));
                    if !global.json {
                        let steps = playbook.steps.len();
                        let word = if steps == 1 { "step" } else { "steps" };
                        println!("{name}: {} {} is fine, {steps} {word}", playbook.name, playbook.version);
                    }
                }
                Err(diagnostics) => {
                    wrong += 1;
                    results.push(json!({ "file": name, "problems": diagnostics.problems }));
                    if !global.json {
                        anstream::eprintln!("{}\n", diagnostics.render(std::io::stderr().is_terminal()));
                    }
                }
            }
        }
    }
    if global.json {
        println!("{}", serde_json::to_string_pretty(&results)?);
    } else if wrong > 0 {
        anstream::eprintln!("{wrong} of {} playbooks have problems", results.len());
    }
    Ok(if wrong > 0 { ExitCode::from(exit::FAILED) } else { ExitCode::SUCCESS })
}
