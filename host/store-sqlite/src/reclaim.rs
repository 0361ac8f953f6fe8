//! What a purge leaves behind: free pages, and when they go back to the disk.
//!
//! Free pages are what the next executions take, so some of them stay: a store in which as much is purged as
//! begins neither grows nor shrinks. Only what is free beyond that is given back, by SQLite's incremental vacuum, a
//! few pages at a time and with long pauses: it moves pages from the end of the file, and must be in nobody's way.
//! Not `VACUUM`: that writes the whole file anew, and everyone waits for it. Not full auto-vacuum: it shrinks the
//! file in the commit that freed the pages, to have it grow again a moment later.
//!
//! A data file that was made before this has no map of its pages and cannot shrink; its free pages are used again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::writer::Job;

/// So many free pages stay in any case: 8 MiB.
const LEAST_KEPT: i64 = 2048;
/// Of all pages, one in so many may be free.
const KEPT_SHARE: i64 = 8;
/// Pages that are given back at a time.
const AT_A_TIME: i64 = 32;
/// About what that writes to the log, in bytes: each page moves, and what points to it changes.
pub(crate) const LOGGED: usize = 3 * 4096 * AT_A_TIME as usize;
/// The pause after giving back, in units of what it took, and at least.
const PAUSES: u32 = 4;
const LEAST_PAUSE: Duration = Duration::from_millis(2);

/// What came of giving back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// Nothing is free beyond what is kept.
    Nothing,
    /// Some, and there is more.
    Some,
    /// The last of it.
    Last,
}

/// Gives back some free pages, where there are more than are kept.
pub(crate) async fn give_back(connection: &mut SqliteConnection) -> Result<Given, sqlx::Error> {
    let free = free_pages(connection).await?;
    let all: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *connection).await?;
    let spare = free - LEAST_KEPT.max(all / KEPT_SHARE);
    if spare <= 0 {
        return Ok(Given::Nothing);
    }
    // The pragma takes no value from outside of its text, and steps once for each page.
    let sql = const {
        assert!(AT_A_TIME == 32);
        "PRAGMA incremental_vacuum(32)"
    };
    sqlx::query(sql).fetch_all(&mut *connection).await?;
    let shrank = free_pages(connection).await? < free;
    Ok(match (shrank, spare > AT_A_TIME) {
        (false, _) => Given::Nothing,
        (true, true) => Given::Some,
        (true, false) => Given::Last,
    })
}

async fn free_pages(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("PRAGMA freelist_count").fetch_one(connection).await
}

/// Gives back what can be, each time that it is woken; ends with the writer.
pub(crate) async fn run(woken: Arc<Notify>, jobs: mpsc::WeakSender<Job>) {
    loop {
        woken.notified().await;
        loop {
            let began = Instant::now();
            let (reply, more) = oneshot::channel();
            let Some(jobs) = jobs.upgrade() else { return };
            if jobs.send(Job::GiveBack(reply)).await.is_err() {
                return;
            }
            drop(jobs);
            match more.await {
                Ok(Ok(Given::Some)) => tokio::time::sleep((began.elapsed() * PAUSES).max(LEAST_PAUSE)).await,
                Ok(Ok(Given::Nothing | Given::Last)) => break,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "free pages could not be given back; the next purge tries again");
                    break;
                }
                Err(_) => return,
            }
        }
    }
}
