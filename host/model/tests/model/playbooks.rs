//! Playbooks with mistakes: what their authors are told, line by line, in `playbooks/bad/*.txt`.
//!
//! To see and accept new words, run with `ORGATA_ACCEPT=1` and read the difference.

use std::path::{Path, PathBuf};

use orgata_model::playbook::{MAX_SOURCE, MAX_STEPS, Playbook};
use proptest::prelude::*;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/playbooks")
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    files
}

#[test]
fn every_mistake_is_told_in_words_that_help() {
    let accept = std::env::var_os("ORGATA_ACCEPT").is_some();
    let mut wrong = Vec::new();
    let files = yaml_files(&folder().join("bad"));
    assert!(files.len() >= 80);
    for path in files {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let source = std::fs::read_to_string(&path).unwrap();
        let diagnostics = Playbook::parse(&file, &source).err().unwrap_or_else(|| panic!("{file} is fine"));
        let told = format!("{}\n", diagnostics.render(false));
        let known = path.with_extension("txt");
        if accept {
            std::fs::write(&known, &told).unwrap();
        } else if std::fs::read_to_string(&known).unwrap_or_default() != told {
            wrong.push(format!("{file}:\n{told}"));
        }
        for problem in &diagnostics.problems {
            assert!(problem.line > 0 && problem.column > 0, "{file} does not say where: {problem:?}");
        }
    }
    assert!(wrong.is_empty(), "other words than before:\n{}", wrong.join("\n"));
}

#[test]
fn nothing_that_is_told_speaks_of_the_reader() {
    for path in yaml_files(&folder().join("bad")) {
        let told = std::fs::read_to_string(path.with_extension("txt")).unwrap_or_default();
        for word in [
            "visitor",
            "serde",
            "mapping start",
            "sequence start",
            "Policy",
            "budget",
            "breach",
            "variant",
            "u32",
            "f64",
        ] {
            assert!(!told.contains(word), "{}: {word}\n{told}", path.display());
        }
    }
}

#[test]
fn a_playbook_that_is_too_large_is_not_read() {
    let source = format!("name: p\ndescription: {}\n", "x".repeat(MAX_SOURCE));
    let told = Playbook::parse("p.yaml", &source).unwrap_err().to_string();
    assert!(told.contains("bytes long, 1048576 at most"), "{told}");
}

#[test]
fn a_playbook_has_no_more_steps_than_it_may() {
    let steps = |count: usize| -> String {
        (0..count).map(|step| format!("  - {{ name: s{step}, operation: x/y }}\n")).collect()
    };
    assert!(Playbook::parse("p.yaml", &format!("name: p\nsteps:\n{}", steps(MAX_STEPS))).is_ok());
    let told = Playbook::parse("p.yaml", &format!("name: p\nsteps:\n{}", steps(MAX_STEPS + 1))).unwrap_err();
    assert!(told.to_string().contains("has 1 to 1000 steps, this one has 1001"), "{told}");
}

#[test]
fn deep_nesting_is_refused_and_does_not_overflow_the_stack() {
    for (open, close) in [("[", "]"), ("{ a: ", "}"), ("- ", ""), ("? ", ""), ("&a [", "]"), ("!x [", "]")] {
        for depth in [70, 1_000, 50_000] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let source =
                format!("name: p\nsteps:\n  - name: a\n    operation: x/y\n    params:\n      v: {deep}\n");
            assert!(Playbook::parse("p.yaml", &source).is_err(), "{open} {depth}");
        }
    }
}

#[test]
fn aliases_may_repeat_and_may_not_explode() {
    let source = "name: p\nsteps:\n  - name: a\n    operation: x/y\n    params: &p { v: 1 }\n  - name: b\n    operation: x/y\n    params: *p\n";
    assert!(Playbook::parse("p.yaml", source).is_ok());
    let bomb = std::fs::read_to_string(folder().join("bad/alias_bomb.yaml")).unwrap();
    assert!(Playbook::parse("p.yaml", &bomb).unwrap_err().to_string().contains("grows too large"));
}

#[test]
fn carriage_returns_and_a_byte_order_mark_are_no_mistake() {
    let source = "\u{feff}name: p\r\nsteps:\r\n  - name: a\r\n    operation: x/y\r\n";
    assert!(Playbook::parse("p.yaml", source).is_ok());
}

/// A text with parts of it replaced: from where, how many characters, by what.
pub(crate) fn damaged(text: &str, cuts: Vec<(usize, usize, String)>) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (from, length, junk) in cuts {
        let from = from.min(chars.len());
        let to = (from + length).min(chars.len());
        chars.splice(from..to, junk.chars());
    }
    chars.into_iter().collect()
}

const WHOLE: &str = r#"
name: whole
version: 1.0.0
roles: [chef, customer]
input: { type: object, properties: { n: { type: integer } } }
timeout: 1h
steps:
  - name: gather
    role: chef
    operation: kitchen/gather
    params: { type: $input.kind, list: [1, { a: "x {{ input.n }} y" }] }
    retries: { max: 3, initial: 200ms, multiplier: 2, max_interval: 10s, jitter: full }
  - name: choose-jelly
    role: customer
    when: $steps.gather.result.n > 3 and input.kind == "classic"
    intervention:
      prompt: Which, ${input.name}?
      options: [grape, apricot]
      timeout: { after: 30m, answer: { jelly: grape } }
output: { jelly: $steps.choose-jelly.result.jelly }
"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn reading_a_damaged_playbook_never_panics(
        cuts in proptest::collection::vec((0usize..900, 0usize..12, "[ -~\n\t\u{1F600}é]{0,5}"), 1..4),
    ) {
        let source = damaged(WHOLE, cuts);
        if let Err(diagnostics) = Playbook::parse("p.yaml", &source) {
            prop_assert!(!diagnostics.problems.is_empty());
            prop_assert!(!diagnostics.render(false).is_empty() && !diagnostics.render(true).is_empty());
        }
    }

    #[test]
    fn reading_anything_at_all_never_panics(source in "[ -~\n\t&*!|>\u{0}\u{1F600}é-]{0,200}") {
        if let Err(diagnostics) = Playbook::parse("p.yaml", &source) {
            prop_assert!(!diagnostics.render(false).is_empty());
        }
    }
}
