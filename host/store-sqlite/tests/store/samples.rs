//! Executions to store: shaped like real ones, made without a clock or chance.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "each test file takes what it needs, and stops where it cannot go on"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use orgata_engine::ports::{Append, ExecutionQuery, InboxQuery, PublishedPlaybook};
use orgata_model::execution::{Event, Fact, PlaybookRef, Seq, Status, Summary};
use orgata_model::intervention::{Intervention, OnDeadline, Origin};
use orgata_model::runtime::Environment;
use orgata_model::{Digest, ExecutionId, InterventionId, RuntimeId, StepPath};
use orgata_store_sqlite::{Settings, SqliteStore};
use serde_json::json;
use uuid::Uuid;

/// A store in a folder that goes with it.
pub struct Home {
    pub folder: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("orgata.db")
    }

    pub async fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.file(), Settings::default()).await.unwrap()
    }
}

pub fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(1_790_000_000_000_000 + micros).unwrap()
}

pub fn execution(number: u128) -> ExecutionId {
    ExecutionId::new(Uuid::from_u128((0x0192_f3a0_0000_7000_8000 << 48) + number))
}

pub fn question(number: u128) -> InterventionId {
    InterventionId::new(Uuid::from_u128((0x0192_f3a0_0000_7000_9000 << 48) + number))
}

pub fn runtime(name: &str) -> RuntimeId {
    name.parse().unwrap()
}

pub fn step(name: &str) -> StepPath {
    name.parse().unwrap()
}

/// An event by the engine, a microsecond after the one before.
pub fn event(seq: Seq, fact: Fact) -> Arc<Event> {
    Arc::new(Event { seq, at: at(i64::try_from(seq).unwrap()), actor: "engine".into(), fact })
}

/// A summary of a fresh execution; tests change what they care for.
pub fn summary(number: u128) -> Summary {
    let offset = i64::try_from(number).unwrap();
    Summary {
        id: execution(number),
        runtime: runtime("kitchen-v1"),
        playbook: PlaybookRef {
            name: "pbj-sandwich".parse().unwrap(),
            version: "1.2.0".into(),
            digest: Digest::of(b"pbj"),
        },
        status: Status::Running,
        version: 1,
        current_step: Some("spread".parse().unwrap()),
        steps_done: 1,
        steps_total: 10,
        started_at: at(offset),
        updated_at: at(offset),
        ended_at: None,
        wakes_at: None,
        output: None,
        failure: None,
        labels: BTreeMap::new(),
        plugins: BTreeMap::from([
            ("kitchen".parse().unwrap(), Digest::of(b"kitchen")),
            ("pantry".parse().unwrap(), Digest::of(b"pantry")),
        ]),
    }
}

pub fn started(summary: &Summary) -> Arc<Event> {
    event(
        1,
        Fact::ExecutionStarted {
            runtime: summary.runtime.clone(),
            environment: Environment::Production,
            playbook: summary.playbook.clone(),
            input: Arc::new(json!({ "sandwichType": "classic", "guests": 2 })),
            plugins: summary.plugins.clone(),
            deadline: None,
            labels: summary.labels.clone(),
            parent: None,
            fork: None,
        },
    )
}

/// The first append: one event.
pub fn first(number: u128) -> Append {
    begin(summary(number))
}

/// The first append of an execution with this summary.
pub fn begin(summary: Summary) -> Append {
    Append { seen: 0, events: vec![started(&summary)], summary, idempotency_key: None, awaited: None }
}

/// A later append with these facts.
pub fn next(mut summary: Summary, facts: impl IntoIterator<Item = Fact>) -> Append {
    let seen = summary.version;
    let events: Vec<_> = facts.into_iter().zip(seen + 1..).map(|(fact, seq)| event(seq, fact)).collect();
    summary.version = events.last().unwrap().seq;
    Append { seen, events, summary, idempotency_key: None, awaited: None }
}

/// A whole execution of ten steps in one append: 22 events.
pub fn whole(number: u128) -> Append {
    let mut summary = summary(number);
    let mut events = vec![started(&summary)];
    for at in 0..10_u64 {
        let name = step(&format!("step-{at}"));
        let input = json!({ "sandwich": { "type": "classic", "layers": [at, at + 1] }, "note": "as the guest wished" });
        let operation = "kitchen/spread".parse().unwrap();
        let fact = Fact::StepStarted { step: name.clone(), attempt: 1, operation, input: Arc::new(input) };
        events.push(event(2 + at * 2, fact));
        let result = json!({ "ok": true, "grams": 12.5, "spread": ["peanut", "jelly"], "at": at });
        events.push(event(
            3 + at * 2,
            Fact::StepCompleted { step: name, result: Arc::new(result), cached: false },
        ));
    }
    let output = Arc::new(json!({ "sandwich": "ready", "grams": 125.0 }));
    events.push(event(22, Fact::ExecutionCompleted { output: Arc::clone(&output) }));
    summary.status = Status::Succeeded;
    summary.version = 22;
    summary.current_step = None;
    summary.steps_done = 10;
    summary.ended_at = Some(summary.started_at);
    summary.output = Some(output);
    Append { seen: 0, events, summary, idempotency_key: None, awaited: None }
}

/// An execution that leaves about this many bytes, however well they are packed.
pub fn heavy(number: u128, bytes: usize) -> Append {
    // A xorshift: no two are alike, and none needs chance.
    let mut state = u64::try_from(number).unwrap().wrapping_mul(2).wrapping_add(1);
    let message = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b' ' + u8::try_from(state >> 58).unwrap())
    });
    let mut append = first(number);
    let message = message.take(bytes).collect();
    append.events.push(event(2, Fact::StepProgress { step: step("spread"), fraction: 0.5, message }));
    append.summary.version = 2;
    append
}

pub fn asked(number: u128, on_deadline: OnDeadline) -> Intervention {
    Intervention {
        id: question(number),
        step: step("choose-jelly"),
        kind: "human_decision".into(),
        prompt: "Which jelly?".into(),
        options: vec!["grape".into(), "strawberry".into()],
        response_schema: Some(json!({ "type": "string" })),
        assignee_role: Some("chef".parse().unwrap()),
        context: Some(json!({ "guests": 2 })),
        deadline: Some(at(1_000)),
        on_deadline,
        reminder: None,
        approvals: 1,
        approved: Vec::new(),
        self_approval: true,
        humans_only: false,
        origin: Origin::Step,
    }
}

pub fn all() -> ExecutionQuery {
    ExecutionQuery { limit: 100, ..ExecutionQuery::default() }
}

pub fn inbox() -> InboxQuery {
    InboxQuery { limit: 100, ..InboxQuery::default() }
}

pub fn playbook(runtime: &str, name: &str, source: &str) -> PublishedPlaybook {
    PublishedPlaybook {
        runtime: runtime.parse().unwrap(),
        name: name.parse().unwrap(),
        version: "1.0.0".into(),
        digest: Digest::of(source.as_bytes()),
        source: source.into(),
        published_at: at(5),
    }
}
