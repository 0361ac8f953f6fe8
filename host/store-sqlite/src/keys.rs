//! Executions that count against a concurrency key, in the order in which they came.

use orgata_engine::ports::{Append, StoreError};
use orgata_model::playbook::KEY_LABEL;
use orgata_model::{ExecutionId, RuntimeId};
use sqlx::SqlitePool;

use crate::executions::page;
use crate::failure::unavailable;
use crate::row::{Columns, Statement, Values};

const TABLE: &str = "concurrency";

/// An execution comes with its first append and goes with its end.
pub(crate) fn changes(append: &Append) -> Option<Statement> {
    let summary = &append.summary;
    let key = summary.labels.get(KEY_LABEL)?;
    let id = summary.id.uuid();
    if summary.status.is_end() {
        let sql = "DELETE FROM concurrency WHERE execution = ?";
        return Some(Statement { sql, values: Values::default().with_id(id) });
    }
    Some(Statement {
        sql:
            "INSERT OR IGNORE INTO concurrency (runtime, key, place, execution)
              SELECT ?1, ?2, COALESCE(MAX(place), 0) + 1, ?3 FROM concurrency WHERE runtime = ?1 AND key = ?2",
        values: Values::default().with(summary.runtime.as_str()).with(key.as_str()).with_id(id),
    })
}

/// Those of a key that have not ended, in the order in which they came.
pub(crate) async fn in_order(
    readers: &SqlitePool,
    runtime: &RuntimeId,
    key: &str,
    limit: usize,
) -> Result<Vec<ExecutionId>, StoreError> {
    let rows = sqlx::query(
        "SELECT execution AS id FROM concurrency WHERE runtime = ? AND key = ? ORDER BY place LIMIT ?",
    )
    .bind(runtime.as_str())
    .bind(key)
    .bind(page(limit))
    .fetch_all(readers)
    .await
    .map_err(|error| unavailable(&error))?;
    let ids = rows
        .iter()
        .map(|row| Columns::by_id(row, TABLE, ExecutionId::new).map(|(_, id)| ExecutionId::new(id)));
    ids.collect()
}
