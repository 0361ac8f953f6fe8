//! Watching one execution: no gap, no repeat, nothing before its commit, and an end.

use std::time::Duration;

use orgata_engine::{Notice, Watch};
use orgata_model::ExecutionId;
use orgata_model::execution::Status;
use serde_json::json;

use crate::durability::steps;
use crate::support::TestHost;
use crate::support::host::{ada, within};

async fn watch(host: &TestHost, id: ExecutionId, from: u64) -> Watch {
    within(host.engine.watch(&ada(), id, from)).await.unwrap()
}

/// Everything until the end.
async fn all(mut watch: Watch) -> Vec<u64> {
    let mut seqs = Vec::new();
    while let Some(event) = watch.next().await.unwrap() {
        seqs.push(event.seq);
    }
    seqs
}

#[tokio::test]
async fn from_any_place_everything_comes_once_and_in_order_while_it_happens() {
    let host = TestHost::new().await;
    host.publish(&steps(&["mail/put"; 12])).await;
    let id = host.start(json!({ "v": 1 })).await;
    let mut watches = Vec::new();
    for from in 0..30 {
        watches.push((from, tokio::spawn(all(watch(&host, id, from).await))));
        tokio::task::yield_now().await;
    }
    host.until_status(id, Status::Succeeded).await;
    let last = host.summary(id).version;
    for (from, watch) in watches {
        let seqs = watch.await.unwrap();
        assert_eq!(seqs, (from.max(1)..=last).collect::<Vec<_>>(), "from {from}");
    }
}

#[tokio::test]
async fn watching_what_has_ended_gives_its_history_and_ends() {
    let host = TestHost::new().await;
    host.publish(&steps(&["calc/echo"; 300])).await;
    let id = host.run(json!({ "v": 1 })).await.id;
    let last = host.summary(id).version;
    for from in [0, 1, 300, last] {
        let seqs = within(all(watch(&host, id, from).await)).await;
        assert_eq!(seqs, (from.max(1)..=last).collect::<Vec<_>>());
    }
    let past = within(all(watch(&host, id, last + 1).await)).await;
    assert!(past.is_empty(), "there is nothing past the end: {past:?}");
}

#[tokio::test]
async fn nothing_is_told_before_it_is_durable() {
    let host = TestHost::new().await;
    host.publish(&steps(&["mail/put", "mail/put"])).await;
    host.world.hold("mail/put");
    let id = host.start(json!({ "v": 1 })).await;
    host.settle().await;
    let mut watch = watch(&host, id, 1).await;
    let mut notices = host.engine.notices(&ada());
    host.store.hold();
    host.world.release("mail/put");
    host.settle().await;
    let durable = host.summary(id).version;
    let told = tokio::select! {
        biased;
        told = async { for _ in 0..=durable { watch.next().await.unwrap(); } } => Some(told),
        () = host.settle() => None,
    };
    assert!(told.is_none(), "an event came that is not durable");
    assert!(notices.try_recv().is_err());
    host.store.release();
    host.until_status(id, Status::Succeeded).await;
    let mut seen = Vec::new();
    while let Ok(Notice::Event { event, .. }) = notices.try_recv() {
        seen.push(event.seq);
    }
    assert_eq!(seen, (durable + 1..=host.summary(id).version).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_watcher_that_falls_behind_reads_on_from_the_store() {
    let host = TestHost::new().await;
    host.publish(
        "name: story\nsteps:\n  - { name: ask, intervention: { prompt: Well? } }\n"
            .replace("ask,", "ask, when: true,")
            .as_str(),
    )
    .await;
    let id = host.start(json!({})).await;
    host.settle().await;
    let mut slow = watch(&host, id, 1).await;
    assert_eq!(within(slow.next()).await.unwrap().unwrap().seq, 1);
    // Far more than a watcher's backlog, while it does not look.
    for _ in 0..400 {
        host.control(id, orgata_engine::Control::Pause).await.unwrap();
        host.control(id, orgata_engine::Control::Resume).await.unwrap();
    }
    host.control(id, orgata_engine::Control::Cancel { compensate: true }).await.unwrap();
    let seqs = within(all(slow)).await;
    assert_eq!(seqs, (2..=host.summary(id).version).collect::<Vec<_>>());
}

#[tokio::test]
async fn watching_goes_on_over_waits_and_across_an_eviction() {
    let host = TestHost::new().await;
    host.publish("name: story\nsteps:\n  - { name: ask, intervention: { prompt: Well?, timeout: { after: 1h, answer: 1 } } }\n").await;
    let id = host.start(json!({})).await;
    host.settle().await;
    assert_eq!(host.engine.active(), 0);
    let watching = tokio::spawn(all(watch(&host, id, 1).await));
    host.advance(Duration::from_secs(3_600)).await;
    assert_eq!(watching.await.unwrap(), (1..=host.summary(id).version).collect::<Vec<_>>());
}

#[tokio::test]
async fn watching_nothing_is_not_found() {
    let host = TestHost::new().await;
    let id = "exec_00000000000070008000000000000009".parse().unwrap();
    let refused = within(host.engine.watch(&ada(), id, 1)).await.err().unwrap();
    assert_eq!(refused.code(), "EXECUTION_NOT_FOUND");
}

#[tokio::test]
async fn a_watcher_that_is_dropped_in_the_middle_of_waiting_loses_nothing() {
    let host = TestHost::new().await;
    host.publish(&steps(&["mail/put"; 3])).await;
    host.world.hold("mail/put");
    let id = host.start(json!({ "v": 1 })).await;
    let mut watch = watch(&host, id, 1).await;
    let mut seqs = Vec::new();
    for turn in 0..10_000 {
        if turn == 50 {
            host.world.release("mail/put");
        }
        // Each wait is given up after one turn, most of them before anything came.
        tokio::select! {
            biased;
            event = watch.next() => match event.unwrap() {
                Some(event) => seqs.push(event.seq),
                None => break,
            },
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(seqs, (1..=host.summary(id).version).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_there_is_to_start_is_told_of_when_it_changes() {
    let host = TestHost::new().await;
    let mut notices = host.engine.notices(&ada());
    host.publish(&steps(&["mail/put"])).await;
    host.publish(&steps(&["mail/put"])).await;
    let mut told = Vec::new();
    while let Ok(Notice::Definitions { playbook, .. }) = notices.try_recv() {
        told.push(playbook.unwrap().to_string());
    }
    assert_eq!(told.len(), 1, "the same source again changes nothing: {told:?}");
}
