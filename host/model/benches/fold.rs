//! What every step of every execution pays: folding events, asking what is next, computing expressions.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop here"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use orgata_model::execution::{Event, Fact, PlaybookRef, State};
use orgata_model::expression::{Expression, Level, Names, Scope, Template};
use orgata_model::playbook::Playbook;
use orgata_model::runtime::Environment;
use orgata_model::{ExecutionId, StepPath};
use serde_json::json;

fn playbook() -> Arc<Playbook> {
    let steps: String = (0..10)
        .map(|at| format!("  - {{ name: s{at}, operation: calc/echo, params: {{ v: $input.v }} }}\n"))
        .collect();
    Arc::new(Playbook::parse("bench.yaml", &format!("name: bench\nsteps:\n{steps}")).unwrap())
}

/// The history of an execution of ten steps: 22 events.
fn history(playbook: &Playbook) -> Vec<Event> {
    let mut facts = vec![Fact::ExecutionStarted {
        runtime: "bench".parse().unwrap(),
        environment: Environment::Production,
        playbook: PlaybookRef {
            name: playbook.name.clone(),
            version: playbook.version.clone(),
            digest: playbook.digest,
        },
        input: Arc::new(json!({ "v": 1 })),
        plugins: BTreeMap::new(),
        deadline: None,
        labels: BTreeMap::new(),
        parent: None,
        fork: None,
    }];
    for step in &playbook.steps {
        let (value, operation) = (Arc::new(json!({ "v": 1 })), "calc/echo".parse().unwrap());
        let step = StepPath::from(step.name.clone());
        facts.push(Fact::StepStarted {
            step: step.clone(),
            attempt: 1,
            operation,
            input: Arc::clone(&value),
        });
        facts.push(Fact::StepCompleted { step, result: value, cached: false });
    }
    facts.push(Fact::ExecutionCompleted { output: Arc::new(json!({ "v": 1 })) });
    let at: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
    facts.into_iter().zip(1..).map(|(fact, seq)| Event { seq, at, actor: "engine".into(), fact }).collect()
}

fn fold(playbook: &Arc<Playbook>, events: &[Event]) -> State {
    let id = ExecutionId::new(uuid::Uuid::from_u128(1));
    let (first, rest) = events.split_first().unwrap();
    let mut state = State::begin(id, Arc::clone(playbook), first).unwrap();
    for event in rest {
        state.advance(event).unwrap();
    }
    state
}

fn folding(criterion: &mut Criterion) {
    let playbook = playbook();
    let events = history(&playbook);
    assert_eq!(events.len(), 22);
    let recorded = serde_json::to_string(&events).unwrap();
    criterion
        .bench_function("fold 22 events", |bencher| bencher.iter(|| fold(&playbook, black_box(&events))));
    criterion.bench_function("read 22 recorded events", |bencher| {
        bencher.iter(|| serde_json::from_str::<Vec<Event>>(black_box(&recorded)).unwrap());
    });
    let half = fold(&playbook, &events[..11]);
    let now = half.updated_at;
    criterion.bench_function("ready", |bencher| bencher.iter(|| black_box(&half).ready(now)));
    criterion.bench_function("summary", |bencher| bencher.iter(|| black_box(&half).summary()));
}

fn computing(criterion: &mut Criterion) {
    let scope = Scope {
        execution: &Arc::new(json!({ "id": "exec" })),
        input: &Arc::new(json!({ "kind": "classic", "amount": 120.5, "lines": [1, 2, 3] })),
        event: None,
        root: &Level::default(),
        inner: Vec::new(),
    };
    let condition = "$input.kind == 'classic' and input.amount * 2 > 100";
    let condition = Expression::compile(condition, Names::default()).unwrap();
    criterion.bench_function("a condition", |bencher| {
        bencher.iter(|| condition.holds(black_box(&scope)).unwrap())
    });
    let reference = json!({ "a": "$input.amount", "b": "$input.lines[1]" });
    let reference = Template::compile(&reference, Names::default()).unwrap();
    criterion
        .bench_function("references", |bencher| bencher.iter(|| reference.eval(black_box(&scope)).unwrap()));
}

criterion_group!(benches, folding, computing);
criterion_main!(benches);
