//! Executions on their way out, a few at a time.
//!
//! What has not ended stays, whoever asked: that is checked here, in the statements themselves, and so in the
//! same transaction. Plugin sets and playbook sources stay: many executions share them, and they are few.

use orgata_model::ExecutionId;
use serde_json::Value;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use uuid::Uuid;

use crate::batch::plain;

// Each takes a JSON array of the ids, as hexadecimal digits: one text whatever their number, so it stays prepared.

/// Labels have no index over executions; their whole key is in the execution's row.
pub(crate) const LABELS: &str = "DELETE FROM execution_labels WHERE (name, value, started_at, execution) IN (
    SELECT label.key, label.value, ended.started_at, ended.id
    FROM json_each(?) AS wanted CROSS JOIN executions AS ended ON ended.id = unhex(wanted.value)
    CROSS JOIN json_each(ended.detail, '$.labels') AS label WHERE ended.ended_at IS NOT NULL)";

pub(crate) const HISTORIES: &str = "DELETE FROM event_segments WHERE execution IN (
    SELECT ended.id FROM json_each(?) AS wanted CROSS JOIN executions AS ended ON ended.id = unhex(wanted.value)
    WHERE ended.ended_at IS NOT NULL)";

pub(crate) const ROWS: &str = "DELETE FROM executions
    WHERE id IN (SELECT unhex(value) FROM json_each(?)) AND ended_at IS NOT NULL RETURNING id";

/// Deletes those of these that have ended, in one transaction; on an error it may still be open.
pub(crate) async fn purge(
    connection: &mut SqliteConnection,
    executions: &[ExecutionId],
) -> Result<Vec<ExecutionId>, sqlx::Error> {
    let hex = executions.iter().map(|id| Value::from(id.uuid().simple().to_string()));
    let ids = Value::from_iter(hex).to_string();
    plain(connection, "BEGIN IMMEDIATE").await?;
    for sql in [LABELS, HISTORIES] {
        sqlx::query(sql).bind(ids.as_str()).execute(&mut *connection).await?;
    }
    let gone = sqlx::query(ROWS).bind(ids.as_str()).fetch_all(&mut *connection).await?;
    let gone = gone.iter().map(id).collect::<Result<Vec<_>, sqlx::Error>>()?;
    plain(connection, "COMMIT").await?;
    Ok(gone)
}

fn id(row: &SqliteRow) -> Result<ExecutionId, sqlx::Error> {
    let id = Uuid::from_slice(row.try_get(0)?).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(ExecutionId::new(id))
}
