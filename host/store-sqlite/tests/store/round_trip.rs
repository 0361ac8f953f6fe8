//! Whatever the model can say comes back as it went in.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::samples::Home;
use jiff::Timestamp;
use orgata_engine::ports::{Append, Store as _};
use orgata_model::execution::{Event, Fact, PlaybookRef, Status, Summary};
use orgata_model::intervention::{Intervention, OnDeadline, Origin};
use orgata_model::runtime::Environment;
use orgata_model::{Digest, ExecutionId, Failure, FailureKind, InterventionId};
use orgata_store_sqlite::SqliteStore;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use uuid::Uuid;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[ -~]{0,12}", 1 => ".{0,12}", 1 => "[\\x00-\\x1f\"\\\\\u{2028}😀]{0,6}"]
}

/// A name of any kind.
fn name<T: std::str::FromStr<Err: std::fmt::Debug> + std::fmt::Debug>() -> impl Strategy<Value = T> {
    "[a-zA-Z0-9][a-zA-Z0-9_-]{0,20}".prop_map(|text| text.parse().unwrap())
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        proptest::num::f64::NORMAL.prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn shared() -> impl Strategy<Value = Arc<Value>> {
    json().prop_map(Arc::new)
}

/// An optional field of the recorded form cannot tell `null` from absent, and need not.
fn not_null() -> impl Strategy<Value = Option<Value>> {
    option::of(json().prop_filter("null", |value| !value.is_null()))
}

fn time() -> impl Strategy<Value = Timestamp> {
    // Whole microseconds, in the years that jiff and a clock can show.
    (0..253_402_000_000_000_000_i64).prop_map(|micros| Timestamp::from_microsecond(micros).unwrap())
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::from)
}

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn failure() -> impl Strategy<Value = Failure> {
    let kind = prop_oneof![
        Just(FailureKind::InvalidInput),
        Just(FailureKind::Transient),
        Just(FailureKind::Permanent)
    ];
    (kind, text(), text(), not_null(), vec(text(), 0..3))
        .prop_map(|(kind, code, message, details, causes)| Failure { kind, code, message, details, causes })
}

fn intervention() -> impl Strategy<Value = Intervention> {
    let on_deadline = prop_oneof![
        Just(OnDeadline::Fail),
        json().prop_map(OnDeadline::Answer),
        name().prop_map(OnDeadline::Escalate),
    ];
    let origin = prop_oneof![
        Just(Origin::Step),
        Just(Origin::Interrupted),
        json().prop_map(|resume_state| Origin::Operation { resume_state }),
    ];
    let who = (uuid(), name(), option::of(name()), option::of(time()), on_deadline, origin);
    let what = (text(), text(), vec(text(), 0..3), not_null(), not_null());
    (who, what).prop_map(
        |(
            (id, step, assignee_role, deadline, on_deadline, origin),
            (kind, prompt, options, schema, context),
        )| {
            Intervention {
                id: InterventionId::new(id),
                step,
                kind,
                prompt,
                options,
                response_schema: schema,
                assignee_role,
                context,
                deadline,
                on_deadline,
                reminder: None,
                approvals: 2,
                approved: Vec::new(),
                self_approval: false,
                humans_only: false,
                origin,
            }
        },
    )
}

fn labels() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(text(), text(), 0..3)
}

fn playbook() -> impl Strategy<Value = PlaybookRef> {
    (name(), text(), digest()).prop_map(|(name, version, digest)| PlaybookRef { name, version, digest })
}

fn started() -> impl Strategy<Value = Fact> {
    let environment = prop_oneof![Just(Environment::Production), Just(Environment::Simulation)];
    (
        name(),
        environment,
        playbook(),
        shared(),
        btree_map(name(), digest(), 0..3),
        option::of(time()),
        labels(),
    )
        .prop_map(|(runtime, environment, playbook, input, plugins, deadline, labels)| {
            let (parent, fork) = (None, None);
            Fact::ExecutionStarted {
                runtime,
                environment,
                playbook,
                input,
                plugins,
                deadline,
                labels,
                parent,
                fork,
            }
        })
}

