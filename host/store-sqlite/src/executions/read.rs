//! Summaries on their way out, one or in the order in which a host needs them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use orgata_engine::ports::{StoreError, StoredExecution};
use orgata_model::execution::{PlaybookRef, Status, Summary};
use orgata_model::{ExecutionId, Failure, PlaybookName, RuntimeId, StepName};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;

use super::TABLE;
use crate::failure::unavailable;
use crate::row::Columns;

/// Written by `write::Detail`.
#[derive(Deserialize)]
struct Detail {
    step: Option<StepName>,
    done: u32,
    total: u32,
    #[serde(default, deserialize_with = "present")]
    output: Option<Arc<Value>>,
    failure: Option<Failure>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// An output of `null` is an output: serde alone would take it for none.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Arc<Value>>, D::Error> {
    Value::deserialize(from).map(|value| Some(Arc::new(value)))
}

/// Reads a row of `executions` joined with its plugin set.
pub(super) fn stored(row: &SqliteRow) -> Result<StoredExecution, StoreError> {
    let (columns, id) = Columns::by_id(row, TABLE, ExecutionId::new)?;
    let version: i64 = columns.get("version")?;
    let detail: Detail = columns.json("detail")?;
    let summary = Summary {
        id: ExecutionId::new(id),
        runtime: columns.word("runtime")?,
        playbook: PlaybookRef {
            name: columns.word("playbook")?,
            version: columns.get("playbook_version")?,
            digest: columns.digest("playbook_digest")?,
        },
        status: status(&columns)?,
        version: version.try_into().map_err(|error| columns.broken(error))?,
        current_step: detail.step,
        steps_done: detail.done,
        steps_total: detail.total,
        started_at: columns.time("started_at")?,
        updated_at: columns.time("updated_at")?,
        ended_at: columns.maybe_time("ended_at")?,
        wakes_at: columns.maybe_time("wakes_at")?,
        output: detail.output,
        failure: detail.failure,
        labels: detail.labels,
        plugins: columns.json("plugins")?,
    };
    Ok(StoredExecution { summary, idempotency_key: columns.get("idempotency_key")? })
}

/// Where it stands.
pub(super) fn status(columns: &Columns<'_>) -> Result<Status, StoreError> {
    let word: &str = columns.get("status")?;
    Status::parse(word).ok_or_else(|| columns.broken(format_args!("\"{word}\" is not a status")))
}

/// One execution.
pub(crate) async fn by_id(
    readers: &SqlitePool,
    id: ExecutionId,
) -> Result<Option<StoredExecution>, StoreError> {
    let row = sqlx::query(
        "SELECT executions.*, plugins FROM executions LEFT JOIN plugin_sets ON digest = plugin_set WHERE id = ?",
    )
    .bind(&id.uuid().as_bytes()[..])
    .fetch_optional(readers)
    .await
    .map_err(|error| unavailable(&error))?;
    row.as_ref().map(stored).transpose()
}

/// The execution that was started in this runtime with this key.
pub(crate) async fn by_key(
    readers: &SqlitePool,
    runtime: &RuntimeId,
    key: &str,
) -> Result<Option<StoredExecution>, StoreError> {
    let row = sqlx::query(
        "SELECT executions.*, plugins FROM executions LEFT JOIN plugin_sets ON digest = plugin_set
         WHERE runtime = ? AND idempotency_key = ?",
    )
    .bind(runtime.as_str())
    .bind(key)
    .fetch_optional(readers)
    .await
    .map_err(|error| unavailable(&error))?;
    row.as_ref().map(stored).transpose()
}

/// Every runtime that has executions, with every playbook, found by going from one to the next in the index.
pub(crate) async fn homes(readers: &SqlitePool) -> Result<Vec<(RuntimeId, PlaybookName)>, StoreError> {
    let rows = sqlx::query(
        "WITH RECURSIVE homes (id, playbook, runtime) AS (
             SELECT * FROM (SELECT id, playbook, runtime FROM executions INDEXED BY executions_by_playbook
                            ORDER BY playbook, runtime LIMIT 1)
             UNION ALL
             SELECT next.id, next.playbook, next.runtime
             FROM homes JOIN executions AS next ON next.id = (
                 SELECT id FROM executions INDEXED BY executions_by_playbook
                 WHERE (playbook, runtime) > (homes.playbook, homes.runtime)
                 ORDER BY playbook, runtime LIMIT 1)
         )
         SELECT runtime, playbook FROM homes ORDER BY runtime, playbook",
    )
    .fetch_all(readers)
    .await
    .map_err(|error| unavailable(&error))?;
    let home = |row| {
        let columns = Columns::of(row, TABLE, "?");
        Ok((columns.word("runtime")?, columns.word("playbook")?))
    };
    rows.iter().map(home).collect()
}

/// `pending` and `running` executions after this id, in order of id.
pub(crate) async fn unfinished(
    readers: &SqlitePool,
    after: Option<ExecutionId>,
    limit: usize,
) -> Result<Vec<ExecutionId>, StoreError> {
    let rows = sqlx::query(
        "SELECT id FROM executions INDEXED BY executions_unfinished
         WHERE status IN ('pending', 'running', 'compensating') AND id > ? ORDER BY id LIMIT ?",
    )
    // Every id is greater than the empty one.
    .bind(after.map(|id| id.uuid().into_bytes().to_vec()).unwrap_or_default())
    .bind(page(limit))
    .fetch_all(readers)
    .await
    .map_err(|error| unavailable(&error))?;
    rows.iter().map(|row| Ok(ExecutionId::new(Columns::by_id(row, TABLE, ExecutionId::new)?.1))).collect()
}

/// Executions that should have been woken by now, earliest first.
pub(crate) async fn due(
    readers: &SqlitePool,
    now: Timestamp,
    after: Option<(Timestamp, ExecutionId)>,
    limit: usize,
) -> Result<Vec<(Timestamp, ExecutionId)>, StoreError> {
    let (micros, id) = match after {
        None => (i64::MIN, Vec::new()),
        Some((at, id)) => (at.as_microsecond(), id.uuid().into_bytes().to_vec()),
    };
    let rows = sqlx::query(
        "SELECT id, wakes_at FROM executions INDEXED BY executions_waking
         WHERE wakes_at IS NOT NULL AND wakes_at <= ? AND (wakes_at, id) > (?, ?)
         ORDER BY wakes_at, id LIMIT ?",
    )
    .bind(now.as_microsecond())
    .bind(micros)
    .bind(id)
    .bind(page(limit))
    .fetch_all(readers)
    .await
    .map_err(|error| unavailable(&error))?;
    rows.iter()
        .map(|row| {
            let (columns, id) = Columns::by_id(row, TABLE, ExecutionId::new)?;
            Ok((columns.time("wakes_at")?, ExecutionId::new(id)))
        })
        .collect()
}

/// The earliest time after `now` that wakes anything.
pub(crate) async fn next_due(readers: &SqlitePool, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let row = sqlx::query(
        "SELECT id, wakes_at FROM executions INDEXED BY executions_waking
         WHERE wakes_at IS NOT NULL AND wakes_at > ? ORDER BY wakes_at, id LIMIT 1",
    )
    .bind(now.as_microsecond())
    .fetch_optional(readers)
    .await
    .map_err(|error| unavailable(&error))?;
    match &row {
        None => Ok(None),
        Some(row) => Columns::by_id(row, TABLE, ExecutionId::new)?.0.time("wakes_at").map(Some),
    }
}

/// A LIMIT from a count.
pub(crate) fn page(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
