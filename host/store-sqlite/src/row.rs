//! Values on their way into a statement, and rows on their way out.

use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use orgata_engine::ports::StoreError;
use orgata_model::Digest;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, Decode, Encode, QueryBuilder, Row as _, Sqlite, Type};
use uuid::Uuid;

use crate::failure::broken;

/// Values for the placeholders of a statement, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values {
    arguments: SqliteArguments,
    refused: Option<String>,
}

impl Values {
    pub(crate) fn push<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(&mut self, value: T) {
        if let Err(error) = self.arguments.add(value) {
            self.refused = Some(error.to_string());
        }
    }

    #[must_use]
    pub(crate) fn with<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(mut self, value: T) -> Self {
        self.push(value);
        self
    }

    pub(crate) fn with_id(self, id: Uuid) -> Self {
        self.with(&id.as_bytes()[..])
    }

    /// What `sqlx::query_with` takes.
    pub(crate) fn into_arguments(self) -> Result<SqliteArguments, sqlx::Error> {
        match self.refused {
            None => Ok(self.arguments),
            Some(reason) => Err(sqlx::Error::Encode(reason.into())),
        }
    }
}

/// Writes what `IN` looks in: `(?, ?)`.
pub(crate) fn list_of<'q, 't>(
    sql: &'q mut QueryBuilder<Sqlite>,
    texts: impl Iterator<Item = &'t str>,
) -> &'q mut QueryBuilder<Sqlite> {
    sql.push("(");
    for (at, text) in texts.enumerate() {
        if at > 0 {
            sql.push(", ");
        }
        sql.push_bind(text.to_owned());
    }
    sql.push(")")
}

/// A statement that is ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) sql: &'static str,
    pub(crate) values: Values,
}

/// A row, read column by column; whatever does not fit names the table and the key.
pub(crate) struct Columns<'r> {
    row: &'r SqliteRow,
    table: &'static str,
    key: String,
}

impl<'r> Columns<'r> {
    pub(crate) fn of(row: &'r SqliteRow, table: &'static str, key: impl ToString) -> Self {
        Self { row, table, key: key.to_string() }
    }

    /// A row that is known by the id in its first column.
    pub(crate) fn by_id<K: Display>(
        row: &'r SqliteRow,
        table: &'static str,
        id: impl FnOnce(Uuid) -> K,
    ) -> Result<(Self, Uuid), StoreError> {
        let bytes: Vec<u8> = row.try_get(0).map_err(|error| broken(table, "?", error))?;
        let uuid = Uuid::from_slice(&bytes)
            .map_err(|error| broken(table, orgata_model::text::hex(&bytes), error))?;
        Ok((Self::of(row, table, id(uuid)), uuid))
    }

    pub(crate) fn broken(&self, reason: impl Display) -> StoreError {
        broken(self.table, &self.key, reason)
    }

    pub(crate) fn get<T: Decode<'r, Sqlite> + Type<Sqlite>>(&self, column: &str) -> Result<T, StoreError> {
        self.row.try_get(column).map_err(|error| self.broken(error))
    }

    /// A name, a status, or whatever else parses from text.
    pub(crate) fn word<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, StoreError> {
        self.get::<&str>(column)?.parse().map_err(|error| self.wrong(column, &error))
    }

    pub(crate) fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        time(self.get(column)?).map_err(|error| self.wrong(column, &error))
    }

    pub(crate) fn maybe_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        match self.get::<Option<i64>>(column)? {
            None => Ok(None),
            Some(micros) => time(micros).map(Some).map_err(|error| self.wrong(column, &error)),
        }
    }

    pub(crate) fn id(&self, column: &str) -> Result<Uuid, StoreError> {
        Uuid::from_slice(self.get(column)?).map_err(|error| self.wrong(column, &error))
    }

    pub(crate) fn digest(&self, column: &str) -> Result<Digest, StoreError> {
        let bytes: &[u8] = self.get(column)?;
        <[u8; 32]>::try_from(bytes).map(Digest::from).map_err(|error| self.wrong(column, &error))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        serde_json::from_str(self.get(column)?).map_err(|error| self.wrong(column, &error))
    }

    fn wrong(&self, column: &str, error: &dyn Display) -> StoreError {
        self.broken(format_args!("column {column}: {error}"))
    }
}

fn time(micros: i64) -> Result<Timestamp, jiff::Error> {
    Timestamp::from_microsecond(micros)
}

/// A count or seq for a column. SQLite knows no larger number, and no history comes near it.
pub(crate) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
