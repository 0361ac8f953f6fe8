//! The shapes of the data file, in order. A file here is never changed once released: add the next one.

use sqlx::SqlSafeStr as _;
use sqlx::SqliteConnection;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

const ALL: [(i64, &str, &str); 9] = [
    (1, "executions", include_str!("../migrations/0001_executions.sql")),
    (2, "interventions", include_str!("../migrations/0002_interventions.sql")),
    (3, "playbooks", include_str!("../migrations/0003_playbooks.sql")),
    (4, "waiting", include_str!("../migrations/0004_waiting.sql")),
    (5, "schedules", include_str!("../migrations/0005_schedules.sql")),
    (6, "concurrency", include_str!("../migrations/0006_concurrency.sql")),
    (8, "audit", include_str!("../migrations/0008_audit.sql")),
    (9, "secrets", include_str!("../migrations/0009_secrets.sql")),
    (10, "plugin_state", include_str!("../migrations/0010_plugin_state.sql")),
];

/// Brings the data file to the newest shape. Each step is all or nothing.
pub(crate) async fn run(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    let migrations = ALL
        .into_iter()
        .map(|(version, name, sql)| {
            Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
        })
        .collect();
    Migrator::with_migrations(migrations).run(connection).await
}
