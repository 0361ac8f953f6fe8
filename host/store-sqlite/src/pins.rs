//! Plugin sets: what executions keep, stored once for all that keep the same.
//!
//! A set is known by a digest of what is in it, so the writer need not read to know its key.

use std::collections::{BTreeMap, BTreeSet};

use orgata_engine::ports::StoreError;
use orgata_model::{Digest, PluginName};
use serde_json::Value;
use sqlx::SqlitePool;

use crate::failure::unavailable;
use crate::row::{Columns, Statement, Values};

pub(crate) const TABLE: &str = "plugin_sets";

/// The plugins of one append.
#[derive(Debug)]
pub(crate) struct PluginSet {
    pub(crate) digest: Digest,
    plugins: BTreeMap<PluginName, Digest>,
}

impl PluginSet {
    pub(crate) fn of(plugins: BTreeMap<PluginName, Digest>) -> Self {
        // Of the bare bytes: their JSON is needed once for a set, this once for an append. No name has a 0 in it.
        let mut bytes = Vec::with_capacity(plugins.len() * 64);
        for (name, digest) in &plugins {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(digest.bytes());
        }
        Self { digest: Digest::of(&bytes), plugins }
    }

    /// Keeps the set. Costs nothing when it is there.
    pub(crate) fn keep(&self) -> Statement {
        let named = self.plugins.iter().map(|(name, digest)| (name.to_string(), digest.to_string().into()));
        let json = Value::Object(named.collect()).to_string();
        Statement {
            sql: "INSERT INTO plugin_sets (digest, plugins) VALUES (?, ?) ON CONFLICT DO NOTHING",
            values: Values::default().with(&self.digest.bytes()[..]).with(json),
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
             WHERE status IN ('pending', 'running', 'waiting', 'paused', 'compensating')
             UNION ALL
             SELECT (SELECT min(plugin_set) FROM executions INDEXED BY executions_pinning
                     WHERE status IN ('pending', 'running', 'waiting', 'paused', 'compensating') AND plugin_set > used.digest)
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
