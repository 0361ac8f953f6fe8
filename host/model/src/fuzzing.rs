//! What fuzzers feed: texts from outside, which must end in a value or in a mistake that is told, and never in a panic.
//!
//! The long runs are in `fuzz/`, the short one below. Not part of the host: built for tests and fuzzers alone.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::expression::{Expression, Level, Names, Scope, Template};
use crate::playbook::Playbook;
use crate::playbook::scenario::Scenario;

/// A playbook: what can be read can be drawn, and what cannot is told with a place inside of the text.
pub fn playbook(bytes: &[u8]) {
    let Ok(source) = std::str::from_utf8(bytes) else { return };
    match Playbook::parse("fuzz.yaml", source) {
        Ok(playbook) => drop(format!("{playbook:?}")),
        Err(mistakes) => drop(mistakes.to_string()),
    }
}

/// A scenario of a simulation.
pub fn scenario(bytes: &[u8]) {
    let Ok(source) = std::str::from_utf8(bytes) else { return };
    if let Err(mistakes) = Scenario::parse("fuzz.yaml", source) {
        drop(mistakes.to_string());
    }
}

/// An expression, alone and as a template, computed where it can be compiled.
pub fn expression(bytes: &[u8]) {
    let Ok(source) = std::str::from_utf8(bytes) else { return };
    let (execution, input) = (Arc::new(json!({ "id": "exec" })), Arc::new(some_input()));
    let root = Level::default();
    let scope = Scope { execution: &execution, input: &input, event: None, root: &root, inner: Vec::new() };
    match Expression::compile(source, Names::default()) {
        Ok(expression) => drop((expression.eval(&scope), expression.holds(&scope), expression.uses())),
        Err(mistake) => drop(mistake.to_string()),
    }
    if let Ok(template) = Template::compile(&Value::String(source.to_owned()), Names::default()) {
        drop((template.eval(&scope), template.uses()));
    }
}

fn some_input() -> Value {
    json!({ "kind": "classic", "amount": 120.5, "lines": [1, 2, 3], "text": "ä\n", "nested": { "none": null } })
}

#[cfg(test)]
#[path = "../../../fuzz/short_run.rs"]
mod short_run;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_breaks_the_reader_of_playbooks() {
        short_run::run("playbook", 1_500, playbook);
    }

    #[test]
    fn no_text_breaks_the_reader_of_scenarios() {
        short_run::run("scenario", 1_500, scenario);
    }

    #[test]
    fn no_text_breaks_the_reader_of_expressions() {
        short_run::run("expression", 4_000, expression);
    }
}
