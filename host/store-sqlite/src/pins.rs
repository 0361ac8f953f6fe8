//! Plugin sets: what executions keep, stored once for all that keep the same.
//!
//! A set is known by the digest of its JSON, so the writer need not read to know its key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orgata_engine::ports::{Append, StoreError};
use orgata_model::{Digest, PluginName};
use sqlx::SqlitePool;

use crate::failure::{broken, unavailable};
use crate::row::{Columns, Statement, Values};

pub(crate) const TABLE: &str = "plugin_sets";

/// The plugins of one append.
#[derive(Debug, Clone)]
pub(crate) struct PluginSet {
    pub(crate) digest: Digest,
    json: Arc<str>,
}

impl PluginSet {
    pub(crate) fn of(append: &Append) -> Result<Self, StoreError> {
        let json = serde_json::to_string(&append.summary.plugins)
            .map_err(|error| broken(TABLE, append.summary.id, error))?;
        Ok(Self {
            digest: Digest::of(json.as_bytes()),
            json: json.into(),
        })
    }

    /// Keeps the set. Costs nothing when it is there.
    pub(crate) fn keep(&self) -> Statement {
        Statement {
            sql: "INSERT INTO plugin_sets (digest, plugins) VALUES (?, ?) ON CONFLICT DO NOTHING",
            values: Values::default()
                .with(&self.digest.bytes()[..])
                .with(Arc::clone(&self.json)),
        }
    }
}

/// Versions of plugins that executions which have not ended keep.
pub(crate) async fn pinned(readers: &SqlitePool) -> Result<BTreeSet<Digest>, StoreError> {
    // Goes from one set to the next greater one in the index: as many steps as there are sets in use, however
    // many executions share them. A plain DISTINCT would visit every waiting execution.
    let rows = sqlx::query(
        "WITH RECURSIVE used (digest) AS (
             SELECT min(plugin_set) FROM executions INDEXED BY executions_pinning
             WHERE status IN ('pending', 'running', 'waiting', 'paused')
             UNION ALL
             SELECT (SELECT min(plugin_set) FROM executions INDEXED BY executions_pinning
                     WHERE status IN ('pending', 'running', 'waiting', 'paused') AND plugin_set > used.digest)
             FROM used WHERE used.digest IS NOT NULL
         )
         SELECT used.digest AS digest, plugins FROM used LEFT JOIN plugin_sets ON plugin_sets.digest = used.digest
         WHERE used.digest IS NOT NULL",
    )
    .fetch_all(readers)
    .await
    .map_err(|error| unavailable(&error))?;
    let mut pinned = BTreeSet::new();
    for row in &rows {
        let unnamed = Columns::of(row, TABLE, "?");
        let set = Columns::of(row, TABLE, unnamed.digest("digest")?);
        let plugins: BTreeMap<PluginName, Digest> = set.json("plugins")?;
        pinned.extend(plugins.into_values());
    }
    Ok(pinned)
}
