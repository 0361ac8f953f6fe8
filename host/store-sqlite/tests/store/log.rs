//! The log stays bounded, and the sizes that the store tells are those of its files.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use orgata_engine::ports::{ExecutionQuery, Store as _};
use orgata_store_sqlite::{Settings, SqliteStore};

use crate::samples::{Home, all, heavy};

const MIB: u64 = 1024 * 1024;

/// A store that folds its log when it is about 1 MiB long.
async fn open(home: &Home) -> Arc<SqliteStore> {
    let settings = Settings { log_mib: 1, ..Settings::default() };
    Arc::new(SqliteStore::open(&home.file(), settings).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_that_never_rest_do_not_make_the_log_grow_without_end() {
    let home = Home::new();
    let store = open(&home).await;
    for number in 0..200 {
        store.append(heavy(number, 2_000)).await.unwrap();
    }
    let busy = Arc::new(AtomicBool::new(true));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (store, busy) = (Arc::clone(&store), Arc::clone(&busy));
            tokio::spawn(async move {
                while busy.load(Ordering::Relaxed) {
                    store.executions(&ExecutionQuery { limit: 200, ..all() }).await.unwrap();
                }
            })
        })
        .collect();
    // Twenty-four times what the log should be.
    let log = home.folder.path().join("orgata.db-wal");
    let mut longest = 0;
    for number in 200..800 {
        store.append(heavy(number, 40_000)).await.unwrap();
        longest = longest.max(std::fs::metadata(&log).unwrap().len());
    }
    busy.store(false, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    println!("the longest log: {longest} bytes");
    assert!(longest < 8 * MIB, "the log grew to {longest} bytes");
}

#[tokio::test]
async fn the_sizes_are_those_of_the_files() {
    let home = Home::new();
    let store = open(&home).await;
    for number in 0..100 {
        store.append(heavy(number, 50_000)).await.unwrap();
    }
    let size = store.size().await.unwrap();
    let length = |name: &str| std::fs::metadata(home.folder.path().join(name)).unwrap().len();
    assert_eq!((size.data, size.log), (length("orgata.db"), length("orgata.db-wal")));
    assert!(size.data > MIB && size.log > 0 && size.free == 0, "{size:?}");
}