fn of_a_step() -> impl Strategy<Value = Fact> {
    let operation = (name::<orgata_model::PluginName>(), "[a-z][a-z-]{0,9}")
        .prop_map(|(plugin, operation)| format!("{plugin}/{operation}").parse().unwrap());
    prop_oneof![
        (name(), any::<u32>(), operation, shared()).prop_map(|(step, attempt, operation, input)| {
            Fact::StepStarted { step, attempt, operation, input }
        }),
        (name(), any::<u32>()).prop_map(|(step, attempt)| Fact::StepResumed { step, attempt }),
        (name(), 0.0..=1.0, text()).prop_map(|(step, fraction, message)| Fact::StepProgress {
            step,
            fraction,
            message
        }),
        (name(), text(), any::<[u32; 2]>(), proptest::option::of(0.0..1e6), any::<u64>()).prop_map(
            |(step, word, [input_tokens, output_tokens], cost, took_ms)| Fact::ModelAsked {
                step,
                provider: orgata_model::sampling::Provider::Ollama,
                model: Some(word.clone()),
                input_tokens,
                output_tokens,
                cost,
                took_ms,
                failure: Some(word),
            }
        ),
        (name(), shared(), any::<bool>()).prop_map(|(step, result, cached)| Fact::StepCompleted {
            step,
            result,
            cached
        }),
        (name(), failure()).prop_map(|(step, failure)| Fact::StepFailed { step, failure }),
        (name(), any::<u32>(), time(), failure()).prop_map(|(step, attempt, at, failure)| {
            Fact::StepRetryScheduled { step, attempt, at, failure }
        }),
        (name(), option::of(shared()), option::of(text()))
            .prop_map(|(step, result, reason)| Fact::StepSkipped { step, result, reason }),
        (name(), any::<u32>()).prop_map(|(step, attempt)| Fact::StepInterrupted { step, attempt }),
    ]
}

fn of_the_whole() -> impl Strategy<Value = Fact> {
    let reason = || option::of(text());
    prop_oneof![
        intervention().prop_map(|intervention| Fact::InterventionRequired { intervention }),
        (uuid(), name(), shared(), option::of(text())).prop_map(|(id, step, response, notes)| {
            Fact::InterventionResolved { intervention: InterventionId::new(id), step, response, notes }
        }),
        (uuid(), name())
            .prop_map(|(id, step)| Fact::InterventionExpired { intervention: InterventionId::new(id), step }),
        reason().prop_map(|reason| Fact::ExecutionPaused { reason }),
        reason().prop_map(|reason| Fact::ExecutionResumed { reason }),
        (any::<bool>(), reason())
            .prop_map(|(compensate, reason)| Fact::CancellationRequested { compensate, reason }),
        reason().prop_map(|reason| Fact::ExecutionCancelled { reason }),
        Just(Fact::ExecutionTimedOut {}),
        (option::of(name()), failure()).prop_map(|(step, failure)| Fact::ExecutionFailed { step, failure }),
        shared().prop_map(|output| Fact::ExecutionCompleted { output }),
    ]
}

fn summary() -> impl Strategy<Value = Summary> {
    let place = (uuid(), name(), playbook(), 0..Status::ALL.len());
    let steps = (option::of(name()), any::<u32>(), any::<u32>());
    let times = (time(), time(), option::of(time()), option::of(time()));
    let ends = (option::of(shared()), option::of(failure()), labels(), btree_map(name(), digest(), 0..4));
    (place, steps, times, ends).prop_map(|(place, steps, times, ends)| Summary {
        id: ExecutionId::new(place.0),
        runtime: place.1,
        playbook: place.2,
        status: Status::ALL[place.3],
        version: 0,
        current_step: steps.0,
        steps_done: steps.1,
        steps_total: steps.2,
        started_at: times.0,
        updated_at: times.1,
        ended_at: times.2,
        wakes_at: times.3,
        output: ends.0,
        failure: ends.1,
        labels: ends.2,
        plugins: ends.3,
    })
}

fn append() -> impl Strategy<Value = Append> {
    let events = vec((time(), text(), prop_oneof![started(), of_a_step(), of_the_whole()]), 1..12);
    (summary(), events, option::of("[ -~]{1,30}")).prop_map(|(mut summary, events, key)| {
        let events: Vec<_> = events
            .into_iter()
            .zip(1..)
            .map(|((at, actor, fact), seq)| Arc::new(Event { seq, at, actor: actor.into(), fact }))
            .collect();
        summary.version = events.len() as u64;
        Append { seen: 0, events, summary, idempotency_key: key, awaited: None }
    })
}

async fn comes_back(store: &SqliteStore, append: Append) {
    store.append(append.clone()).await.unwrap();
    let id = append.summary.id;
    let stored = store.execution(id).await.unwrap().unwrap();
    assert_eq!(stored.summary, append.summary);
    assert_eq!(stored.idempotency_key, append.idempotency_key);
    let events: Vec<_> = append.events.iter().map(|event| (**event).clone()).collect();
    assert_eq!(store.events(id, 0, 100).await.unwrap(), events);
}

#[test]
fn whatever_is_appended_comes_back_the_same() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let home = Home::new();
    let store = runtime.block_on(home.open());
    let config = Config { cases: 256, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&append(), |append| {
            runtime.block_on(comes_back(&store, append));
            Ok(())
        })
        .unwrap();
}
