//! The list of executions, newest first, filtered and paged.
//!
//! Every filter that a million finished executions would make slow has an index that is already in the list's
//! order, so a page is read from where the last one ended and nothing is sorted but a page for each status.

use std::collections::BTreeSet;

use orgata_engine::ports::{ExecutionQuery, Found, Page, StoreError};
use orgata_model::execution::{Status, Summary};
use orgata_model::{ExecutionId, PlaybookName, RuntimeId};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqlitePool};

use super::TABLE;
use super::read::{page, status, stored};
use crate::cursor::{List, Place};
use crate::failure::unavailable;
use crate::row::{Columns, list_of};

/// How much of each execution is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Breadth {
    /// Everything that a list shows.
    Whole,
    /// What [`Found`] says.
    Narrow,
}

/// A page of executions.
pub(crate) async fn list(readers: &SqlitePool, query: &ExecutionQuery) -> Result<Page<Summary>, StoreError> {
    page_of(readers, query, Breadth::Whole, |row| Ok(stored(row)?.summary)).await
}

/// A page of executions, with little of each.
pub(crate) async fn find(readers: &SqlitePool, query: &ExecutionQuery) -> Result<Page<Found>, StoreError> {
    let found = |row: &SqliteRow| {
        let (columns, id) = Columns::by_id(row, TABLE, ExecutionId::new)?;
        Ok(Found { id: ExecutionId::new(id), status: status(&columns)? })
    };
    page_of(readers, query, Breadth::Narrow, found).await
}

async fn page_of<T>(
    readers: &SqlitePool,
    query: &ExecutionQuery,
    breadth: Breadth,
    read: impl Fn(&SqliteRow) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError> {
    if query.runtimes.as_ref().is_some_and(BTreeSet::is_empty) {
        return Ok(Page::empty());
    }
    let limit = query.limit.clamp(1, 1000);
    let mut statement = statement(query, limit, breadth)?;
    let rows = statement.build().fetch_all(readers).await.map_err(|error| unavailable(&error))?;
    let items = rows.iter().take(limit).map(&read).collect::<Result<_, _>>()?;
    let next = rows.get(limit - 1).filter(|_| rows.len() > limit).map(place).transpose()?;
    Ok(Page { items, next: next.map(|place| place.write(List::Executions)) })
}

fn place(row: &SqliteRow) -> Result<Place, StoreError> {
    let (columns, id) = Columns::by_id(row, TABLE, ExecutionId::new)?;
    Ok(Place { micros: columns.get("started_at")?, id })
}

/// Asks for one more than the page holds, to know whether there is another.
pub(crate) fn statement(
    query: &ExecutionQuery,
    limit: usize,
    breadth: Breadth,
) -> Result<QueryBuilder<Sqlite>, StoreError> {
    let arms = Arms {
        query,
        after: query.cursor.as_deref().map(|text| Place::read(List::Executions, text)).transpose()?,
        limit: page(limit.saturating_add(1)),
    };
    let mut sql = QueryBuilder::new("WITH RECURSIVE ");
    match (&arms.query.runtimes, arms.playbook_anywhere()) {
        _ if !arms.by_home() => {}
        (Some(runtimes), _) => these(&mut sql, runtimes),
        (None, Some(playbook)) => homes(&mut sql, playbook),
        (None, None) => {}
    }
    sql.push("page AS MATERIALIZED (SELECT id, started_at FROM (");
    match query.statuses.as_slice() {
        [] => arms.push(&mut sql, None),
        statuses => {
            for (at, status) in statuses.iter().enumerate() {
                if statuses.iter().take(at).any(|earlier| earlier == status) {
                    continue;
                }
                if at > 0 {
                    sql.push(" UNION ALL ");
                }
                arms.push(&mut sql, Some(*status));
            }
        }
    }
    sql.push(") ORDER BY started_at DESC, id DESC LIMIT ").push_bind(arms.limit);
    let (columns, sets) = match breadth {
        Breadth::Whole => ("executions.*, plugins", " LEFT JOIN plugin_sets ON digest = plugin_set"),
        Breadth::Narrow => ("executions.id AS id, executions.started_at AS started_at, status", ""),
    };
    sql.push(format_args!(
        ") SELECT {columns} FROM page CROSS JOIN executions ON executions.id = page.id{sets}
         ORDER BY page.started_at DESC, page.id DESC",
    ));
    Ok(sql)
}

/// The runtimes in which this playbook ever ran, found by going from one to the next in the index.
fn homes(sql: &mut QueryBuilder<Sqlite>, playbook: &PlaybookName) {
    let next = "SELECT min(runtime) FROM executions INDEXED BY executions_by_playbook WHERE playbook = ";
    sql.push("homes (runtime) AS (").push(next).push_bind(playbook.as_str().to_owned());
    sql.push(" UNION ALL SELECT (").push(next).push_bind(playbook.as_str().to_owned());
    sql.push(" AND runtime > homes.runtime) FROM homes WHERE homes.runtime IS NOT NULL), ");
}

/// The runtimes that are asked for.
fn these(sql: &mut QueryBuilder<Sqlite>, runtimes: &BTreeSet<RuntimeId>) {
    sql.push("homes (runtime) AS (");
    for (at, runtime) in runtimes.iter().enumerate() {
        sql.push(if at > 0 { ", (" } else { "VALUES (" }).push_bind(runtime.as_str().to_owned()).push(")");
    }
    sql.push("), ");
}

/// What each part of the union asks for: the keys of a page of one status, or of all.
struct Arms<'a> {
    query: &'a ExecutionQuery,
    after: Option<Place>,
    limit: i64,
}

