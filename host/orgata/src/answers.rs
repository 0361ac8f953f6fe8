//! Answers to questions: from a file, or from whoever sits at the terminal.

use std::collections::BTreeMap;
use std::io::{ErrorKind, IsTerminal as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use dialoguer::console::Term;
use serde_json::Value;

use crate::exit::{Exit, INTERRUPTED, UNANSWERED, USAGE};
use crate::form;
use crate::wire::Parts as _;

/// Where answers come from.
pub(crate) enum Answers {
    /// A file: one answer per step name.
    File(BTreeMap<String, Value>),
    /// A person at this terminal.
    Terminal,
    /// Nobody.
    Nobody,
}

impl Answers {
    /// The file if there is one, else the terminal if there is one.
    pub(crate) fn from(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(file) = file else {
            let person = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
            return Ok(if person { Self::Terminal } else { Self::Nobody });
        };
        let text =
            std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let answers = serde_saphyr::from_str(&text)
            .with_context(|| format!("{} is not a map of step names to answers", file.display()))?;
        Ok(Self::File(answers))
    }

    /// The answer to a question of a step, as the wire shows it. A person has been shown its prompt already.
    pub(crate) async fn answer(&self, step: &str, question: &Value) -> anyhow::Result<Value> {
        match self {
            Self::File(answers) => answers.get(step).cloned().ok_or_else(|| {
                Exit::new(UNANSWERED, format!("the answers file has none for step `{step}`")).into()
            }),
            Self::Nobody => {
                let prompt = question.word("prompt").unwrap_or_default();
                let hint = "answer with `orgata answer`, give --answers FILE, or run at a terminal";
                Err(Exit::new(UNANSWERED, format!("step `{step}` asks \"{prompt}\": {hint}")).into())
            }
            Self::Terminal => {
                let question = question.clone();
                // A person thinks for minutes: not on a thread that executions need.
                let asked = tokio::task::spawn_blocking(move || form::ask(&question));
                tokio::select! {
                    biased;
                    _ = tokio::signal::ctrl_c() => Err(interrupted()),
                    answer = asked => answer?.map_err(|error| if was_interrupted(&error) { interrupted() } else { error }),
                }
            }
        }
    }
}

/// Menus hide the cursor while they are open.
fn interrupted() -> anyhow::Error {
    let _ = Term::stderr().show_cursor();
    Exit::new(INTERRUPTED, "interrupted: the question stays open").into()
}

/// A menu takes Ctrl-C for itself, and tells of it as an error.
fn was_interrupted(error: &anyhow::Error) -> bool {
    let of_menu = |dialoguer::Error::IO(error): &dialoguer::Error| error.kind() == ErrorKind::Interrupted;
    error.downcast_ref().is_some_and(of_menu)
}

/// A value of the command line: JSON, or `@FILE` of JSON or YAML.
pub(crate) fn json_argument(what: &str, text: &str) -> anyhow::Result<Value> {
    let Some(file) = text.strip_prefix('@') else {
        return serde_json::from_str(text).with_context(|| {
            Exit::new(USAGE, format!("{what} is not JSON: quote it for the shell, or name a file with @FILE"))
        });
    };
    let content = std::fs::read_to_string(file).with_context(|| format!("{file} cannot be read"))?;
    if content.trim().is_empty() {
        bail!("{file} is empty");
    }
    serde_saphyr::from_str(&content).with_context(|| format!("{file} is neither JSON nor YAML"))
}
