//! What SQLite says, in the words of the port.

use orgata_engine::ports::StoreError;
use sqlx::error::ErrorKind;

/// A row of this table that cannot be understood.
pub(crate) fn broken(table: &'static str, key: impl ToString, reason: impl ToString) -> StoreError {
    StoreError::Broken { table, key: key.to_string(), reason: reason.to_string() }
}

/// The store cannot work now; the whole cause is in the text.
pub(crate) fn unavailable(error: &sqlx::Error) -> StoreError {
    use std::error::Error as _;
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // sqlx repeats a cause inside the message of what it caused.
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    StoreError::Unavailable(text)
}

/// Why a statement did not go through, and so whom it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Somebody else was first: the rows of one append do not fit what is there.
    Conflict,
    /// The rows of one append can never be stored.
    Unfit,
    /// The disk, or SQLite itself: it concerns everyone.
    Store,
}

/// Whose fault an error is. One append's must not fail the others of its batch.
pub(crate) fn cause(error: &sqlx::Error) -> Cause {
    let Some(error) = error.as_database_error() else {
        return if matches!(error, sqlx::Error::Encode(_)) { Cause::Unfit } else { Cause::Store };
    };
    // The low byte of an extended result code is the plain one: https://sqlite.org/rescode.html
    let code = error.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
    match (error.kind(), code) {
        (ErrorKind::UniqueViolation | ErrorKind::NotNullViolation, _) => Cause::Conflict,
        (_, Some(TOO_BIG | CONSTRAINT | MISMATCH)) => Cause::Unfit,
        _ => Cause::Store,
    }
}

const TOO_BIG: u32 = 18;
const CONSTRAINT: u32 = 19;
const MISMATCH: u32 = 20;
