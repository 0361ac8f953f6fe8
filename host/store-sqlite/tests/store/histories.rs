//! Appends, and what is there afterwards.

use std::sync::Arc;

use crate::samples::{Home, begin, execution, first, next, runtime, step, summary, whole};
use orgata_engine::ports::{Store as _, StoreError};
use orgata_model::execution::{Event, Fact, Status};

fn plain(events: &[Arc<Event>]) -> Vec<Event> {
    events.iter().map(|event| (**event).clone()).collect()
}

fn skip() -> Fact {
    Fact::StepSkipped { step: step("garnish"), result: None, reason: None }
}

#[tokio::test]
async fn what_was_appended_is_read_back() {
    let home = Home::new();
    let store = home.open().await;
    let append = whole(1);
    store.append(append.clone()).await.unwrap();

    assert_eq!(store.events(execution(1), 0, 100).await.unwrap(), plain(&append.events));
    let stored = store.execution(execution(1)).await.unwrap().unwrap();
    assert_eq!(stored.summary, append.summary);
    assert_eq!(stored.idempotency_key, None);
    assert_eq!(store.execution(execution(2)).await.unwrap(), None);
    assert_eq!(store.events(execution(2), 0, 100).await.unwrap(), []);
}

#[tokio::test]
async fn a_page_of_events_begins_and_ends_inside_segments() {
    let home = Home::new();
    let store = home.open().await;
    let mut written = vec![];
    let append = first(1);
    written.extend(plain(&append.events));
    let mut last = append.summary.clone();
    store.append(append).await.unwrap();
    for length in [1, 5, 3, 8] {
        let append = next(last, vec![skip(); length]);
        last = append.summary.clone();
        written.extend(plain(&append.events));
        store.append(append).await.unwrap();
    }
    for after in 0..=19_usize {
        for limit in [0, 1, 2, 4, 7, 100, usize::MAX] {
            let page = store.events(execution(1), after as u64, limit).await.unwrap();
            let expected: Vec<_> = written.iter().skip(after).take(limit).cloned().collect();
            assert_eq!(page, expected, "after {after}, limit {limit}");
        }
    }
    assert_eq!(store.events(execution(1), u64::MAX, 10).await.unwrap(), []);
}

#[tokio::test]
async fn whoever_saw_an_older_version_loses() {
    let home = Home::new();
    let store = home.open().await;
    store.append(first(1)).await.unwrap();
    assert!(matches!(store.append(first(1)).await, Err(StoreError::Conflict)));

    let winner = next(summary(1), [skip()]);
    store.append(winner.clone()).await.unwrap();
    let loser = next(summary(1), [skip(), skip()]);
    assert!(matches!(store.append(loser).await, Err(StoreError::Conflict)));
    let mut ahead = winner.summary.clone();
    ahead.version = 7;
    assert!(matches!(store.append(next(ahead, [skip()])).await, Err(StoreError::Conflict)));
    assert!(matches!(store.append(next(summary(2), [skip()])).await, Err(StoreError::Conflict)));

    assert_eq!(store.execution(execution(1)).await.unwrap().unwrap().summary, winner.summary);
    assert_eq!(store.execution(execution(2)).await.unwrap(), None);
    assert_eq!(store.events(execution(1), 0, 10).await.unwrap().len(), 2);
    assert_eq!(store.events(execution(2), 0, 10).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_history_with_a_gap_is_refused() {
    let home = Home::new();
    let store = home.open().await;
    let mut gap = whole(1);
    gap.events.remove(5);
    let mut none = first(1);
    none.events.clear();
    let mut behind = whole(1);
    behind.summary.version = 21;
    for append in [gap, none, behind] {
        assert!(matches!(store.append(append).await, Err(StoreError::Broken { .. })));
    }
    assert_eq!(store.execution(execution(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_key_starts_one_execution_in_a_runtime() {
    let home = Home::new();
    let store = home.open().await;
    let keyed = |number, place: &str| {
        let mut append = begin(crate::samples::summary(number));
        append.summary.runtime = runtime(place);
        append.idempotency_key = Some("order-7".into());
        append
    };
    store.append(keyed(1, "kitchen")).await.unwrap();
    assert!(matches!(store.append(keyed(2, "kitchen")).await, Err(StoreError::Conflict)));
    store.append(keyed(3, "bakery")).await.unwrap();

    let found = store.by_idempotency_key(&runtime("kitchen"), "order-7").await.unwrap().unwrap();
    assert_eq!(found.summary.id, execution(1));
    assert_eq!(found.idempotency_key.as_deref(), Some("order-7"));
    let found = store.by_idempotency_key(&runtime("bakery"), "order-7").await.unwrap().unwrap();
    assert_eq!(found.summary.id, execution(3));
    assert_eq!(store.by_idempotency_key(&runtime("bakery"), "order-8").await.unwrap(), None);
    assert_eq!(store.execution(execution(2)).await.unwrap(), None);

    // Later appends do not repeat the key, and it stays.
    store.append(next(summary(1), [skip()])).await.unwrap();
    assert_eq!(
        store.execution(execution(1)).await.unwrap().unwrap().idempotency_key.as_deref(),
        Some("order-7")
    );
}

#[tokio::test]
async fn one_loser_in_a_crowd_loses_alone() {
    let home = Home::new();
    let store = Arc::new(home.open().await);
    store.append(first(7)).await.unwrap();
    store.append(first(1000)).await.unwrap();
    let appends = (0..100).map(first).chain([next(summary(1000), [skip()]), next(summary(2000), [skip()])]);
    let tasks: Vec<_> = appends
        .map(|append| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { (append.summary.id, store.append(append).await) })
        })
        .collect();
    for task in tasks {
        let (id, outcome) = task.await.unwrap();
        if id == execution(7) || id == execution(2000) {
            assert!(matches!(outcome, Err(StoreError::Conflict)), "{id}: {outcome:?}");
        } else {
            assert!(outcome.is_ok(), "{id}: {outcome:?}");
        }
    }
    assert_eq!(store.executions(&crate::samples::all()).await.unwrap().items.len(), 100);
    assert_eq!(store.execution(execution(1000)).await.unwrap().unwrap().summary.version, 2);
}

#[tokio::test]
async fn appends_of_one_execution_keep_their_order() {
    let home = Home::new();
    let store = home.open().await;
    let mut last = first(1);
    let mut appends = vec![last.clone()];
    for _ in 0..20 {
        last = next(last.summary, [skip()]);
        appends.push(last.clone());
    }
    // All are queued before the first is committed.
    let mut waiting: Vec<_> = appends.into_iter().map(|append| store.append(append)).collect();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|append| match append.as_mut().poll(context) {
            std::task::Poll::Ready(outcome) => {
                outcome.unwrap();
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    assert_eq!(store.execution(execution(1)).await.unwrap().unwrap().summary.version, 21);
}

#[tokio::test]
async fn an_output_of_null_is_an_output() {
    let home = Home::new();
    let store = home.open().await;
    let mut append = whole(1);
    append.summary.output = Some(Arc::new(serde_json::Value::Null));
    append.summary.status = Status::Succeeded;
    store.append(append.clone()).await.unwrap();
    assert_eq!(store.execution(execution(1)).await.unwrap().unwrap().summary, append.summary);
}
