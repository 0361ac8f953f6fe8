//! Keys with which callers prove who they are.

use jiff::Timestamp;
use orgata_engine::ports::{KeyRecord, StoreError};
use orgata_model::KeyId;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;

use crate::failure::{broken, unavailable};
use crate::row::{Columns, Statement, Values};

const TABLE: &str = "api_keys";

/// Keeps a key, new or changed.
pub(crate) fn put(key: &KeyRecord) -> Result<Statement, StoreError> {
    let identity = serde_json::to_string(&*key.identity).map_err(|error| broken(TABLE, key.id, error))?;
    let micros = |time: Option<Timestamp>| time.map(Timestamp::as_microsecond);
    Ok(Statement {
        sql: "INSERT OR REPLACE INTO api_keys
              (id, hash, identity, created_at, created_by, expires_at, revoked_at, last_used_at)
              VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        values: Values::default()
            .with_id(key.id.uuid())
            .with(&key.hash[..])
            .with(identity)
            .with(key.created_at.as_microsecond())
            .with(key.created_by.as_str())
            .with(micros(key.expires_at))
            .with(micros(key.revoked_at))
            .with(micros(key.last_used_at)),
    })
}

/// Writes down when one was last used.
pub(crate) fn touch(id: KeyId, used_at: Timestamp) -> Statement {
    Statement {
        sql: "UPDATE api_keys SET last_used_at = ? WHERE id = ?",
        values: Values::default().with(used_at.as_microsecond()).with_id(id.uuid()),
    }
}

/// Every key.
pub(crate) async fn all(readers: &SqlitePool) -> Result<Vec<KeyRecord>, StoreError> {
    let rows = sqlx::query("SELECT * FROM api_keys ORDER BY id")
        .fetch_all(readers)
        .await
        .map_err(|error| unavailable(&error))?;
    rows.iter().map(record).collect()
}

fn record(row: &SqliteRow) -> Result<KeyRecord, StoreError> {
    let (columns, id) = Columns::by_id(row, TABLE, KeyId::new)?;
    let hash: &[u8] = columns.get("hash")?;
    Ok(KeyRecord {
        id: KeyId::new(id),
        hash: hash.try_into().map_err(|error| columns.broken(format_args!("column hash: {error}")))?,
        identity: columns.json("identity")?,
        created_at: columns.time("created_at")?,
        created_by: columns.get("created_by")?,
        expires_at: columns.maybe_time("expires_at")?,
        revoked_at: columns.maybe_time("revoked_at")?,
        last_used_at: columns.maybe_time("last_used_at")?,
    })
}
