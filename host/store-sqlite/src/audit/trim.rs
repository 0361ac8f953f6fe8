//! Removing lines that were kept for long enough, from the oldest on. What is left still verifies: the last one removed is kept
//! as the anchor that the oldest one builds on.

use jiff::Timestamp;
use orgata_engine::access::AuditHead;
use orgata_engine::ports::StoreError;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;

use crate::failure::unavailable;
use crate::row::{Columns, Statement, Values, integer};

/// Lines that are removed in one transaction: what begins meanwhile waits for no more.
const AT_A_TIME: i64 = 10_000;

/// The last line that is there and may go, so that all up to it were written before this, within one step. The newest stays.
pub(crate) async fn last_to_go(
    readers: &SqlitePool,
    before: Timestamp,
) -> Result<Option<AuditHead>, StoreError> {
    let row = sqlx::query(
        "SELECT seq, hash FROM audit
         WHERE seq < coalesce((SELECT min(seq) FROM audit WHERE at >= ?1), (SELECT max(seq) FROM audit))
         AND seq < (SELECT min(seq) FROM audit) + ?2
         ORDER BY seq DESC LIMIT 1",
    )
    .bind(before.as_microsecond())
    .bind(AT_A_TIME)
    .fetch_optional(readers)
    .await
    .map_err(|error| unavailable(&error))?;
    row.as_ref().map(|row| head(row, super::TABLE)).transpose()
}

/// The last line that was removed.
pub(crate) async fn anchor(readers: &SqlitePool) -> Result<Option<AuditHead>, StoreError> {
    let row = sqlx::query("SELECT seq, hash FROM audit_anchor")
        .fetch_optional(readers)
        .await
        .map_err(|error| unavailable(&error))?;
    row.as_ref().map(|row| head(row, "audit_anchor")).transpose()
}

/// Removes all lines up to this one.
pub(crate) fn statements(last: AuditHead) -> Vec<Statement> {
    let seq = || Values::default().with(integer(last.seq));
    vec![
        Statement {
            sql: "INSERT INTO audit_anchor (id, seq, hash) VALUES (1, ?, ?)
                  ON CONFLICT DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
            values: seq().with(last.hash.bytes().as_slice()),
        },
        Statement { sql: "DELETE FROM audit WHERE seq <= ?", values: seq() },
    ]
}

fn head(row: &SqliteRow, table: &'static str) -> Result<AuditHead, StoreError> {
    let seq: i64 = Columns::of(row, table, "?").get("seq")?;
    let hash = Columns::of(row, table, seq).digest("hash")?;
    Ok(AuditHead { seq: seq.unsigned_abs(), hash })
}
