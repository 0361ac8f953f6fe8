//! Finding executions: pages, filters, what is unfinished, what time wakes, what is pinned.

use std::collections::{BTreeMap, BTreeSet};

use crate::samples::{Home, all, at, begin, execution, first, inbox, next, runtime, summary, whole};
use orgata_engine::ports::{ExecutionQuery, Store as _, StoreError};
use orgata_model::execution::{Fact, Status, Summary};
use orgata_model::{Digest, ExecutionId};
use orgata_store_sqlite::SqliteStore;

/// All pages of a list, one after the other.
async fn pages(store: &SqliteStore, query: ExecutionQuery) -> Vec<ExecutionId> {
    let mut ids = vec![];
    let mut query = query;
    loop {
        let page = store.executions(&query).await.unwrap();
        assert!(page.items.len() <= query.limit);
        ids.extend(page.items.iter().map(|summary| summary.id));
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => return ids,
        }
    }
}

fn ids(numbers: impl IntoIterator<Item = u128>) -> Vec<ExecutionId> {
    numbers.into_iter().map(execution).collect()
}

#[tokio::test]
async fn pages_are_newest_first_and_whole() {
    let home = Home::new();
    let store = home.open().await;
    for number in 0..10 {
        let mut append = first(number);
        // Pairs start in the same microsecond: the id decides.
        append.summary.started_at = at(i64::try_from(number / 2).unwrap());
        store.append(append).await.unwrap();
    }
    let expected = ids((0..10).rev());
    for limit in [1, 2, 3, 5, 9, 10, 11, 1000] {
        assert_eq!(pages(&store, ExecutionQuery { limit, ..all() }).await, expected, "limit {limit}");
    }
    assert_eq!(store.executions(&ExecutionQuery { limit: 10, ..all() }).await.unwrap().next, None);
}

#[tokio::test]
async fn a_page_does_not_shift_when_something_starts_meanwhile() {
    let home = Home::new();
    let store = home.open().await;
    for number in 10..20 {
        store.append(first(number)).await.unwrap();
    }
    let query = ExecutionQuery { limit: 4, ..all() };
    let page = store.executions(&query).await.unwrap();
    for number in 20..30 {
        store.append(first(number)).await.unwrap();
    }
    let rest = ExecutionQuery { cursor: page.next, limit: 100, ..all() };
    let got: Vec<_> = page.items.iter().map(|summary| summary.id).chain(pages(&store, rest).await).collect();
    assert_eq!(got, ids((10..20).rev()));
}

#[tokio::test]
async fn every_filter_and_every_pair_of_filters_agrees_with_looking_at_all() {
    let home = Home::new();
    let store = home.open().await;
    let mut kept: Vec<Summary> = vec![];
    for number in 0..64_u128 {
        let mut append = first(number);
        let summary = &mut append.summary;
        summary.runtime = runtime(["kitchen", "bakery"][usize::from(number % 2 == 0)]);
        summary.playbook.name = ["bread", "cake", "soup"][(number % 3) as usize].parse().unwrap();
        summary.status = Status::ALL[(number / 2 % 8) as usize];
        summary.ended_at = summary.status.is_end().then(|| at(i64::try_from(number).unwrap() + 4));
        if number % 5 == 0 {
            summary.labels = BTreeMap::from([
                ("team".into(), ["red", "blue"][usize::from(number % 2 == 0)].into()),
                ("table".into(), "7".into()),
            ]);
        }
        kept.push(summary.clone());
        store.append(append).await.unwrap();
    }
    let label = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
    let queries = [
        all(),
        ExecutionQuery { runtime: Some(runtime("kitchen")), ..all() },
        ExecutionQuery { playbook: Some("soup".parse().unwrap()), ..all() },
        ExecutionQuery { statuses: vec![Status::Succeeded], ..all() },
        ExecutionQuery { statuses: vec![Status::Failed], ..all() },
        ExecutionQuery { statuses: vec![Status::Failed, Status::Succeeded, Status::Failed], ..all() },
        ExecutionQuery { statuses: Status::ALL.to_vec(), ..all() },
        ExecutionQuery { since: Some(at(10)), ..all() },
        ExecutionQuery { until: Some(at(40)), ..all() },
        ExecutionQuery { label: label("team", "red"), ..all() },
        ExecutionQuery { label: label("team", "7"), ..all() },
        ExecutionQuery { ended_before: Some(at(30)), ..all() },
        ExecutionQuery { runtimes: Some([runtime("kitchen"), runtime("cellar")].into()), ..all() },
        ExecutionQuery { runtimes: Some([runtime("kitchen"), runtime("bakery")].into()), ..all() },
        ExecutionQuery { runtimes: Some([].into()), ..all() },
    ];
    for left in &queries {
        for right in &queries {
            let right = right.clone();
            let both = ExecutionQuery {
                runtime: left.runtime.clone().or(right.runtime),
                runtimes: left.runtimes.clone().or(right.runtimes),
                playbook: left.playbook.clone().or(right.playbook),
                statuses: if left.statuses.is_empty() { right.statuses } else { left.statuses.clone() },
                since: left.since.or(right.since),
                until: left.until.or(right.until),
                label: left.label.clone().or(right.label),
                ended_before: left.ended_before.or(right.ended_before),
                cursor: None,
                limit: 5,
            };
            let expected: Vec<_> = kept.iter().rev().filter(|it| fits(&both, it)).map(|it| it.id).collect();
            assert_eq!(pages(&store, both.clone()).await, expected, "{both:?}");
            let found = store.find(&ExecutionQuery { limit: 1000, ..both.clone() }).await.unwrap();
            let found: Vec<_> = found.items.iter().map(|found| found.id).collect();
            assert_eq!(found, expected, "{both:?}, found");
        }
    }
}

