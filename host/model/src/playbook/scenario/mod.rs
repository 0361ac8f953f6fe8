//! A scenario: what a simulated playbook meets, and what should come of it.
//!
//! [`Scenario::parse`] reads YAML as strictly as playbooks are read: unknown keys are mistakes, and all that can be seen
//! at once is told at once, with its place. [`Scenario::misfits`] compares one with the playbooks that it speaks of.
//!
//! Not here: simulating (`engine::simulate`), and reading the files that `recorded` names.

mod check;
mod file;
mod fits;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diagnostic::{Diagnostics, Mark};
use crate::execution::Status;
use crate::failure::Failure;
use crate::ids::{NameError, OperationName, PlaybookName, RoleName};
use crate::step_path::StepPath;

pub use file::json_schema;

/// Largest scenario, in bytes of YAML.
pub const MAX_SOURCE: usize = 1 << 20;

/// Where the results of operations come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// From the operation itself, if it is pure.
    #[default]
    Real,
    /// From recorded executions.
    Recorded,
    /// From the operation's own examples.
    Examples,
}

/// A checked scenario.
#[derive(Debug, Default)]
pub struct Scenario {
    /// What diagnostics call it.
    pub file: String,
    /// The YAML that it was read from.
    pub text: Arc<str>,
    /// The playbook that it is for.
    pub playbook: Option<Expected<PlaybookName>>,
    /// For people.
    pub description: Option<String>,
    /// What the playbook is given.
    pub input: Option<Value>,
    /// When it begins, in virtual time.
    pub starts_at: Option<Timestamp>,
    /// Whoever starts it.
    pub started_by: Option<String>,
    /// The files of recorded executions, as it names them.
    pub recorded: Vec<String>,
    /// Where results come from that it does not say.
    pub source: Source,
    /// What steps give.
    pub steps: Vec<Given<StepKey>>,
    /// What operations give, wherever they are used.
    pub operations: Vec<Given<OperationName>>,
    /// Who answers.
    pub answers: Vec<Answers>,
    /// What happens outside.
    pub events: Vec<Happening>,
    /// What should come of it.
    pub expect: Expectations,
}

/// A step of the simulated playbook, or of another that it runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepKey {
    /// Whose step, if not of the simulated playbook.
    pub playbook: Option<PlaybookName>,
    /// Which. Without an iteration it stands for all of them.
    pub step: StepPath,
}

impl StepKey {
    /// Whether it means this step of this playbook; `own` is the simulated one.
    pub fn means(&self, own: &PlaybookName, playbook: &PlaybookName, step: &StepPath) -> bool {
        let any = self.step.iterations().is_empty() && self.step.name() == step.name();
        *playbook == *self.playbook.as_ref().unwrap_or(own) && (any || self.step == *step)
    }
}

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.playbook {
            Some(playbook) => write!(f, "{playbook}/{}", self.step),
            None => write!(f, "{}", self.step),
        }
    }
}

impl FromStr for StepKey {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Ok(match text.split_once('/') {
            Some((playbook, step)) => Self { playbook: Some(playbook.parse()?), step: step.parse()? },
            None => Self { playbook: None, step: text.parse()? },
        })
    }
}

/// What the calls of a step or of an operation give.
#[derive(Debug)]
pub struct Given<K> {
    /// Whose calls.
    pub of: K,
    /// Where that stands.
    pub mark: Mark,
    /// At least one; each call takes the next, and the last one stays.
    pub gives: Vec<Gives>,
}

impl<K> Given<K> {
    /// What the call gives after so many.
    pub fn after(&self, calls: usize) -> Option<&Gives> {
        self.gives.get(calls).or(self.gives.last())
    }
}

/// What one call gives.
#[derive(Debug, Clone)]
pub struct Gives {
    /// What.
    pub what: What,
    /// How long it takes, in virtual time.
    pub takes: Duration,
}

/// What a call comes to.
#[derive(Debug, Clone)]
pub enum What {
    /// A result.
    Result(Arc<Value>),
    /// A failure.
    Fail(Failure),
    /// A question to a person.
    Ask(Box<Asked>),
    /// Whatever this source has.
    From(Source),
}

