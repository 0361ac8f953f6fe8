//! Which executions wait for which outside events.

use orgata_engine::ports::{Append, StoreError};
use orgata_model::{ExecutionId, RuntimeId};
use sqlx::SqlitePool;

use crate::executions::page;
use crate::failure::unavailable;
use crate::row::{Columns, Statement, Values};

const TABLE: &str = "event_waits";

/// What an append changes in what its execution waits for.
pub(crate) fn changes(append: &Append) -> Vec<Statement> {
    let Some(awaited) = &append.awaited else { return Vec::new() };
    let id = append.summary.id.uuid();
    let clear = Statement {
        sql: "DELETE FROM event_waits WHERE execution = ?",
        values: Values::default().with_id(id),
    };
    let waits = awaited.iter().map(|event| Statement {
        sql: "INSERT INTO event_waits (runtime, event, execution) VALUES (?, ?, ?)",
        values: Values::default().with(append.summary.runtime.as_str()).with(event.as_str()).with_id(id),
    });
    std::iter::once(clear).chain(waits).collect()
}

/// Executions of a runtime that wait for an event, in order of id, after `after`.
pub(crate) async fn awaiting(
    readers: &SqlitePool,
    runtime: &RuntimeId,
    event: &str,
    after: Option<ExecutionId>,
    limit: usize,
) -> Result<Vec<ExecutionId>, StoreError> {
    let after = after.map_or_else(Vec::new, |after| after.uuid().into_bytes().to_vec());
    let rows = sqlx::query(
        "SELECT execution AS id FROM event_waits WHERE runtime = ? AND event = ? AND execution > ?
         ORDER BY execution LIMIT ?",
    )
    .bind(runtime.as_str())
    .bind(event)
    .bind(after)
    .bind(page(limit))
    .fetch_all(readers)
    .await
    .map_err(|error| unavailable(&error))?;
    let ids = rows
        .iter()
        .map(|row| Columns::by_id(row, TABLE, ExecutionId::new).map(|(_, id)| ExecutionId::new(id)));
    ids.collect()
}
