//! Deleting: what has ended goes with all that belongs to it, what has not stays, and the room is given back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use orgata_engine::ports::{Append, ExecutionQuery, Store as _, StoreError};
use orgata_model::Digest;
use orgata_model::execution::{Fact, Status};
use orgata_model::intervention::OnDeadline;
use orgata_store_sqlite::SqliteStore;

use crate::samples::{Home, all, asked, begin, execution, first, heavy, inbox, next, summary, whole};

/// One that has ended, with two labels and a key.
fn labelled(number: u128) -> Append {
    let mut append = whole(number);
    append.summary.labels = BTreeMap::from([("team".into(), "red".into()), ("table".into(), "7".into())]);
    append.idempotency_key = Some(format!("key-{number}"));
    append
}

async fn labelled_red(store: &SqliteStore) -> usize {
    let query = ExecutionQuery { label: Some(("team".into(), "red".into())), ..all() };
    store.executions(&query).await.unwrap().items.len()
}

#[tokio::test]
async fn what_has_ended_goes_with_all_that_belongs_to_it() {
    let home = Home::new();
    let store = home.open().await;
    for number in 0..50 {
        store.append(labelled(number)).await.unwrap();
    }
    let even: Vec<_> = (0..50).step_by(2).map(execution).collect();
    let gone: BTreeSet<_> = store.purge(&even).await.unwrap().into_iter().collect();
    assert_eq!(gone, even.iter().copied().collect());
    for number in 0..50 {
        let left = number % 2 == 1;
        assert_eq!(store.execution(execution(number)).await.unwrap().is_some(), left, "{number}");
        let events = store.events(execution(number), 0, 100).await.unwrap();
        assert_eq!(events.len(), if left { 22 } else { 0 }, "{number}");
    }
    assert_eq!(labelled_red(&store).await, 25);
    assert_eq!(store.purge(&even).await.unwrap(), [], "they are gone already");
    // Nothing stands in the way of one that comes back, its key included.
    store.append(labelled(0)).await.unwrap();
    assert!(matches!(store.append(labelled(1)).await, Err(StoreError::Conflict)));
    assert_eq!(labelled_red(&store).await, 26);
}

#[tokio::test]
async fn what_has_not_ended_stays_whoever_asks() {
    let home = Home::new();
    let store = home.open().await;
    for (number, status) in (0..).zip([Status::Pending, Status::Running, Status::Waiting, Status::Paused]) {
        let mut append = begin(summary(number));
        append.summary.status = status;
        append.summary.labels = BTreeMap::from([("team".into(), "red".into())]);
        store.append(append).await.unwrap();
    }
    let asks = next(summary(2), [Fact::InterventionRequired { intervention: asked(2, OnDeadline::Fail) }]);
    store.append(asks).await.unwrap();
    store.append(whole(4)).await.unwrap();
    let all: Vec<_> = (0..6).map(execution).collect();
    assert_eq!(store.purge(&all).await.unwrap(), [execution(4)]);
    for number in 0..4 {
        assert!(store.execution(execution(number)).await.unwrap().is_some());
        assert!(!store.events(execution(number), 0, 10).await.unwrap().is_empty());
    }
    assert_eq!(labelled_red(&store).await, 4);
    assert_eq!(store.inbox(&inbox()).await.unwrap().items.len(), 1);
    assert!(!store.pinned().await.unwrap().is_empty());
}

#[tokio::test]
async fn room_is_given_back_to_the_disk_but_for_some_that_is_used_again() {
    let home = Home::new();
    let store = home.open().await;
    let ended = |number| {
        let mut append = heavy(number, 100_000);
        append.summary.status = Status::Cancelled;
        append.summary.ended_at = Some(append.summary.started_at);
        append
    };
    for number in 0..500 {
        store.append(ended(number)).await.unwrap();
    }
    let before = store.size().await.unwrap();
    let ids: Vec<_> = (0..500).map(execution).collect();
    assert_eq!(store.purge(&ids).await.unwrap().len(), 500);
    let mut after = store.size().await.unwrap();
    // A purge wakes whoever gives back, and does not wait for it.
    for _ in 0..2_000 {
        if after.data < before.data / 2 && after.free < 10 << 20 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        after = store.size().await.unwrap();
    }
    assert!(after.data < before.data / 2, "{before:?}, then {after:?}");
    assert!((4 << 20..10 << 20).contains(&after.free), "some is kept: {after:?}");
    // What is kept is used: the file does not grow.
    for number in 500..530 {
        store.append(ended(number)).await.unwrap();
    }
    let again = store.size().await.unwrap();
    assert!(again.free < after.free, "{after:?}, then {again:?}");
    store.close().await.unwrap();
    assert_eq!(home.open().await.events(execution(529), 0, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_appended_meanwhile_is_there() {
    let home = Home::new();
    let store = Arc::new(home.open().await);
    for number in 0..500 {
        store.append(whole(number)).await.unwrap();
    }
    let ids: Vec<_> = (0..500).map(execution).collect();
    let (purging, live) = (Arc::clone(&store), Arc::clone(&store));
    let purged = tokio::spawn(async move { purging.purge(&ids).await.unwrap().len() });
    for number in 1_000..1_200 {
        live.append(first(number)).await.unwrap();
    }
    assert_eq!(purged.await.unwrap(), 500);
    let left = store.executions(&ExecutionQuery { limit: 1_000, ..all() }).await.unwrap().items;
    assert_eq!(left.len(), 200);
}

#[tokio::test]
async fn a_history_comes_in_with_its_playbook_or_not_at_all() {
    let home = Home::new();
    let store = home.open().await;
    let source = "name: pbj";
    let import = |number, key: Option<&str>| {
        let mut append = whole(number);
        append.summary.playbook.digest = Digest::of(source.as_bytes());
        append.idempotency_key = key.map(str::to_owned);
        append
    };
    let mut taken = first(1);
    taken.idempotency_key = Some("k".into());
    store.append(taken).await.unwrap();
    for clash in [import(1, None), import(2, Some("k"))] {
        assert!(matches!(store.import(clash, source).await, Err(StoreError::Conflict)));
    }
    assert_eq!(store.playbook_source(Digest::of(source.as_bytes())).await.unwrap(), None);
    store.import(import(2, None), source).await.unwrap();
    store.import(import(3, None), source).await.unwrap();
    assert_eq!(store.playbook_source(Digest::of(source.as_bytes())).await.unwrap().as_deref(), Some(source));
    assert_eq!(store.current_playbooks().await.unwrap(), [], "nothing new starts on it");
    assert_eq!(store.events(execution(3), 0, 100).await.unwrap().len(), 22);
}