/// What an operation asks in a scenario.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What to decide.
    pub prompt: String,
    /// Choices to offer.
    pub options: Vec<String>,
    /// JSON Schema that an answer must satisfy; known to compile.
    pub response_schema: Option<Value>,
    /// Who may answer.
    pub role: Option<RoleName>,
    /// How long it waits.
    pub timeout: Option<Duration>,
}

/// The answers to the questions of a step.
#[derive(Debug)]
pub struct Answers {
    /// Whose questions.
    pub of: StepKey,
    /// Where that stands.
    pub mark: Mark,
    /// At least one; each that is due takes the next, and a later question the last one again.
    pub answers: Vec<Answer>,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What is answered; nobody answers when absent.
    pub response: Option<Value>,
    /// Who answers; the role that is asked when absent.
    pub by: Option<String>,
    /// How long after it was asked.
    pub after: Duration,
    /// What is written beside the answer.
    pub notes: Option<String>,
}

/// Something that happens outside.
#[derive(Debug, Clone)]
pub struct Happening {
    /// Its name.
    pub event: String,
    /// What comes with it.
    pub payload: Arc<Value>,
    /// How long after the start.
    pub at: Duration,
    /// The execution keeps it until a step waits for it.
    pub kept: bool,
}

/// Something that should hold, and where the scenario says so.
#[derive(Debug, Clone)]
pub struct Expected<T> {
    /// What.
    pub value: T,
    /// Where.
    pub mark: Mark,
}

/// What should come of a simulation.
#[derive(Debug, Default)]
pub struct Expectations {
    /// How it ends; succeeded when absent.
    pub status: Option<Expected<Status>>,
    /// Its output, or a part of it.
    pub output: Option<Expected<Value>>,
    /// The code of its failure.
    pub failure: Option<Expected<String>>,
    /// Steps that begin.
    pub ran: Vec<Expected<StepKey>>,
    /// Steps that do not.
    pub not_run: Vec<Expected<StepKey>>,
    /// Steps that begin in this order.
    pub order: Option<Expected<Vec<StepKey>>>,
    /// How many attempts steps take.
    pub attempts: Vec<Expected<(StepKey, u32)>>,
    /// Steps that are undone, in this order, and no others.
    pub undone: Option<Expected<Vec<StepKey>>>,
    /// How long it takes at most, in virtual time.
    pub within: Option<Expected<Duration>>,
}

impl Scenario {
    /// Reads and checks a scenario. `file` names it in diagnostics.
    pub fn parse(file: &str, source: &str) -> Result<Self, Diagnostics> {
        check::parse(file, source)
    }
}

/// Whether a value is there as it should be: every field of an object that is expected, and everything else whole.
pub fn contains(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => expected
            .iter()
            .all(|(key, expected)| found.get(key).is_some_and(|found| contains(found, expected))),
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len()
                && found.iter().zip(expected).all(|(found, expected)| contains(found, expected))
        }
        (Value::Number(found), Value::Number(expected)) => {
            found == expected || found.as_f64() == expected.as_f64()
        }
        (found, expected) => found == expected,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_means_steps_of_its_own_playbook_and_all_iterations_unless_it_names_one() {
        let name = |text: &str| text.parse::<PlaybookName>().unwrap();
        let means = |key: &str, playbook: &str, step: &str| {
            let key: StepKey = key.parse().unwrap();
            key.means(&name("order"), &name(playbook), &step.parse().unwrap())
        };
        assert!(means("pack", "order", "pack") && means("pack", "order", "pack[2]"));
        assert!(means("pack[2]", "order", "pack[2]") && !means("pack[2]", "order", "pack[1]"));
        assert!(!means("pack", "parcel", "pack") && means("parcel/pack", "parcel", "pack[0]"));
        for bad in ["", "a/b/c", "a/", "/a", "pack[x]"] {
            assert!(bad.parse::<StepKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_part_of_a_value_is_found_in_it_and_lists_are_compared_whole() {
        let found = json!({ "a": { "b": 1.0, "c": [1, { "d": null, "e": 2 }] } });
        for part in [json!({}), json!({ "a": { "b": 1 } }), json!({ "a": { "c": [1, { "d": null }] } })] {
            assert!(contains(&found, &part), "{part}");
        }
        for other in [json!({ "x": 1 }), json!({ "a": { "c": [1] } }), json!({ "a": null }), json!([])] {
            assert!(!contains(&found, &other), "{other}");
        }
    }
}
