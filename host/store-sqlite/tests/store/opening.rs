//! Opening and closing: locks, modes, crashes, damage.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use crate::samples::{Home, all, execution, first, heavy, playbook, whole};
use orgata_engine::ports::{Store as _, StoreError};
use orgata_store_sqlite::{OpenError, Settings, SqliteStore, measure_flush};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

/// Changes the data file as a bad disk or a stray hand would.
async fn damage(file: &Path, sql: &'static str) {
    let mut connection = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    let changed = sqlx::query(sql).execute(&mut connection).await.unwrap().rows_affected();
    assert_eq!(changed, 1, "{sql}");
}

async fn open(file: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(file, Settings::default()).await
}

/// Opens a file whose last owner went without closing it: its queue is being finished.
async fn reopen(file: &Path) -> SqliteStore {
    loop {
        match open(file).await {
            Ok(store) => return store,
            Err(OpenError::InUse { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn two_hosts_cannot_have_the_same_file() {
    let home = Home::new();
    let store = home.open().await;
    let error = open(&home.file()).await.unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }));
    assert!(error.to_string().contains("orgata.db.lock"), "{error}");

    store.close().await.unwrap();
    open(&home.file()).await.unwrap();
}

#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    let home = Home::new();
    let store = home.open().await;
    store.append(first(1)).await.unwrap();
    let mut seen = 0;
    for entry in home.folder.path().read_dir().unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        seen += 1;
    }
    assert_eq!(seen, 4, "data, log, its index, lock");
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_host_that_never_closes() {
    let home = Home::new();
    let store = home.open().await;
    for number in 0..50 {
        store.append(whole(number)).await.unwrap();
    }
    drop(store);
    let store = reopen(&home.file()).await;
    assert_eq!(store.executions(&all()).await.unwrap().items.len(), 50);
    assert_eq!(store.events(execution(49), 0, 100).await.unwrap().len(), 22);
}

#[tokio::test]
async fn what_was_acknowledged_is_in_the_files_at_that_moment() {
    let home = Home::new();
    let store = home.open().await;
    for number in 0..50 {
        store.append(whole(number)).await.unwrap();
    }
    // As they would be found after the power went.
    let found = Home::new();
    for name in ["orgata.db", "orgata.db-wal"] {
        std::fs::copy(home.folder.path().join(name), found.folder.path().join(name)).unwrap();
    }
    let store = found.open().await;
    assert_eq!(store.executions(&all()).await.unwrap().items.len(), 50);
    assert_eq!(store.events(execution(49), 0, 100).await.unwrap().len(), 22);
}

#[tokio::test]
async fn the_log_of_a_host_that_is_killed_again_and_again_does_not_grow_without_end() {
    let settings = Settings { log_mib: 1, ..Settings::default() };
    let mut home = Home::new();
    for life in 0..12 {
        let store = SqliteStore::open(&home.file(), settings).await.unwrap();
        for number in 0..8 {
            store.append(heavy(life * 100 + number, 50_000)).await.unwrap();
        }
        // What is found after the power went; each life alone writes too little to have its log folded.
        let found = Home::new();
        for name in ["orgata.db", "orgata.db-wal"] {
            std::fs::copy(home.folder.path().join(name), found.folder.path().join(name)).unwrap();
        }
        home = found;
    }
    let log = home.folder.path().join("orgata.db-wal").metadata().unwrap().len();
    assert!(log < 4_000_000, "the log is {log} bytes long");
}

#[tokio::test]
async fn closing_finishes_what_is_queued_and_leaves_one_file() {
    let home = Home::new();
    let store = home.open().await;
    let mut waiting = tokio::task::JoinSet::new();
    let store = Arc::new(store);
    for number in 0..20 {
        let store = Arc::clone(&store);
        waiting.spawn(async move { store.append(whole(number)).await });
    }
    tokio::task::yield_now().await;
    store.close().await.unwrap();
    let mut done = 0;
    while let Some(outcome) = waiting.join_next().await {
        done += usize::from(outcome.unwrap().is_ok());
    }
    assert!(matches!(store.append(first(99)).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.ready().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.execution(execution(1)).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.close().await, Err(StoreError::Unavailable(_))));

    let mut left: Vec<_> =
        home.folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["orgata.db", "orgata.db.lock"]);
    let store = home.open().await;
    assert_eq!(store.executions(&all()).await.unwrap().items.len(), done);
}

