//! Runtimes, as operators described them.

use orgata_engine::ports::StoreError;
use orgata_model::RuntimeId;
use orgata_model::runtime::Runtime;
use sqlx::SqlitePool;

use crate::failure::{broken, unavailable};
use crate::row::{Columns, Statement, Values};

const TABLE: &str = "runtimes";

/// Keeps a runtime, new or changed.
pub(crate) fn put(runtime: &Runtime) -> Result<Statement, StoreError> {
    let body = serde_json::to_string(runtime).map_err(|error| broken(TABLE, &runtime.id, error))?;
    Ok(Statement {
        sql: "INSERT INTO runtimes (id, body) VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
        values: Values::default().with(runtime.id.as_str()).with(body),
    })
}

/// Forgets a runtime.
pub(crate) fn remove(id: &RuntimeId) -> Statement {
    Statement { sql: "DELETE FROM runtimes WHERE id = ?", values: Values::default().with(id.as_str()) }
}

/// Every runtime, by name.
pub(crate) async fn all(readers: &SqlitePool) -> Result<Vec<Runtime>, StoreError> {
    let rows = sqlx::query("SELECT id, body FROM runtimes ORDER BY id")
        .fetch_all(readers)
        .await
        .map_err(|error| unavailable(&error))?;
    rows.iter()
        .map(|row| {
            let id: &str = Columns::of(row, TABLE, "?").get("id")?;
            Columns::of(row, TABLE, id).json("body")
        })
        .collect()
}
