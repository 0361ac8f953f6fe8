//! Executions with the same key, and how many of them are at work.

use std::time::Duration;

use orgata_engine::{Control, EngineError, Settings, StartRequest};
use orgata_model::ExecutionId;
use orgata_model::execution::Status;
use serde_json::json;

use crate::support::host::request;
use crate::support::life::Life;
use crate::support::{TestHost, within};

const ASKS: &str = "steps:\n  - { name: ask, intervention: { prompt: Well? } }\n";
const QUICK: &str = "steps:\n  - { name: a, operation: calc/echo, params: { v: $input.k } }\n";

fn limited(rules: &str, steps: &str) -> String {
    format!("name: story\nconcurrency: {{ key: $input.k{rules} }}\n{steps}")
}

async fn started(host: &TestHost, keys: &[&str]) -> Vec<ExecutionId> {
    let mut ids = Vec::new();
    for key in keys {
        ids.push(host.start(json!({ "k": key })).await);
    }
    host.settle().await;
    ids
}

fn statuses(host: &TestHost, ids: &[ExecutionId]) -> Vec<Status> {
    ids.iter().map(|id| host.status(*id).unwrap()).collect()
}

async fn cancel(host: &TestHost, id: ExecutionId) {
    host.control(id, Control::Cancel { compensate: true }).await.unwrap();
    host.settle().await;
}

#[tokio::test]
async fn those_with_the_same_key_follow_one_another_and_others_do_not_wait() {
    use Status::{Cancelled, Pending, Waiting};
    let host = TestHost::new().await;
    host.publish(&limited(", max: 2", ASKS)).await;
    let ids = started(&host, &["a", "a", "a", "a", "b"]).await;
    assert_eq!(statuses(&host, &ids), [Waiting, Waiting, Pending, Pending, Waiting]);
    assert_eq!(host.engine.active(), 0, "who waits is in the store alone");
    cancel(&host, ids[1]).await;
    assert_eq!(statuses(&host, &ids), [Waiting, Cancelled, Waiting, Pending, Waiting]);
    cancel(&host, ids[3]).await;
    let another = started(&host, &["a"]).await[0];
    assert_eq!(host.status(another), Some(Pending));
    cancel(&host, ids[0]).await;
    assert_eq!(host.status(another), Some(Waiting), "whoever gave up holds nobody up");
}

#[tokio::test]
async fn the_order_survives_a_restart_and_a_crash() {
    use Status::{Pending, Waiting};
    let mut host = TestHost::new().await;
    host.publish(&limited("", ASKS)).await;
    let ids = started(&host, &["a", "a", "a"]).await;
    for turn in 0..3 {
        match turn {
            0 => host.restart().await,
            _ => host.crash().await,
        }
        host.settle().await;
        let expected: Vec<Status> = (turn..3).map(|at| if at == turn { Waiting } else { Pending }).collect();
        assert_eq!(statuses(&host, &ids[turn..]), expected, "turn {turn}");
        cancel(&host, ids[turn]).await;
    }
}

#[tokio::test]
async fn wherever_the_host_dies_all_get_their_turn_and_never_two_at_once() {
    for last in (1..).step_by(2) {
        let mut host = TestHost::new().await;
        host.publish(&limited("", ASKS)).await;
        let mut ids = started(&host, &["a", "a"]).await;
        host.crash_into(Life::new(last)).await;
        let first = ids[0];
        tokio::select! {
            biased;
            () = host.life.over() => {}
            () = async {
                let _ = within(host.try_start(request(json!({ "k": "a" })))).await;
                let _ = host.control(first, Control::Cancel { compensate: true }).await;
                host.settle().await;
            } => {}
        }
        let died = host.life.is_over();
        host.crash().await;
        host.settle().await;
        ids = host.store.ids();
        loop {
            let waiting: Vec<_> =
                ids.iter().filter(|id| host.status(**id) == Some(Status::Waiting)).copied().collect();
            assert!(waiting.len() <= 1, "died at {last}: {:?}", statuses(&host, &ids));
            match waiting.first() {
                Some(next) => cancel(&host, *next).await,
                None => break,
            }
        }
        let over = statuses(&host, &ids).into_iter().all(Status::is_end);
        assert!(over, "died at {last}: {:?}", statuses(&host, &ids));
        if !died {
            assert!(last > 4, "there are places to die at");
            break;
        }
    }
}

