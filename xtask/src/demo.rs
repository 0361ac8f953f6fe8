//! `cargo xtask demo`: from a fresh checkout to a sandwich.

use std::io::{IsTerminal as _, stdin};

use anyhow::Result;

use crate::{child, plugins, repo};

/// Builds what is needed and runs the example playbook. Its question is asked on a terminal; without
/// one, the answers come from a file.
pub(crate) fn run() -> Result<()> {
    plugins::build()?;
    child::run(&mut child::cargo(&["build", "--package", "orgata"]))?;

    let order = r#"{"sandwichType":"classic"}"#;
    let mut sandwich =
        child::command(repo::debug_binary(), &repo::root(), &["run", "pbj-sandwich", "--input", order]);
    if !stdin().is_terminal() {
        sandwich.args(["--answers", "playbooks/pbj-sandwich.answers.yaml"]);
    }
    child::run(&mut sandwich)
}
