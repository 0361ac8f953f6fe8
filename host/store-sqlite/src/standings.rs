//! How plugins stand in runtimes.

use orgata_engine::grants::Standing;
use orgata_engine::ports::StoreError;
use orgata_model::RuntimeId;
use sqlx::SqlitePool;

use crate::failure::{broken, unavailable};
use crate::row::{Columns, Statement, Values};

const TABLE: &str = "standings";

/// Keeps one, instead of what was kept of its plugin in its runtime.
pub(crate) fn put(standing: &Standing) -> Result<Statement, StoreError> {
    let key = format!("{}/{}", standing.runtime, standing.plugin);
    let body = serde_json::to_string(standing).map_err(|error| broken(TABLE, key, error))?;
    Ok(Statement {
        sql: "INSERT INTO standings (runtime, plugin, body) VALUES (?, ?, ?)
              ON CONFLICT DO UPDATE SET body = excluded.body",
        values: Values::default().with(standing.runtime.as_str()).with(standing.plugin.as_str()).with(body),
    })
}

/// Forgets those of a runtime.
pub(crate) fn forget(runtime: &RuntimeId) -> Statement {
    let values = Values::default().with(runtime.as_str());
    Statement { sql: "DELETE FROM standings WHERE runtime = ?", values }
}

/// All of them.
pub(crate) async fn all(readers: &SqlitePool) -> Result<Vec<Standing>, StoreError> {
    let rows = sqlx::query("SELECT runtime, plugin, body FROM standings ORDER BY runtime, plugin")
        .fetch_all(readers)
        .await
        .map_err(|error| unavailable(&error))?;
    rows.iter()
        .map(|row| {
            let columns = Columns::of(row, TABLE, "?");
            let (runtime, plugin): (&str, &str) = (columns.get("runtime")?, columns.get("plugin")?);
            Columns::of(row, TABLE, format!("{runtime}/{plugin}")).json("body")
        })
        .collect()
}
