//! The statements of a batch: many appends, few round trips.
//!
//! sqlx runs each statement on a thread of the connection, and the way there and back costs as much as some
//! twenty rows. So rows go in by the dozen, and a chunk's statements travel as one text, BEGIN and COMMIT
//! included where they fit. Chunks are powers of two: any batch is a few of them, and their texts stay prepared.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use crate::append::{Encoded, Kind};
use crate::audit;
use crate::row::{Statement, Values};
use crate::{events, executions};

/// The largest chunk, in rows. Larger ones gain nothing that can be measured.
const LARGEST: usize = 64;

/// Where a chunk stands in its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    first: bool,
    last: bool,
    /// Lines of the audit go before it.
    audit: bool,
}

/// The texts of chunks that were needed so far.
#[derive(Debug, Default)]
pub(crate) struct Texts(HashMap<(Kind, usize, Place), Arc<str>>);

impl Texts {
    fn of(&mut self, kind: Kind, rows: usize, place: Place) -> SqlStr {
        let text = self.0.entry((kind, rows, place)).or_insert_with(|| {
            let begin = if place.first { "BEGIN IMMEDIATE;" } else { "" };
            let commit = if place.last { "COMMIT;" } else { "" };
            let audit = if place.audit { audit::INSERT } else { "" };
            let (segments, rows) = (events::insert(kind, rows), executions::insert(kind, rows));
            format!("{begin}{audit}{segments}{rows}{commit}").into()
        });
        AssertSqlSafe(Arc::clone(text)).into_sql_str()
    }
}

/// Writes all of these in one transaction, lines of the audit first. On an error it may still be open.
pub(crate) async fn commit(
    connection: &mut SqliteConnection,
    texts: &mut Texts,
    batch: &[&Encoded],
    beside: &[Statement],
    mut audit: Option<String>,
) -> Result<(), sqlx::Error> {
    let rest: Vec<&Statement> =
        beside.iter().chain(batch.iter().flat_map(|append| append.rest.iter())).collect();
    let chunks = chunks(batch);
    let count = chunks.len();
    for (at, (kind, rows)) in chunks.into_iter().enumerate() {
        let last = at + 1 == count && rest.is_empty();
        let place = Place { first: at == 0, last, audit: audit.is_some() };
        write(connection, texts, kind, &rows, place, audit.take()).await?;
    }
    if !rest.is_empty() {
        for statement in rest {
            run(connection, statement.clone()).await?;
        }
        plain(connection, "COMMIT").await?;
    }
    Ok(())
}

/// Writes one append inside a transaction that is open.
pub(crate) async fn write_one(
    connection: &mut SqliteConnection,
    texts: &mut Texts,
    append: &Encoded,
) -> Result<(), sqlx::Error> {
    let place = Place { first: false, last: false, audit: false };
    write(connection, texts, append.kind, &[append], place, None).await?;
    for statement in &append.rest {
        run(connection, statement.clone()).await?;
    }
    Ok(())
}

async fn write(
    connection: &mut SqliteConnection,
    texts: &mut Texts,
    kind: Kind,
    rows: &[&Encoded],
    place: Place,
    audit: Option<String>,
) -> Result<(), sqlx::Error> {
    let mut values = Values::default();
    if let Some(lines) = audit {
        values.push(lines);
    }
    for append in rows {
        append.segment.bind(kind, &mut values);
    }
    for append in rows {
        append.row.bind(&mut values);
    }
    sqlx::query_with(texts.of(kind, rows.len(), place), values.into_arguments()?)
        .execute(connection)
        .await
        .map(|_| ())
}

/// Runs a statement with its values.
pub(crate) async fn run(connection: &mut SqliteConnection, statement: Statement) -> Result<u64, sqlx::Error> {
    sqlx::query_with(statement.sql, statement.values.into_arguments()?)
        .execute(connection)
        .await
        .map(|done| done.rows_affected())
}

/// Runs a statement without values.
pub(crate) async fn plain(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(sql).execute(connection).await.map(|_| ())
}

/// New executions first, then those that go on; each in powers of two, the largest first.
fn chunks<'a>(batch: &[&'a Encoded]) -> Vec<(Kind, Vec<&'a Encoded>)> {
    let mut chunks = Vec::new();
    for kind in [Kind::New, Kind::More] {
        let of_kind: Vec<&Encoded> = batch.iter().copied().filter(|append| append.kind == kind).collect();
        let mut left = of_kind.as_slice();
        while !left.is_empty() {
            let size = LARGEST.min(1 << left.len().ilog2());
            let (chunk, rest) = left.split_at(size);
            chunks.push((kind, chunk.to_vec()));
            left = rest;
        }
    }
    chunks
}
