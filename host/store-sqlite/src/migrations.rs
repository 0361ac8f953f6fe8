//! The shapes of the data file, in order. A file here is never changed once released: add the next one.

use sqlx::SqlSafeStr as _;
use sqlx::SqliteConnection;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

const ALL: [(&str, &str); 12] = [
    ("executions", include_str!("../migrations/0001_executions.sql")),
    ("interventions", include_str!("../migrations/0002_interventions.sql")),
    ("playbooks", include_str!("../migrations/0003_playbooks.sql")),
    ("waiting", include_str!("../migrations/0004_waiting.sql")),
    ("schedules", include_str!("../migrations/0005_schedules.sql")),
    ("concurrency", include_str!("../migrations/0006_concurrency.sql")),
    ("keys", include_str!("../migrations/0007_keys.sql")),
    ("audit", include_str!("../migrations/0008_audit.sql")),
    ("secrets", include_str!("../migrations/0009_secrets.sql")),
    ("plugin_state", include_str!("../migrations/0010_plugin_state.sql")),
    ("standings", include_str!("../migrations/0011_standings.sql")),
    ("audit_anchor", include_str!("../migrations/0012_audit_anchor.sql")),
];

/// Brings the data file to the newest shape. Each step is all or nothing.
pub(crate) async fn run(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    let migrations = ALL
        .into_iter()
        .zip(1..)
        .map(|((name, sql), version)| {
            Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
        })
        .collect();
    Migrator::with_migrations(migrations).run(connection).await
}
