//! Sealed secrets.

use orgata_engine::ports::{SealedSecret, StoreError};
use orgata_model::SecretName;
use sqlx::SqlitePool;

use crate::failure::unavailable;
use crate::row::{Columns, Statement, Values};

const TABLE: &str = "secrets";

/// Keeps one, instead of what had its name before.
pub(crate) fn put(secret: &SealedSecret) -> Statement {
    Statement {
        sql: "INSERT INTO secrets (name, key, nonce, sealed, set_at, set_by) VALUES (?, ?, ?, ?, ?, ?)
              ON CONFLICT DO UPDATE SET key = excluded.key, nonce = excluded.nonce, sealed = excluded.sealed,
              set_at = excluded.set_at, set_by = excluded.set_by",
        values: Values::default()
            .with(secret.name.as_str())
            .with(secret.key.as_str())
            .with(secret.nonce.as_slice())
            .with(secret.sealed.as_slice())
            .with(secret.set_at.as_microsecond())
            .with(secret.set_by.as_str()),
    }
}

/// Forgets one.
pub(crate) fn remove(name: &SecretName) -> Statement {
    Statement { sql: "DELETE FROM secrets WHERE name = ?", values: Values::default().with(name.as_str()) }
}

/// All of them, by name.
pub(crate) async fn all(readers: &SqlitePool) -> Result<Vec<SealedSecret>, StoreError> {
    let rows = sqlx::query("SELECT name, key, nonce, sealed, set_at, set_by FROM secrets ORDER BY name")
        .fetch_all(readers)
        .await
        .map_err(|error| unavailable(&error))?;
    rows.iter()
        .map(|row| {
            let name: String = Columns::of(row, TABLE, "?").get("name")?;
            let columns = Columns::of(row, TABLE, name);
            Ok(SealedSecret {
                name: columns.word("name")?,
                key: columns.get("key")?,
                nonce: columns.get("nonce")?,
                sealed: columns.get("sealed")?,
                set_at: columns.time("set_at")?,
                set_by: columns.get("set_by")?,
            })
        })
        .collect()
}
