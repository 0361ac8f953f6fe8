//! Summaries on their way in.

use std::collections::BTreeMap;
use std::sync::Arc;

use orgata_engine::ports::{Append, StoreError};
use orgata_model::execution::Summary;
use orgata_model::{Digest, Failure, StepName};
use serde::Serialize;
use serde_json::Value;

use super::{COLUMNS, TABLE};
use crate::append::Kind;
use crate::failure::broken;
use crate::row::{Statement, Values, integer};

/// One row of the table, encoded.
#[derive(Debug)]
pub(crate) struct Row {
    id: uuid::Uuid,
    runtime: Arc<str>,
    playbook: Arc<str>,
    playbook_version: Arc<str>,
    playbook_digest: Digest,
    status: &'static str,
    version: i64,
    started_at: i64,
    updated_at: i64,
    ended_at: Option<i64>,
    wakes_at: Option<i64>,
    idempotency_key: Option<Arc<str>>,
    plugin_set: Digest,
    detail: Arc<str>,
}

/// What no query asks for. Read back by `read::Detail`.
#[derive(Serialize)]
struct Detail<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'a StepName>,
    done: u32,
    total: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a Failure>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
}

impl Row {
    pub(crate) fn of(append: &Append, plugin_set: Digest) -> Result<Self, StoreError> {
        let summary = &append.summary;
        let detail = serde_json::to_string(&Detail {
            step: summary.current_step.as_ref(),
            done: summary.steps_done,
            total: summary.steps_total,
            output: summary.output.as_deref(),
            failure: summary.failure.as_ref(),
            labels: &summary.labels,
        })
        .map_err(|error| broken(TABLE, summary.id, error))?;
        Ok(Self {
            id: summary.id.uuid(),
            runtime: summary.runtime.as_str().into(),
            playbook: summary.playbook.name.as_str().into(),
            playbook_version: summary.playbook.version.as_str().into(),
            playbook_digest: summary.playbook.digest,
            status: summary.status.as_str(),
            version: integer(summary.version),
            started_at: summary.started_at.as_microsecond(),
            updated_at: summary.updated_at.as_microsecond(),
            ended_at: summary.ended_at.map(|at| at.as_microsecond()),
            wakes_at: summary.wakes_at.map(|at| at.as_microsecond()),
            // It is written once, with the first append.
            idempotency_key: append.idempotency_key.as_deref().filter(|_| append.seen == 0).map(Into::into),
            plugin_set,
            detail: detail.into(),
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.detail.len()
    }

    /// Adds the values of one row of [`insert`].
    pub(crate) fn bind(&self, values: &mut Values) {
        values.push(&self.id.as_bytes()[..]);
        values.push(Arc::clone(&self.runtime));
        values.push(Arc::clone(&self.playbook));
        values.push(Arc::clone(&self.playbook_version));
        values.push(&self.playbook_digest.bytes()[..]);
        values.push(self.status);
        values.push(self.version);
        values.push(self.started_at);
        values.push(self.updated_at);
        values.push(self.ended_at);
        values.push(self.wakes_at);
        values.push(self.idempotency_key.clone());
        values.push(&self.plugin_set.bytes()[..]);
        values.push(Arc::clone(&self.detail));
    }
}

/// The statement that writes this many summaries.
///
/// A new execution must not be there. One that goes on is: its segment was refused otherwise (`events::insert`).
/// What an execution is made with is not named in the update, so the indexes over it are left alone.
pub(crate) fn insert(kind: Kind, rows: usize) -> String {
    let columns = COLUMNS.join(", ");
    let row = format!("({})", ["?"; COLUMNS.len()].join(","));
    let rows = vec![row.as_str(); rows].join(",");
    let replace = match kind {
        Kind::New => "",
        Kind::More => {
            " ON CONFLICT (id) DO UPDATE SET status = excluded.status, version = excluded.version,
              updated_at = excluded.updated_at, ended_at = excluded.ended_at, wakes_at = excluded.wakes_at,
              plugin_set = excluded.plugin_set, detail = excluded.detail"
        }
    };
    format!("INSERT INTO executions ({columns}) VALUES {rows}{replace};")
}

/// What makes a new execution findable by its labels.
pub(crate) fn labels(summary: &Summary) -> impl Iterator<Item = Statement> {
    summary.labels.iter().map(|(name, value)| Statement {
        sql: "INSERT INTO execution_labels (name, value, started_at, execution) VALUES (?, ?, ?, ?)",
        values: Values::default()
            .with(name.as_str())
            .with(value.as_str())
            .with(summary.started_at.as_microsecond())
            .with_id(summary.id.uuid()),
    })
}
