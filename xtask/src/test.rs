//! `cargo xtask test`: guests, the compiler of JavaScript, host, then every test.
//!
//! The stories of the package `orgata-tests` drive the real binary, so it is built first and they are
//! told where it is. The last line printed is always `N passed, N failed`.

use std::fmt;
use std::io::{IsTerminal as _, stderr};
use std::process::Command;

use anyhow::{Result, bail};

use crate::{child, componentize, plugins, repo};

/// What `test` takes.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Handed on to `cargo nextest run`, or to `cargo test` where nextest is not installed.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    handed_on: Vec<String>,
}

/// How many tests ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    /// True when there is nothing to repair.
    pub(crate) fn is_good(self) -> bool {
        self.failed == 0
    }

    /// An error when there is.
    pub(crate) fn must_be_good(self) -> Result<()> {
        if !self.is_good() {
            bail!("{self}: see above");
        }
        Ok(())
    }

    /// Adds what this line of output says: nextest has one summary, cargo one result per test binary.
    fn read(&mut self, line: &str) {
        // What nextest shows of a test that failed is set in, and counted by its summary.
        if let Some(result) = line.strip_prefix("test result:") {
            // `ok. 3 passed; 0 failed; 0 ignored; …`
            let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
            for (count, word) in counts.split(';').filter_map(counted) {
                match word {
                    "passed" => self.passed += count,
                    "failed" => self.failed += count,
                    _ => {}
                }
            }
        } else if line.trim_start().starts_with("Summary [") {
            // `… 12 tests run: 10 passed (1 slow, 1 leaky), 1 failed, 1 timed out, 0 skipped`
            let counts = line.split_once(" run: ").map_or("", |(_, counts)| counts);
            for (count, word) in without_brackets(counts).split(',').filter_map(counted) {
                match word {
                    "passed" => self.passed += count,
                    "skipped" => {}
                    _ => self.failed += count,
                }
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// `10 passed` as a number and a word.
fn counted(text: &str) -> Option<(u64, &str)> {
    let (count, word) = text.trim().split_once(' ')?;
    Some((count.parse().ok()?, word.trim()))
}

fn without_brackets(text: &str) -> String {
    let mut depth = 0_u32;
    text.chars()
        .filter(|letter| {
            match letter {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => return depth == 0,
            }
            false
        })
        .collect()
}

/// Builds what the tests need and runs them; the task `test`.
pub(crate) fn run(args: &Args) -> Result<()> {
    plugins::build()?;
    componentize::build()?;
    let tally = tests(&args.handed_on)?;
    anstream::println!("{tally}");
    if !tally.is_good() {
        std::process::exit(1);
    }
    Ok(())
}

/// Runs the tests against guests that are already built.
pub(crate) fn tests(handed_on: &[String]) -> Result<Tally> {
    build_host()?;

    let mut tally = Tally::default();
    count(with_places(runner().args(handed_on)), &mut tally)?;
    if handed_on.is_empty() {
        // Examples in the documentation: nextest does not run them, and `cargo test` was told not to.
        count(with_places(&mut child::host_cargo(&["test", "--workspace", "--doc"])), &mut tally)?;
        count(&mut plugins::own_tests(), &mut tally)?;
    }
    Ok(tally)
}

/// Builds the host, and the tests with it: so every crate is built with the same features as when they run, and
/// no dependency twice.
pub(crate) fn build_host() -> Result<()> {
    child::run(&mut child::host_cargo(&["build", "--workspace", "--bins", "--tests"]))
}

/// `cargo nextest run` when it is there; it shows what is slow and kills what hangs.
fn runner() -> Command {
    let nextest = child::answers(&mut child::cargo(&["nextest", "--version"]));
    if nextest {
        child::host_cargo(&["nextest", "run", "--workspace", "--config-file", "xtask/nextest.toml"])
    } else {
        child::host_cargo(&[
            "test",
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--examples",
            "--no-fail-fast",
        ])
    }
}

/// Tells the stories which binary and which guests they are about.
fn with_places(command: &mut Command) -> &mut Command {
    if stderr().is_terminal() {
        // The output passes through our hands, where cargo sees no terminal any more.
        command.env("CARGO_TERM_COLOR", "always");
    }
    command.env("ORGATA_BIN", repo::debug_binary()).env("ORGATA_GUESTS", repo::guests())
}

fn count(command: &mut Command, tally: &mut Tally) -> Result<()> {
    let mut own = Tally::default();
    let well = child::watch(command, &mut |line| own.read(line))?;
    tally.passed += own.passed;
    tally.failed += own.failed;
    if !well && own.is_good() {
        bail!("{} failed before it could count: see above", child::line(command));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn tally(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn the_results_of_all_test_binaries_are_added() {
        let seen = tally(&[
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        ]);
        assert_eq!(seen, Tally { passed: 4, failed: 2 });
        assert_eq!(seen.to_string(), "4 passed, 2 failed");
    }

    #[test]
    fn a_test_that_hangs_has_failed() {
        let seen = tally(&[
            "     Summary [   0.531s] 9/12 tests run: 7 passed (1 slow, 1 leaky), 1 failed, 1 timed out, 3 skipped",
        ]);
        assert_eq!(seen, Tally { passed: 7, failed: 2 });
    }

    #[test]
    fn ordinary_output_counts_nothing() {
        assert_eq!(tally(&["12 passed, 1 failed", "    PASS [ 0.1s] x y", ""]), Tally::default());
    }
}