impl Arms<'_> {
    /// The playbook, when the index over it must be asked once for each runtime.
    fn playbook_anywhere(&self) -> Option<&PlaybookName> {
        let query = self.query;
        query.playbook.as_ref().filter(|_| query.runtime.is_none() && query.label.is_none())
    }

    /// Whether an index must be asked once for each runtime.
    fn by_home(&self) -> bool {
        let query = self.query;
        let several = query.runtimes.is_some() && query.runtime.is_none() && query.label.is_none();
        several || self.playbook_anywhere().is_some()
    }

    fn push(&self, sql: &mut QueryBuilder<Sqlite>, status: Option<Status>) {
        let rare = status.is_some_and(|status| status != Status::Succeeded);
        if !self.by_home() || rare {
            sql.push("SELECT * FROM (");
            self.keys(sql, status, false);
            sql.push(")");
        } else {
            sql.push("SELECT one.id, one.started_at FROM homes CROSS JOIN executions AS one ON one.id IN (");
            sql.push("SELECT id FROM (");
            self.keys(sql, status, true);
            sql.push("))");
        }
    }

    fn keys(&self, sql: &mut QueryBuilder<Sqlite>, status: Option<Status>, of_home: bool) {
        let query = self.query;
        sql.push("SELECT executions.id AS id, executions.started_at AS started_at FROM ");
        let (at, id) = if let Some((name, value)) = &query.label {
            sql.push("execution_labels AS label CROSS JOIN executions ON executions.id = label.execution");
            sql.push(" WHERE label.name = ").push_bind(name.clone());
            sql.push(" AND label.value = ").push_bind(value.clone());
            ("label.started_at", "label.execution")
        } else {
            // Named, so that no statistics and no newer planner can choose one that is not in the list's order.
            sql.push("executions INDEXED BY ").push(self.index(status)).push(" WHERE true");
            ("executions.started_at", "executions.id")
        };
        self.filter(sql, status, of_home);
        if let Some(since) = query.since {
            sql.push(format_args!(" AND {at} >= ")).push_bind(since.as_microsecond());
        }
        // What has ended before a time began before it, and the indexes are in order of beginnings.
        if let Some(until) = query.until.into_iter().chain(query.ended_before).min() {
            sql.push(format_args!(" AND {at} < ")).push_bind(until.as_microsecond());
        }
        if let Some(before) = query.ended_before {
            sql.push(" AND executions.ended_at < ").push_bind(before.as_microsecond());
        }
        if let Some(place) = self.after {
            sql.push(format_args!(" AND ({at}, {id}) < (")).push_bind(place.micros);
            sql.push(", ").push_bind(place.id.into_bytes().to_vec()).push(")");
        }
        sql.push(format_args!(" ORDER BY {at} DESC, {id} DESC LIMIT ")).push_bind(self.limit);
    }

    fn index(&self, status: Option<Status>) -> &'static str {
        match (status, &self.query.playbook, &self.query.runtime) {
            (Some(status), _, _) if status != Status::Succeeded => "executions_by_status",
            (_, Some(_), _) => "executions_by_playbook",
            (_, None, Some(_)) => "executions_by_runtime",
            (_, None, None) if self.by_home() => "executions_by_runtime",
            (_, None, None) => "executions_by_start",
        }
    }

    fn filter(&self, sql: &mut QueryBuilder<Sqlite>, status: Option<Status>, of_home: bool) {
        if let Some(status) = status {
            sql.push(" AND executions.status = ").push_bind(status.as_str());
            if status != Status::Succeeded {
                // What the partial index asks for: the planner does not look into a bound value.
                sql.push(" AND executions.status <> 'succeeded'");
            }
        }
        if let Some(playbook) = &self.query.playbook {
            sql.push(" AND executions.playbook = ").push_bind(playbook.as_str().to_owned());
        }
        if of_home {
            sql.push(" AND executions.runtime = homes.runtime");
            return;
        }
        if let Some(runtime) = &self.query.runtime {
            sql.push(" AND executions.runtime = ").push_bind(runtime.as_str().to_owned());
        }
        if let Some(runtimes) = &self.query.runtimes {
            sql.push(" AND executions.runtime IN ");
            list_of(sql, runtimes.iter().map(RuntimeId::as_str));
        }
    }
}
