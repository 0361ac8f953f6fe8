//! `orgata plugin test`: runs the examples of a plugin's operations, or one operation with a given input.
//!
//! Nothing is granted: an operation that reaches for the outside is denied, as it would be on a host that
//! grants nothing. Effectful operations are run only by hand, because their examples tell of a world that is
//! not there.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use orgata_engine::ports::LogLine;
use orgata_engine::{Case, Difference, Ground, Trial, Tryout, Verdict};
use orgata_model::Failure;
use orgata_model::operation::{EffectClass, Operation, Plugin};
use owo_colors::OwoColorize as _;
use serde_json::{Value, json};

use super::question;
use super::workbench::{self, Workbench, refused};
use crate::answers::json_argument;
use crate::cli::Global;
use crate::exit;
use crate::render::{amount, print_json};

const EFFECTFUL: &str = "it may change the outside; run it by hand with --operation NAME --input JSON";
const NO_EXAMPLES: &str = "it has no examples";

pub(super) async fn test(
    global: &Global,
    file: &Path,
    operation: Option<&str>,
    input: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let input = input.map(|input| json_argument("--input", input)).transpose()?;
    let bytes = super::component(file)?;
    let mut workbench = Workbench::open(global).await?;
    let plugin = match workbench.inspect(file, bytes).await {
        Ok(plugin) => plugin,
        Err(error) => return refused(global, &error),
    };
    let operations = chosen(&plugin, operation)?;
    let mut summary = Summary::default();
    if !global.json {
        anstream::println!("{} {} {}", plugin.name.bold(), plugin.version, plugin.effect.as_str().dimmed());
        if plugin.effect == EffectClass::Effectful && input.is_some() {
            println!("Nothing is granted here: where it reaches for the outside, it is denied.");
        }
    }
    for operation in operations {
        summary.add(global, tried(global, &workbench, operation, input.as_ref()).await?);
    }
    summary.end(global, &plugin)
}

/// The operations that are meant. One may be named with or without its plugin.
fn chosen<'a>(plugin: &'a Plugin, name: Option<&str>) -> anyhow::Result<Vec<&'a Arc<Operation>>> {
    let Some(name) = name else { return Ok(plugin.operations.iter().collect()) };
    let bare =
        name.strip_prefix(plugin.name.as_str()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
    match plugin.operation(bare) {
        Some(operation) => Ok(vec![operation]),
        None => {
            let names: Vec<&str> =
                plugin.operations.iter().map(|operation| &*operation.name.operation).collect();
            bail!("{} has no operation {name:?}; it has: {}", plugin.name, names.join(", "))
        }
    }
}

/// Runs one operation: with the input, or else with each of its examples.
async fn tried(
    global: &Global,
    workbench: &Workbench,
    operation: &Arc<Operation>,
    input: Option<&Value>,
) -> anyhow::Result<Vec<Trial>> {
    let skipped = match input {
        Some(_) => None,
        None if operation.effect == EffectClass::Effectful => Some(EFFECTFUL),
        None if operation.examples.is_empty() => Some(NO_EXAMPLES),
        None => None,
    };
    if let Some(reason) = skipped {
        return Ok(vec![Trial::skipped(operation, reason)]);
    }
    if !global.json {
        println!("  {}", operation.name.operation);
    }
    let given = |input: &Value| Case { name: None, example: false, input: input.clone(), expected: None };
    let cases = match input {
        Some(input) => vec![given(input)],
        None => operation.examples.iter().map(Case::from).collect(),
    };
    let mut trials = Vec::with_capacity(cases.len());
    for case in cases {
        trials.push(trial(workbench, operation, case).await?);
    }
    Ok(trials)
}

/// Runs it once. Whoever sits at the terminal is asked what an operation asks of an input given by hand.
async fn trial(workbench: &Workbench, operation: &Arc<Operation>, case: Case) -> anyhow::Result<Trial> {
    let ground = Ground::bare(workbench::now())?;
    let mut tryout = Tryout::new(workbench.operations(), &ground, operation, case);
    while let Some(asked) = tryout.go_on().await? {
        let Some(answer) = question::answered(&asked).await? else { break };
        // It was checked when it was given.
        let _ = tryout.answer(answer);
    }
    Ok(tryout.end())
}

