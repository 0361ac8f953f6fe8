//! Executions: their summaries, and the questions asked of them.

mod list;
mod purge;
mod read;
mod write;

#[cfg(test)]
pub(crate) use list::{Breadth, statement};
pub(crate) use list::{find, list};
pub(crate) use purge::purge;
#[cfg(test)]
pub(crate) use purge::{HISTORIES, LABELS, ROWS};
pub(crate) use read::{by_id, by_key, due, homes, next_due, page, unfinished};
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