/// What a query means, word for word.
fn fits(query: &ExecutionQuery, it: &Summary) -> bool {
    query.runtime.as_ref().is_none_or(|runtime| it.runtime == *runtime)
        && query.runtimes.as_ref().is_none_or(|runtimes| runtimes.contains(&it.runtime))
        && query.playbook.as_ref().is_none_or(|playbook| it.playbook.name == *playbook)
        && (query.statuses.is_empty() || query.statuses.contains(&it.status))
        && query.since.is_none_or(|since| it.started_at >= since)
        && query.until.is_none_or(|until| it.started_at < until)
        && query.label.as_ref().is_none_or(|(name, value)| it.labels.get(name) == Some(value))
        && query.ended_before.is_none_or(|before| it.ended_at.is_some_and(|at| at < before))
}

#[tokio::test]
async fn every_runtime_and_playbook_that_has_executions_is_a_home() {
    let home = Home::new();
    let store = home.open().await;
    assert_eq!(store.homes().await.unwrap(), []);
    for number in 0..30_u128 {
        let mut append = first(number);
        append.summary.runtime = runtime(["kitchen", "bakery", "cellar"][number as usize % 3]);
        append.summary.playbook.name = ["wine", "bread"][usize::from(number % 6 == 0)].parse().unwrap();
        store.append(append).await.unwrap();
    }
    let homes = [("bakery", "wine"), ("cellar", "wine"), ("kitchen", "bread"), ("kitchen", "wine")];
    assert_eq!(store.homes().await.unwrap(), homes.map(|(at, of)| (runtime(at), of.parse().unwrap())));
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let home = Home::new();
    let store = home.open().await;
    for number in 0..3 {
        store.append(first(number)).await.unwrap();
    }
    let cursor = store.executions(&ExecutionQuery { limit: 1, ..all() }).await.unwrap().next;
    let mut query = inbox();
    query.cursor.clone_from(&cursor);
    assert!(matches!(store.inbox(&query).await, Err(StoreError::Cursor)));
    for bad in ["", "e", "eyJhIjoxfQ==", "' OR 1=1 --"] {
        let query = ExecutionQuery { cursor: Some(bad.into()), ..all() };
        assert!(matches!(store.executions(&query).await, Err(StoreError::Cursor)), "{bad:?}");
    }
}

