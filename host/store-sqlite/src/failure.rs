//! What SQLite says, in the words of the port.

use orgata_engine::ports::StoreError;
use sqlx::error::ErrorKind;

/// A row of this table that cannot be understood.
pub(crate) fn broken(table: &'static str, key: impl ToString, reason: impl ToString) -> StoreError {
    StoreError::Broken {
        table,
        key: key.to_string(),
        reason: reason.to_string(),
    }
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

/// Whether a statement was refused for what it would have written, and not for the state of the disk.
pub(crate) fn is_refusal(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::UniqueViolation | ErrorKind::NotNullViolation
        )
    })
}
