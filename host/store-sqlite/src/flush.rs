//! What one flush costs on a disk: the floor under every latency of the store.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::batch::plain;
use crate::open::{OpenError, Settings, private, writer_options};

/// The median of this many commits.
const COMMITS: usize = 101;

/// The median time of a small commit by a connection like the writer's, to a file of its own in `folder` that is
/// removed afterwards.
pub async fn measure_flush(folder: &Path) -> Result<Duration, OpenError> {
    let path = folder.join(format!("flush-{}.db", std::process::id()));
    private().open(&path).map_err(|source| OpenError::Io { what: "make", path: path.clone(), source })?;
    let measured = commits(&path).await;
    for side in ["", "-wal", "-shm"] {
        let mut name = path.clone().into_os_string();
        name.push(side);
        // The side files are gone already when SQLite closed well.
        let _ = std::fs::remove_file(name);
    }
    measured.map_err(|source| OpenError::Database { path, source })
}

async fn commits(path: &Path) -> Result<Duration, sqlx::Error> {
    let mut connection = writer_options(path, &Settings::default()).connect().await?;
    plain(&mut connection, "CREATE TABLE probe (writes INTEGER)").await?;
    plain(&mut connection, "INSERT INTO probe VALUES (0)").await?;
    let mut times = Vec::with_capacity(COMMITS);
    for _ in 0..COMMITS {
        times.push(commit(&mut connection).await?);
    }
    connection.close().await?;
    times.sort_unstable();
    Ok(times.get(COMMITS / 2).copied().unwrap_or_default())
}

async fn commit(connection: &mut SqliteConnection) -> Result<Duration, sqlx::Error> {
    let began = Instant::now();
    plain(connection, "UPDATE probe SET writes = writes + 1").await?;
    Ok(began.elapsed())
}
