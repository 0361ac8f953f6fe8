//! Every kind of step, every way in which it can go, and a crash at every boundary: it ends as the table says, and no
//! completed effect is repeated.

use std::collections::BTreeSet;
use std::time::Duration;

use orgata_engine::{AnswerRequest, Control, OutsideEvent, Way};
use orgata_model::Failure;
use orgata_model::execution::Status;
use orgata_model::intervention::Origin;
use serde_json::json;

use crate::support::TestHost;
use crate::support::host::{ada, request, runtime};
use crate::support::life::Life;
use crate::support::operations::Scripted;

/// When operators cancel, in seconds from the beginning.
const CANCELLED_AT: u64 = 10;

/// How the step goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Goes {
    Well,
    TransientThenWell,
    Transient,
    Permanent,
    InvalidInput,
    Timeout,
    Cancelled,
    Unanswered,
}

/// A kind of step, with `REST` where an operation may be told more, and whether it runs one at all.
const KINDS: &[(&str, &str)] = &[
    ("pure", "- { name: it, operation: calc/echo, params: { v: 1 }REST }"),
    ("observing", "- { name: it, operation: look/see, params: { v: 1 }REST }"),
    ("effectful", "- { name: it, operation: mail/send, params: { v: 1 }REST }"),
    ("idempotent", "- { name: it, operation: mail/put, params: { v: 1 }REST }"),
    ("child", "- { name: it, playbook: child, params: { v: 1 } }"),
    ("group", "- name: it\n    steps:\n      - { name: inner, operation: mail/send, params: { v: 1 }REST }"),
    (
        "switch",
        "- name: it\n    switch:\n      - when: true\n        steps:\n          - { name: inner, operation: mail/put, params: { v: 1 }REST }",
    ),
    ("loop", "- { name: it, forEach: [1, 2], operation: mail/send, params: { v: $item }REST }"),
    (
        "loop of groups",
        "- name: it\n    forEach: [1, 2]\n    maxConcurrency: 2\n    steps:\n      - { name: inner, operation: mail/put, params: { v: $item }REST }",
    ),
    ("intervention", "- { name: it, intervention: { prompt: Well?, timeout: { after: 30s } } }"),
    ("wait for time", "- { name: it, wait: 30s }"),
    ("wait for event", "- { name: it, wait: { event: paid, timeout: 30s } }"),
    ("set", "- { name: it, set: { v: 1 } }"),
    ("fail", "- { name: it, fail: { code: ON_PURPOSE, message: it fails } }"),
];

/// The table: how an execution ends whose step goes so. `None`: this kind cannot go so.
fn ends(kind: &str, goes: Goes) -> Option<Status> {
    match (kind, goes) {
        ("fail", Goes::Well) => Some(Status::Failed),
        ("set", Goes::Well) => Some(Status::Succeeded),
        ("set" | "fail", _) => None,
        ("intervention" | "wait for event", Goes::Unanswered) => Some(Status::Failed),
        (_, Goes::Unanswered) => None,
        (_, Goes::Cancelled) => Some(Status::Cancelled),
        (_, Goes::Well) => Some(Status::Succeeded),
        ("intervention" | "wait for event" | "wait for time", _) => None,
        (_, Goes::TransientThenWell) => Some(Status::Succeeded),
        (_, Goes::Transient | Goes::Permanent | Goes::InvalidInput | Goes::Timeout) => Some(Status::Failed),
    }
}

fn playbooks(step: &str, goes: Goes) -> [String; 2] {
    let rest = match goes {
        Goes::TransientThenWell | Goes::Transient => ", retries: 1",
        Goes::Timeout => ", timeout: 5s",
        _ => "",
    };
    let story = format!(
        "name: story\nsteps:\n  - {{ name: before, operation: mail/put, params: {{ v: 0 }} }}\n  {}\n{}",
        step.replace("REST", rest),
        match step.contains("fail:") {
            true => "",
            false => "  - { name: after, operation: mail/put, params: { v: 2 } }\n",
        }
    );
    let child = format!(
        "name: child\nsteps:\n  - {{ name: work, operation: mail/send, params: {{ v: $input.v }}{rest} }}\n"
    );
    [child, story]
}

fn outcome(step: &str, attempt: u32, goes: Goes) -> Scripted {
    if step == "before" || step == "after" {
        return Scripted::Done(json!({}));
    }
    match goes {
        Goes::TransientThenWell if attempt > 1 => Scripted::Done(json!({})),
        Goes::TransientThenWell | Goes::Transient => Scripted::Fail(Failure::transient("BUSY", "try later")),
        Goes::Permanent => Scripted::Fail(Failure::permanent("BROKEN", "no")),
        Goes::InvalidInput => Scripted::Fail(Failure::invalid_input("BAD", "no")),
        Goes::Timeout | Goes::Cancelled => {
            Scripted::Slow(Duration::from_secs(20), Box::new(Scripted::Done(json!({}))))
        }
        Goes::Well | Goes::Unanswered => Scripted::Done(json!({})),
    }
}