#[tokio::test]
async fn a_crowd_of_quick_ones_gets_through_also_with_few_places() {
    let settings = Settings { active_executions: 4, ..Settings::default() };
    let host = TestHost::with(settings).await;
    host.publish(&limited("", QUICK)).await;
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(host.start(json!({ "k": "a" })).await);
    }
    for id in ids {
        host.until_status(id, Status::Succeeded).await;
    }
}

#[tokio::test]
async fn a_caller_that_waits_is_told_when_its_turn_is_over() {
    let host = TestHost::new().await;
    host.publish(&limited("", QUICK)).await;
    let wait = || StartRequest { wait: Some(Duration::from_secs(60)), ..request(json!({ "k": "a" })) };
    let (one, two) = within(async { tokio::join!(host.try_start(wait()), host.try_start(wait())) }).await;
    assert_eq!(
        (one.unwrap().summary.status, two.unwrap().summary.status),
        (Status::Succeeded, Status::Succeeded)
    );
}

#[tokio::test]
async fn one_too_many_is_refused_where_the_playbook_says_so() {
    let host = TestHost::new().await;
    host.publish(&limited(", strategy: reject", ASKS)).await;
    let ids = started(&host, &["a", "b"]).await;
    let refused = within(host.try_start(request(json!({ "k": "a" })))).await.unwrap_err();
    assert!(matches!(&refused, EngineError::KeyTaken { max: 1, .. }), "{refused}");
    assert_eq!(refused.code(), "CONCURRENCY_LIMIT");
    cancel(&host, ids[0]).await;
    started(&host, &["a"]).await;
}

#[tokio::test]
async fn the_newest_takes_the_place_of_those_before_where_the_playbook_says_so() {
    use Status::{Cancelled, Waiting};
    let mut host = TestHost::new().await;
    host.publish(&limited(", strategy: cancelOldest", ASKS)).await;
    let ids = started(&host, &["a", "a", "b"]).await;
    assert_eq!(statuses(&host, &ids), [Cancelled, Waiting, Waiting]);
    host.crash().await;
    let newest = started(&host, &["a"]).await[0];
    assert_eq!((host.status(ids[1]), host.status(newest)), (Some(Cancelled), Some(Waiting)));
}

#[tokio::test]
async fn one_that_waits_for_its_turn_can_be_paused_and_its_time_can_be_up() {
    use Status::{Paused, Pending, TimedOut, Waiting};
    let host = TestHost::new().await;
    host.publish(&limited("", &format!("timeout: 1h\n{ASKS}"))).await;
    let ids = started(&host, &["a", "a", "a"]).await;
    host.control(ids[1], Control::Pause).await.unwrap();
    host.settle().await;
    assert_eq!(statuses(&host, &ids), [Waiting, Paused, Pending]);
    host.control(ids[1], Control::Resume).await.unwrap();
    host.settle().await;
    assert!(host.open(ids[1]).is_none(), "it goes on waiting for its turn");
    cancel(&host, ids[0]).await;
    assert!(host.open(ids[1]).is_some() && host.open(ids[2]).is_none());
    host.advance(Duration::from_hours(2)).await;
    assert_eq!(statuses(&host, &ids[1..]), [TimedOut, TimedOut]);
}

#[tokio::test]
async fn without_a_key_all_of_the_playbook_count_and_a_key_must_be_there() {
    let host = TestHost::new().await;
    host.publish(&format!("name: story\nconcurrency: {{ max: 1 }}\n{ASKS}")).await;
    let ids = started(&host, &["a", "b"]).await;
    assert_eq!(statuses(&host, &ids), [Status::Waiting, Status::Pending]);
    host.publish(&limited("", ASKS)).await;
    let refused = within(host.try_start(request(json!({ "other": 1 })))).await.unwrap_err();
    assert_eq!(refused.code(), "BAD_REQUEST");
}

#[tokio::test]
async fn one_that_goes_on_after_its_end_waits_for_its_turn() {
    let host = TestHost::new().await;
    let fails = "steps:\n  - { name: f, operation: calc/echo, params: { v: $input.missing } }\n  \
                 - { name: ask, intervention: { prompt: Well? } }\n";
    host.publish(&limited("", fails)).await;
    let failed = started(&host, &["a"]).await[0];
    host.until_status(failed, Status::Failed).await;
    host.publish(&limited("", ASKS)).await;
    let other = started(&host, &["a"]).await[0];
    let retry = Control::Retry { step: None, input: Some(json!({ "v": 1 })) };
    host.control(failed, retry).await.unwrap();
    host.settle().await;
    assert!(host.open(failed).is_none() && host.open(other).is_some());
    cancel(&host, other).await;
    assert!(host.open(failed).is_some());
}
