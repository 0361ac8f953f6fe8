//! How SQLite goes about what is asked: tests that a store with a million executions is as quick as an empty one.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use orgata_engine::ports::{ExecutionQuery, Store as _};
use orgata_model::execution::Status;
use sqlx::{AssertSqlSafe, Row as _};

use crate::SqliteStore;
use crate::executions::{Breadth, HISTORIES, LABELS, ROWS, statement};
use crate::row::{Statement, Values};
use crate::samples::{Home, all, at, runtime};

/// The lines of the plan for a statement, each with the line that it is a part of.
async fn plan(store: &SqliteStore, sql: String) -> Vec<(i64, String)> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let lines = sqlx::query(explain).fetch_all(store.readers()).await.unwrap();
    lines.iter().map(|line| (line.get("parent"), line.get("detail"))).collect()
}

/// Every filter that a list offers, alone and with every other.
fn every_filter() -> Vec<ExecutionQuery> {
    let statuses =
        [vec![], vec![Status::Failed], vec![Status::Succeeded], Status::ALL.to_vec(), vec![Status::Waiting]];
    let mut queries = Vec::new();
    for given in 0..64 {
        for statuses in &statuses {
            let has = |bit: u32| given & (1 << bit) != 0;
            queries.push(ExecutionQuery {
                runtime: has(0).then(|| runtime("runtime-1")),
                playbook: has(1).then(|| "playbook-1".parse().unwrap()),
                statuses: statuses.clone(),
                since: has(2).then(|| at(0)),
                until: has(3).then(|| at(i64::from(u32::MAX))),
                label: has(4).then(|| ("team".into(), "red".into())),
                ended_before: has(5).then(|| at(i64::from(u32::MAX))),
                ..all()
            });
        }
    }
    queries
}

#[tokio::test]
async fn no_list_looks_at_every_execution() {
    let home = Home::new();
    let store = home.open().await;
    for query in every_filter() {
        for cursor in [None, Some(format!("e{}", "0".repeat(48)))] {
            for breadth in [Breadth::Whole, Breadth::Narrow] {
                let query = ExecutionQuery { cursor: cursor.clone(), ..query.clone() };
                let sql = statement(&query, 10, breadth).unwrap().into_string();
                let plan = plan(&store, sql).await;
                let scans = plan
                    .iter()
                    .filter(|(_, line)| line.starts_with("SCAN executions") && !line.contains("USING"));
                assert_eq!(scans.count(), 0, "{query:?}: {plan:#?}");
                // The index is in the list's order, so it can stop where the page ends: what is sorted later is pages.
                let reads = plan.iter().filter(|(_, line)| line.contains("INDEX"));
                let sorted = reads.filter(|(parent, _)| {
                    plan.iter().any(|(other, line)| other == parent && line.contains("TEMP B-TREE"))
                });
                assert_eq!(sorted.count(), 0, "{query:?}: {plan:#?}");
            }
        }
    }
}

#[tokio::test]
async fn purging_looks_at_no_more_than_what_it_deletes() {
    let home = Home::new();
    let store = home.open().await;
    for sql in [LABELS, HISTORIES, ROWS] {
        let plan = plan(&store, sql.to_owned()).await;
        let scans =
            plan.iter().filter(|(_, line)| line.starts_with("SCAN") && !line.contains("VIRTUAL TABLE"));
        assert_eq!(scans.count(), 0, "{sql}: {plan:#?}");
    }
}

/// Enough to tell a list that looks at all of them from one that does not.
const MANY: usize = 20_000;

