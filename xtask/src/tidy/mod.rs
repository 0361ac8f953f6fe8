//! `cargo xtask tidy`: the rules that the compiler does not know.
//!
//! One function a rule, each with a sample in its tests that it must notice. A rule about one file's text
//! is registered in [`FILE_RULES`]; rules about the whole repository are called in [`run`].

mod links;
mod manifests;
mod numbers;
mod rooms;
mod sources;
mod texts;
mod tree;

use std::fmt;

use anyhow::{Result, bail};

use crate::repo;
use tree::File;

/// Rules that need to see one file only.
const FILE_RULES: &[fn(&File) -> Vec<Finding>] = &[
    sources::opens_with_its_purpose,
    sources::is_not_too_long,
    sources::is_finished,
    sources::waits_for_conditions,
    sources::adapters_stay_apart,
    texts::names_no_machine,
    texts::has_a_telling_name,
    manifests::shares_the_lints,
];

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: String,
    line: usize,
    rule: &'static str,
    advice: String,
}

impl Finding {
    fn new(file: &File, line: usize, rule: &'static str, advice: impl Into<String>) -> Self {
        Self { file: file.path.clone(), line, rule, advice: advice.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file, self.line, self.rule, self.advice)
    }
}

/// Checks everything, and tells all findings at once.
pub(crate) fn run() -> Result<()> {
    let root = repo::root();
    let files = tree::files(&root)?;
    let mut findings: Vec<_> =
        files.iter().flat_map(|file| FILE_RULES.iter().flat_map(|rule| rule(file))).collect();
    findings.extend(files.iter().flat_map(|file| links::resolve(file, &|path| root.join(path).exists())));
    findings.extend(numbers::are_described(&files));
    findings.extend(rooms::keep_their_distance(&rooms::packages()?));
    findings.sort();
    for finding in &findings {
        anstream::println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("{count} things to tidy up, each with what to do, are listed above"),
    }
}
