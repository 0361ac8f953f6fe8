//! Executions: their summaries, and the questions asked of them.

mod list;
mod read;
mod write;

pub(crate) use list::list;
#[cfg(test)]
pub(crate) use list::statement;
pub(crate) use read::{by_id, by_key, due, next_due, page, unfinished};
pub(crate) use write::{Row, insert, labels};

pub(crate) const TABLE: &str = "executions";

/// The columns, in the order in which [`Row`] binds them.
const COLUMNS: [&str; 14] = [
    "id",
    "runtime",
    "playbook",
    "playbook_version",
    "playbook_digest",
    "status",
    "version",
    "started_at",
    "updated_at",
    "ended_at",
    "wakes_at",
    "idempotency_key",
    "plugin_set",
    "detail",
];
