//! Playbooks: sources by digest, versions by name, and which one is current.

use orgata_engine::ports::{PublishedPlaybook, StoreError};
use orgata_model::{Digest, PlaybookName, RuntimeId};
use sqlx::{Row as _, SqlitePool};

use crate::failure::{broken, unavailable};
use crate::row::{Columns, Statement, Values};

/// Keeps this version and makes it the current one of its name.
pub(crate) fn publish(playbook: &PublishedPlaybook) -> Vec<Statement> {
    let digest = &playbook.digest.bytes()[..];
    let (runtime, name) = (playbook.runtime.as_str(), playbook.name.as_str());
    vec![
        keep_source(playbook.digest, &playbook.source),
        Statement {
            sql: "INSERT INTO playbook_versions (runtime, name, digest, version, published_at) VALUES (?, ?, ?, ?, ?)
                  ON CONFLICT DO UPDATE SET version = excluded.version, published_at = excluded.published_at",
            values: Values::default()
                .with(runtime)
                .with(name)
                .with(digest)
                .with(playbook.version.as_str())
                .with(playbook.published_at.as_microsecond()),
        },
        Statement {
            sql: "INSERT INTO current_playbooks (runtime, name, digest) VALUES (?, ?, ?)
                  ON CONFLICT DO UPDATE SET digest = excluded.digest",
            values: Values::default().with(runtime).with(name).with(digest),
        },
    ]
}

/// Keeps a source under its digest, and nothing more.
pub(crate) fn keep_source(digest: Digest, source: &str) -> Statement {
    Statement {
        sql: "INSERT INTO playbook_sources (digest, source) VALUES (?, ?) ON CONFLICT DO NOTHING",
        values: Values::default().with(&digest.bytes()[..]).with(source),
    }
}

/// Nothing new starts on this name.
pub(crate) fn retire(runtime: &RuntimeId, name: &PlaybookName) -> Statement {
    Statement {
        sql: "DELETE FROM current_playbooks WHERE runtime = ? AND name = ?",
        values: Values::default().with(runtime.as_str()).with(name.as_str()),
    }
}

/// Nothing new starts in this runtime.
pub(crate) fn retire_all(runtime: &RuntimeId) -> Statement {
    Statement {
        sql: "DELETE FROM current_playbooks WHERE runtime = ?",
        values: Values::default().with(runtime.as_str()),
    }
}

/// The current version of every playbook in every runtime.
pub(crate) async fn current(readers: &SqlitePool) -> Result<Vec<PublishedPlaybook>, StoreError> {
    let rows = sqlx::query(
        "SELECT runtime, name, digest, version, source, published_at FROM current_playbooks
         LEFT JOIN playbook_versions USING (runtime, name, digest)
         LEFT JOIN playbook_sources USING (digest)
         ORDER BY runtime, name",
    )
    .fetch_all(readers)
    .await
    .map_err(|error| unavailable(&error))?;
    rows.iter()
        .map(|row| {
            let table = "current_playbooks";
            let unnamed = Columns::of(row, table, "?");
            let key = format!("{}/{}", unnamed.get::<&str>("runtime")?, unnamed.get::<&str>("name")?);
            let columns = Columns::of(row, table, key);
            Ok(PublishedPlaybook {
                runtime: columns.word("runtime")?,
                name: columns.word("name")?,
                version: columns.get("version")?,
                digest: columns.digest("digest")?,
                source: columns.get("source")?,
                published_at: columns.time("published_at")?,
            })
        })
        .collect()
}

/// The source of a version, current or not.
pub(crate) async fn source(readers: &SqlitePool, digest: Digest) -> Result<Option<String>, StoreError> {
    let row = sqlx::query("SELECT source FROM playbook_sources WHERE digest = ?")
        .bind(&digest.bytes()[..])
        .fetch_optional(readers)
        .await
        .map_err(|error| unavailable(&error))?;
    row.map(|row| row.try_get(0).map_err(|error| broken("playbook_sources", digest, error))).transpose()
}
