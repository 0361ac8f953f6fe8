//! Answers to questions: from a file, or from whoever sits at the terminal.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use dialoguer::{Input, Select};
use serde_json::{Map, Value};

use crate::exit::{Exit, UNANSWERED};

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
        let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let answers = serde_saphyr::from_str(&text)
            .with_context(|| format!("{} is not a map of step names to answers", file.display()))?;
        Ok(Self::File(answers))
    }

    /// The answer to a question of a step, as the wire shows it.
    pub(crate) async fn answer(&self, step: &str, question: &Value) -> anyhow::Result<Value> {
        match self {
            Self::File(answers) => answers.get(step).cloned().ok_or_else(|| {
                Exit::new(UNANSWERED, format!("the answers file has none for step `{step}`")).into()
            }),
            Self::Nobody => {
                let prompt = question["prompt"].as_str().unwrap_or_default();
                let hint = "answer with `orgata answer`, give --answers FILE, or run at a terminal";
                Err(Exit::new(UNANSWERED, format!("step `{step}` asks \"{prompt}\": {hint}")).into())
            }
            Self::Terminal => {
                let question = question.clone();
                // A person thinks for minutes: not on a thread that executions need.
                tokio::task::spawn_blocking(move || ask(&question)).await?
            }
        }
    }
}

/// Asks at the terminal; the question's schema says what for.
fn ask(question: &Value) -> anyhow::Result<Value> {
    let prompt = question["prompt"].as_str().unwrap_or("Your answer?");
    let schema = &question["responseSchema"];
    let options = choices(schema).or_else(|| choices_of(&question["options"]));
    if let Some(options) = options {
        return choose(prompt, &options).map(Value::String);
    }
    let Some(fields) = schema["properties"].as_object() else { return free(prompt) };
    anstream::eprintln!("{prompt}");
    let required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let mut answer = Map::new();
    for (name, field) in fields {
        if let Some(value) = ask_field(name, field, required(name))? {
            answer.insert(name.clone(), value);
        }
    }
    Ok(Value::Object(answer))
}

fn ask_field(name: &str, field: &Value, required: bool) -> anyhow::Result<Option<Value>> {
    if let Some(options) = choices(field) {
        return Ok(Some(Value::String(choose(name, &options)?)));
    }
    let label = if required { name.to_owned() } else { format!("{name} (may be empty)") };
    let text: String = Input::new().with_prompt(label).allow_empty(!required).interact_text()?;
    if text.is_empty() {
        return Ok(None);
    }
    let is_text = field["type"] == "string";
    Ok(Some(if is_text { Value::String(text) } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) }))
}

fn choices(schema: &Value) -> Option<Vec<String>> {
    choices_of(&schema["enum"])
}

fn choices_of(list: &Value) -> Option<Vec<String>> {
    let options: Option<Vec<String>> =
        list.as_array()?.iter().map(|option| option.as_str().map(str::to_owned)).collect();
    options.filter(|options| !options.is_empty())
}

fn choose(prompt: &str, options: &[String]) -> anyhow::Result<String> {
    let chosen = Select::new().with_prompt(prompt).items(options).default(0).interact()?;
    options.get(chosen).cloned().context("nothing was chosen")
}

/// Free text: JSON where it is JSON, the text itself otherwise.
fn free(prompt: &str) -> anyhow::Result<Value> {
    let text: String = Input::new().with_prompt(prompt).interact_text()?;
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// A value of the command line: JSON, or `@FILE` of JSON or YAML.
pub(crate) fn json_argument(what: &str, text: &str) -> anyhow::Result<Value> {
    let Some(file) = text.strip_prefix('@') else {
        return serde_json::from_str(text).with_context(|| {
            format!("{what} is not JSON: quote it for the shell, or name a file with @FILE")
        });
    };
    let content = std::fs::read_to_string(file).with_context(|| format!("{file} cannot be read"))?;
    if content.trim().is_empty() {
        bail!("{file} is empty");
    }
    serde_saphyr::from_str(&content).with_context(|| format!("{file} is neither JSON nor YAML"))
}
