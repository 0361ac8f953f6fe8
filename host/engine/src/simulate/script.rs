//! What the calls of a simulation give, and where that comes from.
//!
//! The scenario comes first: of a step, then of an operation. What it does not say comes from its `use`, and by default
//! from the operation itself if it is pure, else from what is recorded, else from the operation's examples. An operation
//! that sees or changes the outside never runs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use orgata_model::operation::{EffectClass, Example, Operation};
use orgata_model::playbook::scenario::{Answer, Gives, Scenario, Source, StepKey, What};
use orgata_model::{ExecutionId, OperationName, PlaybookName, StepPath};
use serde_json::Value;

use super::recorded::{Record, Recorded};

/// Where a result came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// The operation ran.
    Real,
    /// A recorded execution.
    Recorded,
    /// The operation's example of this name.
    Example(String),
    /// The scenario says so.
    Scenario,
    /// Nothing says what it gives.
    Nothing,
}

/// A call of a simulation.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) execution: ExecutionId,
    pub(super) playbook: PlaybookName,
    pub(super) step: StepPath,
    /// It undoes the step.
    pub(super) undoes: bool,
}

/// What is to be done about a call.
#[derive(Debug)]
pub(super) enum Choice {
    /// It really runs.
    Run,
    /// It gives this.
    Give(Gives, Provenance),
    /// Nobody knows: what to do.
    Unknown(String),
}

/// How often what was used.
#[derive(Default)]
struct Used {
    steps: HashMap<(ExecutionId, StepPath), usize>,
    operations: HashMap<OperationName, usize>,
    recorded: HashMap<(ExecutionId, StepPath, bool), usize>,
    /// Which of the recorded executions of its playbook each is played from.
    records: HashMap<ExecutionId, (PlaybookName, usize)>,
}

/// What is known before a simulation begins.
pub(super) struct Script {
    pub(super) scenario: Scenario,
    /// The simulated playbook.
    pub(super) own: PlaybookName,
    records: Vec<(PlaybookName, Record)>,
    used: Mutex<Used>,
}

impl Script {
    pub(super) fn new(scenario: Scenario, own: PlaybookName, recorded: &[Recorded]) -> Self {
        let records = recorded.iter().map(|one| (one.playbook.clone(), Record::of(one))).collect();
        Self { scenario, own, records, used: Mutex::default() }
    }

    /// The recorded execution of the simulated playbook.
    pub(super) fn own_record(&self) -> Option<&Record> {
        self.records.iter().find(|(playbook, _)| *playbook == self.own).map(|(_, record)| record)
    }

    /// What this call gives.
    pub(super) fn choose(&self, place: &Place, operation: &Operation, input: &Value) -> Choice {
        let find = |source| self.from(source, place, operation, input);
        match self.said(place, &operation.name) {
            Some(Gives { what: What::From(source), .. }) => find(source).unwrap_or_else(|| {
                Choice::Unknown(format!(
                    "the scenario takes what {} gives in step `{}` from {}, and there is none",
                    operation.name,
                    self.key(place),
                    match source {
                        Source::Real =>
                            "the operation itself, which is not pure and never runs in a simulation",
                        Source::Recorded => "a recorded execution",
                        Source::Examples => "its examples",
                    }
                ))
            }),
            Some(gives) => Choice::Give(gives, Provenance::Scenario),
            None => {
                let order = match self.scenario.source {
                    Source::Real => [Source::Real, Source::Recorded, Source::Examples],
                    Source::Recorded => [Source::Recorded, Source::Real, Source::Examples],
                    Source::Examples => [Source::Examples, Source::Real, Source::Recorded],
                };
                order.into_iter().find_map(find).unwrap_or_else(|| self.unknown(place, operation))
            }
        }
    }

