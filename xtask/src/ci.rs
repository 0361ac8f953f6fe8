//! `cargo xtask ci`: all that must hold before a change goes in.
//!
//! Every stage runs, whatever became of the ones before it: one round shows all there is to repair. The
//! last line is the tests' `N passed, N failed`.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::test::{self, Tally};
use crate::{child, componentize, conformance, packages, plugins, repo, schema, tidy, toolchain};

/// One stage: its name, how long it took, and what was wrong.
struct Stage {
    name: &'static str,
    took: Duration,
    error: Option<anyhow::Error>,
}

/// Runs all stages, the quick ones first.
pub(crate) fn run() -> Result<()> {
    let mut stages = Vec::new();
    stage(&mut stages, "format", format);
    stage(&mut stages, "tidy", tidy::run);
    stage(&mut stages, "guests", plugins::build);
    stage(&mut stages, "guests' lints and tests", plugins::check);
    stage(&mut stages, "componentize", || componentize::build().and_then(|()| componentize::check()));
    stage(&mut stages, "lints", lints);
    stage(&mut stages, "dependencies", licences);
    stage(&mut stages, "generated files", || schema::run(schema::Args { check: true }));
    let mut tally = None;
    stage(&mut stages, "tests", || tally.insert(test::tests(&[])?).must_be_good());
    stage(&mut stages, "conformance", conformance::tried);
    finish(&stages, tally)
}

fn format() -> Result<()> {
    toolchain::need_component("fmt", "rustfmt")?;
    child::run(&mut child::cargo(&["fmt", "--all", "--check"]))
}

/// Builds everything, with Clippy as the compiler.
fn lints() -> Result<()> {
    toolchain::need_component("clippy", "clippy")?;
    child::lint(Some(toolchain::clippy()?));
    let built = child::run(&mut child::host_cargo(&["build", "--workspace", "--all-targets"]));
    if built.is_err() {
        // The tests have something to say all the same.
        child::lint(None);
    }
    built
}

/// What checks `deny.toml`. The machine's own is as good.
const DENY: (&str, &str) = ("cargo-deny", "0.20.2");

/// Licences, bans and sources, by `deny.toml`. Advisories change without a change of ours: they are for a schedule.
fn licences() -> Result<()> {
    // Two versions of a crate are a warning each, with a tree of who wants it: for who asks, and not for every round.
    const CHECKS: [&str; 7] = ["deny", "--log-level", "error", "check", "bans", "licenses", "sources"];
    if child::answers(&mut child::cargo(&["deny", "--version"])) {
        return child::run(&mut child::cargo(&CHECKS));
    }
    let deny = packages::from_crates(&repo::target().join("tools"), DENY)?;
    child::run(&mut child::command(deny, &repo::root(), &CHECKS))
}

fn stage(stages: &mut Vec<Stage>, name: &'static str, work: impl FnOnce() -> Result<()>) {
    anstream::eprintln!("\n\u{1b}[1m{name}\u{1b}[0m");
    let began = Instant::now();
    let error = work().err();
    if let Some(error) = &error {
        anstream::eprintln!("error: {error:#}");
    }
    stages.push(Stage { name, took: began.elapsed(), error });
}

fn finish(stages: &[Stage], tally: Option<Tally>) -> Result<()> {
    anstream::println!();
    for stage in stages {
        let word = if stage.error.is_some() { "FAILED" } else { "ok" };
        anstream::println!("{:>8.1} s  {:<24} {word}", stage.took.as_secs_f64(), stage.name);
    }
    let failed: Vec<_> =
        stages.iter().filter(|stage| stage.error.is_some()).map(|stage| stage.name).collect();
    let Some(tally) = tally else {
        bail!("no test ran; these stages failed: {}", failed.join(", "));
    };
    if !failed.is_empty() {
        anstream::println!("these stages failed, see above: {}", failed.join(", "));
    }
    anstream::println!("{tally}");
    if !failed.is_empty() {
        std::process::exit(1);
    }
    Ok(())
}
