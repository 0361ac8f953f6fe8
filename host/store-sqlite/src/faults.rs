//! What happens when the disk does not do its part: tests that reach the writer's own connection.

use std::sync::Arc;

use orgata_engine::ports::{Store as _, StoreError};

use crate::SqliteStore;
use crate::row::{Statement, Values};
use crate::samples::{Home, all, execution, first, heavy, next, summary, whole};

/// As a disk does that has no more than this many pages for the file.
async fn allow_pages(store: &SqliteStore, pages: &'static str) {
    store.edit(vec![Statement { sql: pages, values: Values::default() }]).await.unwrap();
}

const NO_MORE: &str = "PRAGMA max_page_count = 1";
const PLENTY: &str = "PRAGMA max_page_count = 1000000";

#[tokio::test]
async fn a_full_disk_refuses_everyone_writes_nothing_and_heals() {
    let home = Home::new();
    let store = Arc::new(home.open().await);
    for number in 0..10 {
        store.append(whole(number)).await.unwrap();
    }
    allow_pages(&store, NO_MORE).await;
    let mut clients = tokio::task::JoinSet::new();
    for number in 10..110 {
        let store = Arc::clone(&store);
        clients.spawn(async move { (number, store.append(whole(number)).await) });
    }
    let mut written: Vec<_> = (0..10).map(execution).collect();
    let mut refused = vec![];
    while let Some(client) = clients.join_next().await {
        match client.unwrap() {
            (number, Ok(())) => written.push(execution(number)),
            (number, Err(StoreError::Unavailable(cause))) => {
                assert!(cause.contains("full"), "{cause}");
                refused.push(number);
            }
            (_, Err(error)) => panic!("{error}"),
        }
    }
    assert!(refused.len() > 50, "{}", refused.len());
    let listed = store.executions(&all()).await.unwrap().items;
    let mut listed: Vec<_> = listed.into_iter().map(|summary| summary.id).collect();
    listed.sort();
    written.sort();
    assert_eq!(listed, written);
    for number in &refused {
        assert_eq!(store.events(execution(*number), 0, 10).await.unwrap(), []);
    }

    allow_pages(&store, PLENTY).await;
    store.ready().await.unwrap();
    for number in refused {
        store.append(whole(number)).await.unwrap();
    }
    assert_eq!(store.events(execution(109), 0, 100).await.unwrap().len(), 22);
}

#[tokio::test]
async fn an_execution_goes_on_where_it_was_when_the_disk_failed() {
    let home = Home::new();
    let store = home.open().await;
    store.append(first(1)).await.unwrap();
    allow_pages(&store, NO_MORE).await;
    let large = heavy(2, 500_000);
    let facts = large.events.iter().skip(1).map(|event| event.fact.clone());
    let long = next(summary(1), facts);
    let error = store.append(long.clone()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert_eq!(store.execution(execution(1)).await.unwrap().unwrap().summary.version, 1);

    allow_pages(&store, PLENTY).await;
    store.append(long).await.unwrap();
    assert_eq!(store.execution(execution(1)).await.unwrap().unwrap().summary.version, 2);
}
