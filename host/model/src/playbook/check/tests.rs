//! What a good playbook becomes, and what is told of a bad one.

use super::*;
use proptest::prelude::*;

const PBJ: &str = r#"
name: pbj
roles: [chef, customer]
input: { type: object }
steps:
  - name: gather
    role: chef
    operation: kitchen/gather
    params: { type: $input.sandwichType }
    retries: { max: 3, initial: 200ms, multiplier: 2, max_interval: 10s, jitter: full }
  - name: choose-jelly
    role: customer
    intervention:
      type: human_decision
      prompt: Which jelly flavor?
      options: [grape, strawberry]
      timeout: { after: 30m, answer: { jelly_flavor: grape } }
  - name: spread
    when: steps.gather.result.ok
    operation: kitchen/spread
    params: { jelly: $steps.choose-jelly.result.jelly_flavor }
output: { sandwich: $steps.spread.result.sandwich }
"#;

fn problems(source: &str) -> Vec<(u64, String)> {
    let diagnostics = Playbook::parse("p.yaml", source).unwrap_err();
    diagnostics.problems.iter().map(|p| (p.line, p.message.clone())).collect()
}

#[test]
fn a_whole_playbook_is_read() {
    let playbook = Playbook::parse("pbj.yaml", PBJ).unwrap();
    assert_eq!(playbook.steps.len(), 3);
    assert_eq!(playbook.steps[0].retries.max, 3);
    let Work::Intervention(ask) = &playbook.steps[1].work else { panic!() };
    let schema = ask.response_schema.as_deref().unwrap();
    assert_eq!(schema["required"], serde_json::json!(["jelly_flavor"]));
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let source = PBJ
        .replace("$input.sandwichType", "$inptu.sandwichType")
        .replace("steps.gather.result.ok", "steps.gathr.result.ok")
        .replace("$steps.spread.result", "$steps.nothing.result")
        .replace("role: customer", "role: custmer");
    let found = problems(&source);
    let lines: Vec<u64> = found.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [9, 12, 19, 22], "{found:?}");
}

#[test]
fn a_step_cannot_read_what_comes_later() {
    let source = "name: p\nsteps:\n  - name: a\n    operation: x/y\n    params: { v: $steps.b.result }\n  - name: b\n    operation: x/y\n";
    assert_eq!(problems(source), [(5, "step `b` cannot have run here".to_owned())]);
}

#[test]
fn a_default_answer_must_be_one_that_fits() {
    let source = PBJ.replace("answer: { jelly_flavor: grape }", "answer: { jelly_flavor: tar }");
    assert!(problems(&source)[0].1.contains("default answer"));
}

#[test]
fn a_report_shows_the_line() {
    let source = PBJ.replace("steps.gather.result.ok", "steps.gathr.result.ok");
    let report = Playbook::parse("pbj.yaml", &source).unwrap_err().render(false);
    assert!(report.contains("pbj.yaml:19:11") && report.contains("when: steps.gathr"), "{report}");
    assert!(report.contains("did you mean `gather`?"), "{report}");
}

proptest! {
    #[test]
    fn reading_never_panics(cut in 0usize..PBJ.len(), junk in "[ -~\n]{0,6}") {
        let source: String = PBJ.chars().take(cut).chain(junk.chars()).chain(PBJ.chars().skip(cut + 3)).collect();
        if let Err(diagnostics) = Playbook::parse("p.yaml", &source) {
            prop_assert!(!diagnostics.render(false).is_empty());
        }
    }
}