    /// What the scenario says, if it says anything.
    fn said(&self, place: &Place, operation: &OperationName) -> Option<Gives> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let of_step = best(&self.scenario.steps, |given| &given.of, &self.own, place);
        if let Some(given) = of_step.filter(|_| !place.undoes) {
            let count = used.steps.entry((place.execution, place.step.clone())).or_default();
            *count += 1;
            return given.after(*count - 1).cloned();
        }
        let given = self.scenario.operations.iter().find(|given| given.of == *operation)?;
        let count = used.operations.entry(operation.clone()).or_default();
        *count += 1;
        given.after(*count - 1).cloned()
    }

    fn from(&self, source: Source, place: &Place, operation: &Operation, input: &Value) -> Option<Choice> {
        match source {
            Source::Real => (operation.effect == EffectClass::Pure).then_some(Choice::Run),
            Source::Recorded => {
                let record = self.record_of(place.execution, &place.playbook)?;
                let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
                let key = (place.execution, place.step.clone(), place.undoes);
                let count = used.recorded.entry(key).or_default();
                let gives = record.gives(&place.step, place.undoes, *count)?;
                *count += 1;
                Some(Choice::Give(gives.clone(), Provenance::Recorded))
            }
            Source::Examples => {
                let example = nearest(&operation.examples, input)?;
                let what = What::Result(example.output.clone().into());
                let gives = Gives { what, takes: std::time::Duration::ZERO };
                Some(Choice::Give(gives, Provenance::Example(example.name.clone())))
            }
        }
    }

    /// The recorded execution that this one is played from: the first for the first of its playbook, and so on.
    fn record_of(&self, execution: ExecutionId, playbook: &PlaybookName) -> Option<&Record> {
        let own: Vec<&Record> =
            self.records.iter().filter(|(of, _)| of == playbook).map(|(_, record)| record).collect();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let next = used.records.values().filter(|(of, _)| of == playbook).count();
        let (_, number) = used.records.entry(execution).or_insert_with(|| (playbook.clone(), next));
        own.get(*number).or(own.last()).copied()
    }

    fn unknown(&self, place: &Place, operation: &Operation) -> Choice {
        let (step, name) = (self.key(place), &operation.name);
        let key = if place.undoes {
            format!("operations: {{ {name}: {{ result: … }} }}")
        } else {
            format!("steps: {{ {step}: {{ result: … }} }}")
        };
        Choice::Unknown(format!(
            "nothing says what {name} gives in step `{step}`, and it is {}, so that it never runs in a simulation: add \
             `{key}` to the scenario, or an example to the operation",
            operation.effect.as_str()
        ))
    }

    /// A call's step, as the scenario names it.
    pub(super) fn key(&self, place: &Place) -> StepKey {
        let playbook = (place.playbook != self.own).then(|| place.playbook.clone());
        StepKey { playbook, step: place.step.clone() }
    }

    /// How the questions of a step are answered: by the scenario, else as they were.
    pub(super) fn answers(&self, place: &Place) -> &[Answer] {
        let said = best(&self.scenario.answers, |answers| &answers.of, &self.own, place);
        if let Some(said) = said {
            return &said.answers;
        }
        let record = self.record_of(place.execution, &place.playbook);
        record.map(|record| record.answers(&place.step)).unwrap_or_default()
    }
}

/// What is said of a step: of this very iteration rather than of all.
fn best<'s, T>(all: &'s [T], key: fn(&T) -> &StepKey, own: &PlaybookName, place: &Place) -> Option<&'s T> {
    let means = |one: &&T| key(one).means(own, &place.playbook, &place.step);
    all.iter().filter(means).max_by_key(|one| key(one).step.iterations().len())
}

/// The example whose input is most like this one; the first of several.
fn nearest<'o>(examples: &'o [Example], input: &Value) -> Option<&'o Example> {
    let mut nearest: Option<(usize, &Example)> = None;
    for example in examples {
        let alike = alike(&example.input, input);
        if nearest.is_none_or(|(before, _)| alike > before) {
            nearest = Some((alike, example));
        }
    }
    nearest.map(|(_, example)| example)
}

/// How many fields two values have in common.
fn alike(one: &Value, other: &Value) -> usize {
    match (one, other) {
        (one, other) if one == other => usize::MAX,
        (Value::Object(one), Value::Object(other)) => {
            one.iter().filter(|(key, value)| other.get(*key) == Some(value)).count()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_example_is_the_one_that_is_most_like_the_input_and_the_first_of_equals() {
        let example = |name: &str, input| Example { name: name.to_owned(), input, output: json!({}) };
        let examples = [
            example("first", json!({ "to": "ada", "n": 1 })),
            example("second", json!({ "to": "ben", "n": 1 })),
            example("third", json!({ "to": "ben", "n": 2 })),
        ];
        for (input, name) in [
            (json!({ "to": "ben", "n": 2 }), "third"),
            (json!({ "to": "ben", "n": 3 }), "second"),
            (json!({ "to": "eve" }), "first"),
            (json!(null), "first"),
        ] {
            assert_eq!(nearest(&examples, &input).unwrap().name, name, "{input}");
        }
        assert_eq!(nearest(&[], &json!({})), None);
    }
}
