//! Steps with the same concurrency key take turns.

use std::time::Duration;

use orgata_engine::{Control, Settings};
use orgata_model::ExecutionId;
use orgata_model::execution::Status;
use serde_json::json;

use crate::support::TestHost;

/// Two steps that send, with keys of the input.
const SENDS: &str = "name: story\nsteps:\n  \
    - { name: a, operation: mail/send, concurrencyKey: $input.k, params: { v: 1 } }\n";

async fn started(host: &TestHost, keys: &[&str]) -> Vec<ExecutionId> {
    let mut ids = Vec::new();
    for key in keys {
        ids.push(host.start(json!({ "k": key })).await);
    }
    host.settle().await;
    ids
}

/// How many of these have a step at work.
fn at_work(host: &TestHost, ids: &[ExecutionId]) -> usize {
    ids.iter().filter(|id| host.count(**id, "step_started") > host.count(**id, "step_completed")).count()
}

#[tokio::test]
async fn one_at_a_time_runs_with_a_key_and_other_keys_do_not_wait() {
    let host = TestHost::new().await;
    host.publish(SENDS).await;
    host.world.hold("mail/send");
    let ids = started(&host, &["a", "a", "a", "b"]).await;
    assert_eq!(at_work(&host, &ids), 2);
    assert_eq!((host.count(ids[1], "step_started"), host.count(ids[3], "step_started")), (0, 1));
    host.world.release("mail/send");
    for id in &ids {
        host.until_status(*id, Status::Succeeded).await;
    }
    let begun = |id: ExecutionId| {
        host.world.calls().iter().position(|call| call.key.starts_with(&id.to_string())).unwrap()
    };
    assert!(
        begun(ids[0]) < begun(ids[1]) && begun(ids[1]) < begun(ids[2]),
        "in the order in which they came"
    );
}

#[tokio::test]
async fn who_waits_for_a_turn_takes_no_place_and_is_not_lost_in_a_crash() {
    let mut host = TestHost::with(Settings { active_executions: 2, ..Settings::default() }).await;
    host.publish(&SENDS.replace("mail/send", "calc/echo")).await;
    host.world.hold("calc/echo");
    let ids = started(&host, &["a", "a", "a"]).await;
    assert_eq!(host.world.called("calc/echo"), 1);
    host.crash().await;
    host.settle().await;
    host.world.release("calc/echo");
    for id in &ids {
        host.until_status(*id, Status::Succeeded).await;
    }
}

#[tokio::test]
async fn an_execution_that_is_paused_or_cancelled_holds_nobody_up() {
    let host = TestHost::new().await;
    host.publish(SENDS).await;
    host.world.hold("mail/send");
    let ids = started(&host, &["a", "a", "a", "a"]).await;
    host.control(ids[1], Control::Pause).await.unwrap();
    host.control(ids[2], Control::Cancel { compensate: true }).await.unwrap();
    host.settle().await;
    host.world.release("mail/send");
    host.until_status(ids[3], Status::Succeeded).await;
    host.settle().await;
    assert_eq!((host.status(ids[1]), host.status(ids[2])), (Some(Status::Paused), Some(Status::Cancelled)));
    host.control(ids[1], Control::Resume).await.unwrap();
    host.until_status(ids[1], Status::Succeeded).await;
}

#[tokio::test]
async fn steps_beside_each_other_with_crossed_keys_do_not_wait_for_each_other() {
    let host = TestHost::new().await;
    host.publish(
        "name: story\nsteps:\n  \
         - { name: a, operation: mail/send, concurrencyKey: $input.k, params: { v: 1 } }\n  \
         - { name: b, parallel: true, operation: mail/send, concurrencyKey: $input.l, params: { v: 2 } }\n",
    )
    .await;
    let mut ids = Vec::new();
    for turn in 0..20 {
        let (k, l) = if turn % 2 == 0 { ("x", "y") } else { ("y", "x") };
        ids.push(host.start(json!({ "k": k, "l": l })).await);
    }
    for id in ids {
        host.until_status(id, Status::Succeeded).await;
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_computed_fails_its_step() {
    let host = TestHost::new().await;
    host.publish(&SENDS.replace("$input.k", "'{{ input.k.l }}'")).await;
    let ids = started(&host, &["a"]).await;
    host.until_status(ids[0], Status::Failed).await;
    host.advance(Duration::from_secs(1)).await;
    assert_eq!(host.world.called("mail/send"), 0);
}

#[tokio::test]
async fn iterations_of_a_loop_take_turns_with_the_key_of_their_item() {
    let host = TestHost::new().await;
    host.publish(
        "name: story\nsteps:\n  - { name: a, forEach: $input.list, maxConcurrency: 4, operation: mail/send, \
         concurrencyKey: $item, params: { v: 1 } }\n",
    )
    .await;
    host.world.hold("mail/send");
    let id = host.start(json!({ "list": ["x", "x", "x"] })).await;
    host.settle().await;
    assert_eq!(host.count(id, "step_started"), 1, "one at a time, and not as many as may be at work");
    host.world.release("mail/send");
    host.until_status(id, Status::Succeeded).await;
}
