//! Scenarios with mistakes: what their authors are told, line by line, in `scenarios/bad/*.txt`.
//!
//! To see and accept new words, run with `ORGATA_ACCEPT=1` and read the difference.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use orgata_model::execution::Status;
use orgata_model::playbook::Playbook;
use orgata_model::playbook::scenario::{MAX_SOURCE, Scenario, Source, What};
use proptest::prelude::*;
use serde_json::json;

use crate::playbooks::damaged;

fn bad() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/bad");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    files
}

#[test]
fn every_mistake_in_a_scenario_is_told_in_words_that_help() {
    let accept = std::env::var_os("ORGATA_ACCEPT").is_some();
    let mut wrong = Vec::new();
    assert!(bad().len() >= 25);
    for path in bad() {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let source = std::fs::read_to_string(&path).unwrap();
        let diagnostics = Scenario::parse(&file, &source).err().unwrap_or_else(|| panic!("{file} is fine"));
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
        for word in ["visitor", "serde", "mapping start", "variant", "u32", "a playbook has"] {
            assert!(!told.contains(word), "{file}: {word}\n{told}");
        }
    }
    assert!(wrong.is_empty(), "other words than before:\n{}", wrong.join("\n"));
}

#[test]
fn an_empty_scenario_and_one_that_is_too_large_are_refused() {
    for (source, told) in [
        (String::new(), "the scenario is empty"),
        ("# nothing\n\n".to_owned(), "the scenario is empty"),
        (format!("description: {}\n", "x".repeat(MAX_SOURCE)), "bytes long, 1048576 at most"),
    ] {
        let refused = Scenario::parse("s.yaml", &source).unwrap_err().to_string();
        assert!(refused.contains(told), "{refused}");
    }
}

const WHOLE: &str = r#"
playbook: order
description: All of the language.
input: { n: 1 }
startsAt: 2026-03-01T08:00:00Z
startedBy: ada
use: recorded
recorded: [first.jsonl]
steps:
  ship:
    - { fail: { code: BUSY, message: later, kind: transient }, takes: 2s }
    - { result: null }
  "reserve[1]": { use: examples }
  pack-order/pack: { ask: { prompt: Which box?, options: [small, large], timeout: 1h } }
operations:
  shop/release: { result: { released: yes } }
interventions:
  approve:
    - { answer: { decision: approve }, by: ben, after: 1h, notes: fine }
    - { unanswered: true }
events:
  - { event: paid, at: 2d, payload: { n: 1 } }
  - { event: seen, kept: true }
expect:
  status: compensated
  output: { a: 1 }
  failure: BUSY
  ran: [ship]
  notRun: [pack-order/pack]
  order: [reserve, ship]
  attempts: { ship: 2 }
  undone: ["reserve[1]", "reserve[0]"]
  within: 3d
"#;

#[test]
fn the_whole_language_is_read() {
    let scenario =
        Scenario::parse("whole.yaml", WHOLE).unwrap_or_else(|told| panic!("{}", told.render(false)));
    assert_eq!((scenario.source, scenario.recorded.len()), (Source::Recorded, 1));
    let ship = &scenario.steps[0];
    assert_eq!((ship.mark.line, ship.mark.column), (10, 3), "a mistake in it is shown where it stands");
    assert!(matches!(&ship.after(0).unwrap().what, What::Fail(failure) if failure.code == "BUSY"));
    assert_eq!(ship.after(0).unwrap().takes, Duration::from_secs(2));
    // The last one stays, and null is a result.
    for calls in 1..4 {
        assert!(matches!(&ship.after(calls).unwrap().what, What::Result(result) if **result == json!(null)));
    }
    let approve = &scenario.answers[0].answers;
    assert_eq!((approve[0].by.as_deref(), approve[1].response.as_ref()), (Some("ben"), None));
    assert_eq!(scenario.expect.status.as_ref().unwrap().value, Status::Compensated);
    assert_eq!(scenario.expect.attempts[0].value.1, 2);
    assert!(scenario.events[1].kept && scenario.events[0].at == Duration::from_hours(48));
}

#[test]
fn what_a_scenario_names_must_be_there() {
    let playbook = |name: &str, steps: &str| {
        Arc::new(Playbook::parse("p.yaml", &format!("name: {name}\nsteps:\n{steps}")).unwrap())
    };
    let own =
        playbook("order", "  - { name: ship, operation: shop/ship }\n  - { name: pack, playbook: parcel }\n");
    let parcel = playbook("parcel", "  - { name: wrap, operation: shop/wrap }\n");
    let known = |name: &orgata_model::PlaybookName| (*name == parcel.name).then(|| Arc::clone(&parcel));
    let fine = "steps: { ship: { result: 1 }, parcel/wrap: { result: 1 } }\noperations: { shop/wrap: { result: 1 } }\n";
    let fine = Scenario::parse("s.yaml", fine).unwrap();
    assert_eq!(fine.misfits(&own, known), None);

    let wrong = "playbook: other\nsteps: { shp: { result: 1 }, parcel/wrp: { result: 1 }, box/a: { result: 1 } }\n\
                 operations: { shop/shp: { result: 1 } }\nexpect: { order: [ship, sent] }\n";
    let told = Scenario::parse("s.yaml", wrong).unwrap().misfits(&own, known).unwrap();
    let told: Vec<String> = told.problems.iter().map(|problem| problem.message.clone()).collect();
    assert_eq!(
        told,
        [
            "the scenario is for `other`, not for `order`",
            "playbook `order` has no step `shp`",
            "playbook `parcel` has no step `wrp`",
            "no playbook `box` takes part",
            "no step runs the operation `shop/shp`",
            "playbook `order` has no step `sent`",
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn reading_a_damaged_scenario_never_panics(
        cuts in proptest::collection::vec((0usize..1100, 0usize..12, "[ -~\n\t\u{1F600}é]{0,5}"), 1..4),
    ) {
        let source = damaged(WHOLE, cuts);
        if let Err(diagnostics) = Scenario::parse("s.yaml", &source) {
            prop_assert!(!diagnostics.problems.is_empty());
            prop_assert!(!diagnostics.render(false).is_empty() && !diagnostics.render(true).is_empty());
        }
    }
}