#[tokio::test]
async fn only_what_a_host_must_have_at_work_is_unfinished() {
    let home = Home::new();
    let store = home.open().await;
    // Every status twice, in the order of life: pending, running, waiting, paused, compensating, and the ends.
    let kinds = Status::ALL.len() as u128;
    for (number, status) in (0..2 * kinds).zip(Status::ALL.into_iter().cycle()) {
        let mut append = first(number);
        append.summary.status = status;
        store.append(append).await.unwrap();
    }
    assert_eq!(store.unfinished(None, 100).await.unwrap(), ids([0, 1, 4, kinds, kinds + 1, kinds + 4]));
    assert_eq!(store.unfinished(None, 3).await.unwrap(), ids([0, 1, 4]));
    assert_eq!(store.unfinished(Some(execution(1)), 1).await.unwrap(), ids([4]));
    assert_eq!(store.unfinished(Some(execution(kinds + 4)), 9).await.unwrap(), []);

    let mut end = next(summary(kinds), [Fact::ExecutionTimedOut {}]);
    end.summary.status = Status::TimedOut;
    store.append(end).await.unwrap();
    assert_eq!(store.unfinished(None, 100).await.unwrap(), ids([0, 1, 4, kinds + 1, kinds + 4]));
}

#[tokio::test]
async fn time_wakes_the_earliest_first_and_each_once() {
    let home = Home::new();
    let store = home.open().await;
    for (number, wakes) in [(1, Some(30)), (2, Some(10)), (3, None), (4, Some(10)), (5, Some(50))] {
        let mut append = first(number);
        append.summary.wakes_at = wakes.map(at);
        store.append(append).await.unwrap();
    }
    let due = |now, after: Option<(i64, u128)>, limit| {
        let store = &store;
        async move {
            let after = after.map(|(micros, number)| (at(micros), execution(number)));
            store.due(at(now), after, limit).await.unwrap()
        }
    };
    let place = |micros, number| (at(micros), execution(number));
    assert_eq!(due(9, None, 10).await, []);
    assert_eq!(due(30, None, 10).await, [place(10, 2), place(10, 4), place(30, 1)]);
    assert_eq!(due(30, None, 1).await, [place(10, 2)]);
    assert_eq!(due(30, Some((10, 2)), 10).await, [place(10, 4), place(30, 1)]);
    assert_eq!(due(30, Some((10, 4)), 10).await, [place(30, 1)]);
    assert_eq!(due(99, Some((50, 5)), 10).await, []);

    assert_eq!(store.next_due(at(0)).await.unwrap(), Some(at(10)));
    assert_eq!(store.next_due(at(10)).await.unwrap(), Some(at(30)));
    assert_eq!(store.next_due(at(50)).await.unwrap(), None);

    let mut woken = next(summary(2), [Fact::ExecutionResumed { reason: None }]);
    woken.summary.wakes_at = None;
    store.append(woken).await.unwrap();
    assert_eq!(due(30, None, 1).await, [place(10, 4)]);
}

#[tokio::test]
async fn a_plugin_version_is_pinned_until_the_last_execution_that_keeps_it_ends() {
    let home = Home::new();
    let store = home.open().await;
    assert_eq!(store.pinned().await.unwrap(), BTreeSet::new());
    let keeps = |number, version: &str| {
        let mut summary = summary(number);
        summary.plugins = BTreeMap::from([
            ("kitchen".parse().unwrap(), Digest::of(version.as_bytes())),
            ("pantry".parse().unwrap(), Digest::of(b"pantry")),
        ]);
        summary
    };
    let version = |number: u128| ["old", "new"][(number % 2) as usize];
    for number in 0..20 {
        let mut append = begin(keeps(number, version(number)));
        append.summary.status =
            [Status::Waiting, Status::Paused, Status::Pending, Status::Running][number as usize % 4];
        store.append(append).await.unwrap();
    }
    store.append(begin(keeps(20, "alone"))).await.unwrap();
    store.append(whole(21)).await.unwrap();
    let set = |names: &[&str]| names.iter().map(|name| Digest::of(name.as_bytes())).collect::<BTreeSet<_>>();
    assert_eq!(store.pinned().await.unwrap(), set(&["old", "new", "alone", "pantry"]));

    for number in (0..=20).filter(|number| number % 2 == 0) {
        let name = if number == 20 { "alone" } else { version(number) };
        let mut end = next(keeps(number, name), [Fact::ExecutionTimedOut {}]);
        end.summary.status = Status::TimedOut;
        store.append(end).await.unwrap();
    }
    assert_eq!(store.pinned().await.unwrap(), set(&["new", "pantry"]));
}