/// Tells it with a crash at this boundary. Whether it came to it.
async fn tell(kind: &str, step: &str, goes: Goes, boundary: u64) -> bool {
    let words = format!("{kind}, {goes:?}, a crash at {boundary}");
    let mut host = TestHost::new().await;
    for source in playbooks(step, goes) {
        host.publish(&source).await;
    }
    host.world.decides(move |call| outcome(call.step.as_str(), call.attempt, goes));
    host.crash_into(Life::new(boundary)).await;
    let engine = host.engine.clone();
    tokio::spawn(async move { engine.start(&ada(), &runtime(), request(json!({ "v": 1 }))).await });
    let mut died = false;
    for turn in 0.. {
        assert!(turn < 300, "{words}: it never ends");
        host.settle().await;
        if host.life.is_over() {
            died = true;
            host.begin(Life::new(0)).await.unwrap();
            continue;
        }
        let ids = host.store.ids();
        if ids.iter().all(|id| host.status(*id).unwrap().is_end()) {
            break;
        }
        go_on(&host, goes).await;
    }
    check(&host, kind, goes, &words);
    died
}

/// What comes from outside.
async fn go_on(host: &TestHost, goes: Goes) {
    let (engine, now) = (host.engine.clone(), host.clock.time());
    let cancelled_at =
        super::support::clock::BEGIN.parse::<jiff::Timestamp>().unwrap() + Duration::from_secs(CANCELLED_AT);
    if goes == Goes::Cancelled && now >= cancelled_at {
        let root = host.store.ids()[0];
        let control = Control::Cancel { compensate: false };
        tokio::spawn(async move { engine.control(&ada(), root, control, None).await });
        return;
    }
    let answered = !matches!(goes, Goes::Cancelled | Goes::Unanswered);
    let open = host.store.open().into_iter().next();
    if let Some(open) = open.filter(|open| answered || open.intervention.origin == Origin::Interrupted) {
        let decision = if open.intervention.origin == Origin::Interrupted { "retry" } else { "approve" };
        let answer =
            AnswerRequest { response: json!({ "decision": decision }), notes: None, way: Way::Direct };
        tokio::spawn(
            async move { engine.answer(&ada(), open.execution, open.intervention.id, answer).await },
        );
        return;
    }
    if answered && host.store.waits_for_events() {
        let paid = OutsideEvent { event: "paid".to_owned(), payload: json!({}), id: None };
        tokio::spawn(async move { engine.event(&ada(), &runtime(), paid).await });
        return;
    }
    let next = host.clock.next().unwrap();
    let waits = goes == Goes::Cancelled && now < cancelled_at;
    host.clock.set(if waits { next.min(cancelled_at) } else { next });
}

fn check(host: &TestHost, kind: &str, goes: Goes, words: &str) {
    let Some(root) = host.store.ids().first().copied() else { return };
    let told = format!("{words}: {:?}", host.journal(root));
    let status = host.status(root).unwrap();
    assert!(Some(status) == ends(kind, goes), "{told} is {status:?}");
    crate::invariants::Watch::default().look(host, &BTreeSet::new());
    crate::invariants::check_end(host);
    let effects = host.world.effects();
    for effect in &effects {
        let times = effects.iter().filter(|other| *other == effect).count();
        let interrupted: usize = host.store.ids().iter().map(|id| host.count(*id, "step_interrupted")).sum();
        let most = if effect.operation == "mail/send" { 1 + interrupted } else { 1 };
        assert!(times <= most, "{told}: {effect:?} happened {times} times");
    }
    let happened = |step: &str| effects.iter().any(|effect| effect.key == format!("{root}/{step}"));
    assert!(happened("before"), "{told}");
    assert_eq!(happened("after"), status == Status::Succeeded, "{told}");
}

/// Every third kind, beginning with this one: the tests run beside each other.
fn every_third(first: usize) {
    let all = [
        Goes::Well,
        Goes::TransientThenWell,
        Goes::Transient,
        Goes::Permanent,
        Goes::InvalidInput,
        Goes::Timeout,
        Goes::Cancelled,
        Goes::Unanswered,
    ];
    for (kind, step) in KINDS.iter().skip(first).step_by(3) {
        for goes in all.into_iter().filter(|goes| ends(kind, *goes).is_some()) {
            for boundary in 1.. {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                if !runtime.block_on(tell(kind, step, goes, boundary)) {
                    assert!(boundary > 6, "{kind}, {goes:?} has boundaries, not only {boundary}");
                    break;
                }
            }
        }
    }
}

#[test]
fn every_step_ends_as_the_table_says_with_a_crash_anywhere_first_third() {
    every_third(0);
}

#[test]
fn every_step_ends_as_the_table_says_with_a_crash_anywhere_second_third() {
    every_third(1);
}

#[test]
fn every_step_ends_as_the_table_says_with_a_crash_anywhere_last_third() {
    every_third(2);
}