#[tokio::test]
async fn a_broken_row_is_named() {
    let home = Home::new();
    let store = home.open().await;
    for number in 1..=4 {
        store.append(whole(number)).await.unwrap();
    }
    store.publish_playbook(&playbook("kitchen", "toast", "steps: 1")).await.unwrap();
    store.close().await.unwrap();
    let spoil = [
        "UPDATE executions SET status = 'sleeping' WHERE id = (SELECT id FROM executions ORDER BY id LIMIT 1)",
        "UPDATE executions SET detail = '{' WHERE id = (SELECT id FROM executions ORDER BY id LIMIT 1 OFFSET 1)",
        "UPDATE executions SET plugin_set = x'00' WHERE id = (SELECT max(id) FROM executions)",
        "UPDATE event_segments SET events = zeroblob(9) WHERE rowid = 1",
        "UPDATE event_segments SET events = x'ffffffff00' WHERE rowid = 2",
        "UPDATE event_segments SET events = x'' WHERE rowid = 3",
        "UPDATE playbook_versions SET published_at = 9223372036854775807",
        "INSERT INTO runtimes (id, body) VALUES ('attic', '{}')",
    ];
    for sql in spoil {
        damage(&home.file(), sql).await;
    }
    let store = home.open().await;
    let named = |error: StoreError, table: &str, key: &str| {
        let StoreError::Broken { table: found, key: at, .. } = &error else { panic!("{error:?}") };
        assert!(*found == table && at.contains(key), "{error}");
    };
    for number in [1, 2, 4] {
        let key = execution(number).to_string();
        named(store.execution(execution(number)).await.unwrap_err(), "executions", &key);
    }
    for number in [1, 2, 3] {
        let key = execution(number).to_string();
        named(store.events(execution(number), 0, 9).await.unwrap_err(), "event_segments", &key);
    }
    named(store.current_playbooks().await.unwrap_err(), "current_playbooks", "kitchen/toast");
    named(store.runtimes().await.unwrap_err(), "runtimes", "attic");
    // The others are as they were.
    assert!(store.execution(execution(3)).await.unwrap().is_some());
    assert_eq!(store.events(execution(4), 0, 100).await.unwrap().len(), 22);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let home = Home::new();
    std::fs::write(home.file(), "Dear diary, ".repeat(500)).unwrap();
    let error = open(&home.file()).await.unwrap_err();
    assert!(matches!(error, OpenError::Database { .. }), "{error:?}");
    assert!(error.to_string().contains("orgata.db"), "{error}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let home = Home::new();
    let error = open(&home.folder.path().join("nowhere/orgata.db")).await.unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error:?}");
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[tokio::test]
async fn a_file_of_a_newer_release_is_refused() {
    let home = Home::new();
    home.open().await.close().await.unwrap();
    damage(
        &home.file(),
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9000, 'the future', 1, x'00', 1)",
    )
    .await;
    let error = open(&home.file()).await.unwrap_err();
    assert!(matches!(error, OpenError::OtherShape { .. }), "{error:?}");
    assert!(error.to_string().contains("migration 9000 this release does not have"), "{error}");
}

#[tokio::test]
async fn a_file_of_a_build_with_other_shapes_is_refused_with_what_to_do() {
    let home = Home::new();
    home.open().await.close().await.unwrap();
    damage(&home.file(), "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1").await;
    let error = open(&home.file()).await.unwrap_err();
    assert!(matches!(error, OpenError::OtherShape { .. }), "{error:?}");
    let told = error.to_string();
    for part in
        ["orgata.db", "migration 1 is not the one of this release", "another data folder", "begin anew"]
    {
        assert!(told.contains(part), "{part} is missing: {told}");
    }
}

#[tokio::test]
async fn a_store_whose_file_is_gone_is_not_ready() {
    let home = Home::new();
    let store = home.open().await;
    store.ready().await.unwrap();
    std::fs::rename(home.file(), home.folder.path().join("elsewhere")).unwrap();
    let error = store.ready().await.unwrap_err();
    assert!(error.to_string().contains("orgata.db"), "{error}");
}

#[tokio::test]
async fn measuring_a_flush_leaves_nothing() {
    let home = Home::new();
    let flush = measure_flush(home.folder.path()).await.unwrap();
    assert!(!flush.is_zero());
    assert_eq!(home.folder.path().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn the_log_of_a_busy_store_does_not_grow_without_end() {
    let home = Home::new();
    let settings = Settings { log_mib: 1, ..Settings::default() };
    let store = Arc::new(SqliteStore::open(&home.file(), settings).await.unwrap());
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..4 {
        let store = Arc::clone(&store);
        clients.spawn(async move {
            for number in 0..50 {
                store.append(heavy(client * 1000 + number, 100_000)).await.unwrap();
            }
        });
    }
    clients.join_all().await;
    let log = home.folder.path().join("orgata.db-wal").metadata().unwrap().len();
    assert!(log < 12_000_000, "20 MB went through a log of {log} bytes");
    let data = home.file().metadata().unwrap().len();
    assert!(data > 8_000_000, "{data} bytes were folded");
}
