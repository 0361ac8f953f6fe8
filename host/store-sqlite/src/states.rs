//! What plugins keep for themselves.

use orgata_engine::ports::{StateOwner, StateSize, StoreError};
use sqlx::SqlitePool;

use crate::failure::unavailable;
use crate::row::{Statement, Values, integer};

/// Makes a key hold this, or removes it.
pub(crate) fn put(of: &StateOwner, key: &str, value: Option<&str>) -> Statement {
    let values = Values::default().with(of.runtime.as_str()).with(of.plugin.as_str()).with(key);
    match value {
        Some(value) => Statement {
            sql: "INSERT INTO plugin_state (runtime, plugin, key, value) VALUES (?, ?, ?, ?)
                  ON CONFLICT DO UPDATE SET value = excluded.value",
            values: values.with(value),
        },
        None => {
            Statement { sql: "DELETE FROM plugin_state WHERE runtime = ? AND plugin = ? AND key = ?", values }
        }
    }
}

/// What a key holds.
pub(crate) async fn get(
    readers: &SqlitePool,
    of: &StateOwner,
    key: &str,
) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar("SELECT value FROM plugin_state WHERE runtime = ? AND plugin = ? AND key = ?")
        .bind(of.runtime.as_str())
        .bind(of.plugin.as_str())
        .bind(key)
        .fetch_optional(readers)
        .await
        .map_err(|error| unavailable(&error))
}

/// Keys that begin with this, in the order of their bytes. They stand together, from the prefix itself on.
pub(crate) async fn keys(
    readers: &SqlitePool,
    of: &StateOwner,
    prefix: &str,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar(
        "SELECT key FROM plugin_state WHERE runtime = ?1 AND plugin = ?2 AND key >= ?3
         AND substr(key, 1, length(?3)) = ?3 ORDER BY key LIMIT ?4",
    )
    .bind(of.runtime.as_str())
    .bind(of.plugin.as_str())
    .bind(prefix)
    .bind(integer(limit as u64))
    .fetch_all(readers)
    .await
    .map_err(|error| unavailable(&error))
}

/// How much somebody keeps.
pub(crate) async fn size(readers: &SqlitePool, of: &StateOwner) -> Result<StateSize, StoreError> {
    let (keys, bytes): (i64, i64) = sqlx::query_as(
        "SELECT count(*), coalesce(sum(octet_length(key) + octet_length(value)), 0) FROM plugin_state
         WHERE runtime = ? AND plugin = ?",
    )
    .bind(of.runtime.as_str())
    .bind(of.plugin.as_str())
    .fetch_one(readers)
    .await
    .map_err(|error| unavailable(&error))?;
    Ok(StateSize { keys: keys.unsigned_abs(), bytes: bytes.unsigned_abs() })
}