/// How they all went.
#[derive(Default)]
struct Summary(Vec<Trial>);

impl Summary {
    fn add(&mut self, global: &Global, trials: Vec<Trial>) {
        if !global.json {
            trials.iter().for_each(show);
        }
        self.0.extend(trials);
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.0.iter().filter(|trial| trial.verdict == verdict).count()
    }

    fn end(self, global: &Global, plugin: &Plugin) -> anyhow::Result<ExitCode> {
        let (passed, failed) = (self.count(Verdict::Passed), self.count(Verdict::Failed));
        let (skipped, asked) = (self.count(Verdict::Skipped), self.count(Verdict::Asked));
        let code = match (failed, asked) {
            (0, 0) => ExitCode::SUCCESS,
            (0, _) => ExitCode::from(exit::UNANSWERED),
            _ => ExitCode::from(exit::FAILED),
        };
        if global.json {
            print_json(&json!({
                "plugin": plugin.name, "version": plugin.version, "digest": plugin.digest, "effect": plugin.effect,
                "passed": passed, "failed": failed, "skipped": skipped, "asked": asked, "trials": self.0,
            }))?;
            return Ok(code);
        }
        if passed + failed + asked == 0 {
            println!("Nothing was run.");
            return Ok(code);
        }
        let counts =
            [(passed, "passed"), (failed, "failed"), (asked, "waiting for an answer"), (skipped, "skipped")];
        let told: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        let told = told.join(", ");
        if failed > 0 {
            anstream::println!("{}", told.red())
        } else {
            anstream::println!("{}", told.green())
        }
        Ok(code)
    }
}

/// One line for how it went, and below it what there is to know.
fn show(trial: &Trial) {
    let name = trial.example.as_deref().unwrap_or("the given input");
    let cost = format!("({}, {})", amount::time(trial.took), amount::bytes(trial.memory));
    match trial.verdict {
        Verdict::Passed => anstream::println!("    {} {name} {}", "✓".green(), cost.dimmed()),
        Verdict::Failed => anstream::println!("    {} {name} {}", "✗".red(), cost.dimmed()),
        Verdict::Asked => {}
        Verdict::Skipped => {
            let (_, operation) = trial.operation.split_once('/').unwrap_or_default();
            let reason = format!("(not run: {})", trial.reason.as_deref().unwrap_or_default());
            anstream::println!("  {operation} {}", reason.dimmed());
        }
    }
    if let Some(question) = &trial.question {
        question::show(question);
        if trial.verdict == Verdict::Failed {
            println!("      an example's output is what the operation gives without asking");
        } else {
            println!("      there is nobody to ask: run it at a terminal to answer");
        }
    }
    trial.failure.iter().for_each(show_failure);
    trial.differences.iter().for_each(show_difference);
    if let (None, Some(output)) = (&trial.example, &trial.output) {
        let text = serde_json::to_string_pretty(output).unwrap_or_default();
        text.lines().for_each(|line| println!("      {line}"));
    }
    trial
        .progress
        .iter()
        .for_each(|line| anstream::println!("      {}", format!("progress: {line}").dimmed()));
    trial.log.iter().for_each(show_log);
    if trial.log_dropped > 0 {
        anstream::println!(
            "      {}",
            format!("{} more lines were over the limit", trial.log_dropped).dimmed()
        );
    }
}

fn show_failure(failure: &Failure) {
    anstream::println!(
        "      {} {}",
        failure.message,
        format!("[{}, {}]", failure.code, failure.kind.as_str()).dimmed()
    );
    for cause in &failure.causes {
        println!("      because: {cause}");
    }
}

fn show_difference(difference: &Difference) {
    let pointer = if difference.pointer.is_empty() { "the output" } else { difference.pointer.as_str() };
    let text = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
    println!("      {pointer}");
    anstream::println!("        expected {}", text(&difference.expected).green());
    anstream::println!("        got      {}", text(&difference.got).red());
}

fn show_log(line: &LogLine) {
    let level = line.level.as_str();
    let fields = line.fields.as_ref().map_or_else(String::new, |fields| format!(" {fields}"));
    anstream::println!("      {}", format!("{level}: {}{fields}", line.message).dimmed());
}
