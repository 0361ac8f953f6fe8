//! How much room the store takes: its file, what is free in it, its log.

use std::path::Path;

use orgata_engine::ports::{StoreError, StoreSize};
use sqlx::SqlitePool;

use crate::failure::unavailable;

/// The sizes as they are now.
pub(crate) async fn measure(readers: &SqlitePool, file: &Path) -> Result<StoreSize, StoreError> {
    let sql = "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size";
    let free: i64 = sqlx::query_scalar(sql).fetch_one(readers).await.map_err(|error| unavailable(&error))?;
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    Ok(StoreSize {
        data: bytes(file),
        free: u64::try_from(free).unwrap_or_default(),
        log: bytes(Path::new(&log)),
    })
}

/// Nothing of a file that is not there: the log goes when the store is closed.
fn bytes(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |file| file.len())
}