/// So many executions, written by the store's own writer: two runtimes, four playbooks, one in fifty failed, one in a
/// hundred waiting, one in ten with a label.
async fn fill(store: &SqliteStore, count: usize) {
    let plain = |sql| Statement { sql, values: Values::default() };
    let count = i64::try_from(count).unwrap();
    let numbered = |sql| Statement { sql, values: Values::default().with(count) };
    store
        .edit(vec![
            plain("INSERT INTO plugin_sets VALUES (zeroblob(32), '{}')"),
            numbered(
                "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
                 INSERT INTO executions (id, runtime, playbook, playbook_version, playbook_digest, status, version,
                     started_at, updated_at, ended_at, plugin_set, detail)
                 SELECT unhex(printf('0192f3a0000070008000%012x', i)), 'runtime-' || (i % 2),
                     'playbook-' || (i / 2 % 4), '1', zeroblob(32),
                     CASE WHEN i % 50 = 0 THEN 'failed' WHEN i % 100 = 1 THEN 'waiting' ELSE 'succeeded' END, 1,
                     1790000000000000 + i * 1000, 1790000000000000 + i * 1000,
                     CASE WHEN i % 100 = 1 THEN NULL ELSE 1790000000000000 + i * 1000 + 5 END,
                     zeroblob(32), '{\"done\":1,\"total\":1}' FROM n",
            ),
            plain(
                "INSERT INTO execution_labels SELECT 'team', 'red', started_at, id FROM executions
                 WHERE started_at / 1000 % 10 = 3",
            ),
        ])
        .await
        .unwrap();
}

/// The quickest of many, in turn: what else the machine does must not count.
async fn quickest_in_turn(
    store: &SqliteStore,
    one: &ExecutionQuery,
    other: &ExecutionQuery,
) -> (Duration, Duration) {
    let mut quickest = [Duration::MAX; 2];
    for _ in 0..20 {
        for (query, quickest) in [one, other].into_iter().zip(&mut quickest) {
            let began = Instant::now();
            store.executions(query).await.unwrap();
            *quickest = began.elapsed().min(*quickest);
        }
    }
    (quickest[0], quickest[1])
}

#[tokio::test]
async fn the_last_page_of_a_long_list_costs_what_the_first_does() {
    let home = Home::new();
    let store = home.open().await;
    // For a look at more: ORGATA_MANY=1000000.
    let many = std::env::var("ORGATA_MANY").ok().and_then(|text| text.parse().ok()).unwrap_or(MANY);
    fill(&store, many).await;
    let runtime = Some(runtime("runtime-1"));
    let playbook = Some("playbook-1".parse().unwrap());
    let label = Some(("team".into(), "red".into()));
    for (name, query, expected) in [
        ("all", all(), many),
        ("runtime", ExecutionQuery { runtime: runtime.clone(), ..all() }, many / 2),
        ("playbook", ExecutionQuery { playbook: playbook.clone(), ..all() }, many / 4),
        ("both", ExecutionQuery { runtime, playbook, ..all() }, many / 8),
        ("failed", ExecutionQuery { statuses: vec![Status::Failed], ..all() }, many / 50),
        ("any status", ExecutionQuery { statuses: Status::ALL.to_vec(), ..all() }, many),
        ("label", ExecutionQuery { label, ..all() }, many / 10),
    ] {
        let first = ExecutionQuery { limit: 100, ..query };
        let (mut seen, mut cursors) = (BTreeSet::new(), vec![None]);
        loop {
            let cursor = cursors.last().cloned().flatten();
            let page = store.executions(&ExecutionQuery { cursor, ..first.clone() }).await.unwrap();
            seen.extend(page.items.iter().map(|summary| summary.id));
            match page.next {
                Some(next) => cursors.push(Some(next)),
                None => break,
            }
        }
        if name != "both" {
            assert_eq!(seen.len(), expected, "{name}");
        }
        // A full page near the end: the last one may be short.
        let near_the_end = cursors.len().saturating_sub(2);
        let last = ExecutionQuery { cursor: cursors[near_the_end].clone(), ..first.clone() };
        let (first, last) = quickest_in_turn(&store, &first, &last).await;
        println!("{name}: {} pages, first {first:?}, last {last:?}", cursors.len());
        assert!(last < first * 3, "{name}: a first page takes {first:?}, a last one {last:?}");
    }
}
