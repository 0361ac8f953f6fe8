//! How far the schedules of playbooks have been dealt with.

use jiff::Timestamp;
use orgata_engine::ports::{ScheduleMark, StoreError};
use sqlx::SqlitePool;

use crate::failure::{broken, unavailable};
use crate::row::{Columns, Statement, Values};

const TABLE: &str = "schedules";

/// Keeps how far one has been dealt with.
pub(crate) fn put(mark: &ScheduleMark) -> Result<Statement, StoreError> {
    let queued: Vec<i64> = mark.queued.iter().map(|at| at.as_microsecond()).collect();
    let queued = serde_json::to_string(&queued).map_err(|error| broken(TABLE, &mark.playbook, error))?;
    Ok(Statement {
        sql: "INSERT INTO schedules (runtime, playbook, seen, queued) VALUES (?, ?, ?, ?)
              ON CONFLICT DO UPDATE SET seen = excluded.seen, queued = excluded.queued",
        values: Values::default()
            .with(mark.runtime.as_str())
            .with(mark.playbook.as_str())
            .with(mark.seen.as_microsecond())
            .with(queued),
    })
}

/// All of them, by runtime and playbook.
pub(crate) async fn all(readers: &SqlitePool) -> Result<Vec<ScheduleMark>, StoreError> {
    let rows =
        sqlx::query("SELECT runtime, playbook, seen, queued FROM schedules ORDER BY runtime, playbook")
            .fetch_all(readers)
            .await
            .map_err(|error| unavailable(&error))?;
    rows.iter()
        .map(|row| {
            let unnamed = Columns::of(row, TABLE, "?");
            let key = format!("{}/{}", unnamed.get::<&str>("runtime")?, unnamed.get::<&str>("playbook")?);
            let columns = Columns::of(row, TABLE, key);
            let queued: Vec<i64> = columns.json("queued")?;
            let queued = queued.into_iter().map(Timestamp::from_microsecond);
            Ok(ScheduleMark {
                runtime: columns.word("runtime")?,
                playbook: columns.word("playbook")?,
                seen: columns.time("seen")?,
                queued: queued.collect::<Result<_, _>>().map_err(|error| columns.broken(error))?,
            })
        })
        .collect()
}
