//! Pages of the audit.

use orgata_engine::access::AuditLine;
use orgata_engine::ports::{AuditQuery, Page, StoreError};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqlitePool};

use super::TABLE;
use crate::failure::unavailable;
use crate::row::{Columns, integer};

/// What a cursor begins with: one list's cursor means nothing to another.
const LETTER: char = 'a';

/// A page of it.
pub(crate) async fn page(readers: &SqlitePool, query: &AuditQuery) -> Result<Page<AuditLine>, StoreError> {
    let limit = query.limit.clamp(1, 1000);
    let rows =
        statement(query, limit)?.build().fetch_all(readers).await.map_err(|error| unavailable(&error))?;
    let items = rows.iter().take(limit).map(line).collect::<Result<Vec<_>, _>>()?;
    let next = items.last().filter(|_| rows.len() > limit).map(|last| format!("{LETTER}{}", last.seq));
    Ok(Page { items, next })
}

/// Asks for one more than the page holds, to know whether there is another.
fn statement(query: &AuditQuery, limit: usize) -> Result<QueryBuilder<Sqlite>, StoreError> {
    let mut sql = QueryBuilder::new("SELECT * FROM audit WHERE ");
    let place = query.cursor.as_deref().map(place).transpose()?;
    match (place, query.oldest_first) {
        (Some(place), true) => sql.push("seq > ").push_bind(place),
        (Some(place), false) => sql.push("seq < ").push_bind(place),
        (None, _) => sql.push("seq > 0"),
    };
    for (column, wanted) in
        [("principal", &query.principal), ("verdict", &query.verdict), ("subject", &query.subject)]
    {
        if let Some(wanted) = wanted {
            sql.push(format_args!(" AND {column} = ")).push_bind(wanted.clone());
        }
    }
    if query.verdict.as_deref().is_some_and(|verdict| verdict != "admitted") {
        // As the index says it, or it would not be used.
        sql.push(" AND verdict <> 'admitted'");
    }
    if let Some(action) = &query.action {
        let family = format!("{action}.");
        sql.push(" AND (action = ").push_bind(action.clone());
        sql.push(" OR substr(action, 1, length(").push_bind(family.clone()).push(")) = ");
        sql.push_bind(family).push(")");
    }
    if let Some(since) = query.since {
        sql.push(" AND at >= ").push_bind(since.as_microsecond());
    }
    if let Some(until) = query.until {
        sql.push(" AND at < ").push_bind(until.as_microsecond());
    }
    sql.push(format_args!(" ORDER BY seq {} LIMIT ", if query.oldest_first { "ASC" } else { "DESC" }));
    sql.push_bind(integer(limit as u64 + 1));
    Ok(sql)
}

fn place(cursor: &str) -> Result<i64, StoreError> {
    let digits = cursor.strip_prefix(LETTER).filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or(StoreError::Cursor)
}

fn line(row: &SqliteRow) -> Result<AuditLine, StoreError> {
    let seq: i64 = Columns::of(row, TABLE, "?").get("seq")?;
    let columns = Columns::of(row, TABLE, seq);
    Ok(AuditLine {
        seq: u64::try_from(seq).map_err(|error| columns.broken(error))?,
        at: columns.time("at")?,
        principal: columns.get("principal")?,
        kind: columns.get("kind")?,
        address: columns.get("address")?,
        request: columns.get("request")?,
        action: columns.get("action")?,
        subject: columns.get("subject")?,
        verdict: columns.get("verdict")?,
        detail: columns.get("detail")?,
        previous: columns.digest("previous")?,
        hash: columns.digest("hash")?,
    })
}
