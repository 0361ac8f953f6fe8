//! Folding the log back into the data file, beside the writer instead of in it.
//!
//! SQLite by itself folds in the commit that fills the log, and everyone waits for it. Here a connection of its
//! own copies most of the log while the writer goes on; then the writer, between two batches, copies the little
//! that came meanwhile, and its next commit begins the log anew. Left to the copying connection alone, the log of
//! a busy store would never be empty and so grow without end.
//!
//! A log begins anew only when nobody reads from it at that moment. Where readers come and go without a pause there is no
//! such moment, so once it is far too long the writer waits for those of now: those that come later find everything
//! in the data file, and are in nobody's way.
//!
//! Failing here loses nothing: the log keeps what was committed, and the next time comes.

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Row as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::append::Encoded;
use crate::batch::plain;
use crate::writer::Job;

/// The writer takes over when this many pages are left, or when copying gains nothing.
const FEW_PAGES: i64 = 256;
/// How often the copying connection tries to catch up with the writer.
const ROUNDS: usize = 4;
/// Bytes of a page.
const PAGE: usize = 4096;
/// The log may become so many times as long as it should be before anybody waits for readers.
const FAR_TOO_LONG: usize = 3;
/// How long readers are waited for, in milliseconds: everyone who writes waits too.
const FOR_READERS: &str = "PRAGMA busy_timeout = 250";
/// What `open` gives every connection.
const USUAL_WAIT: &str = "PRAGMA busy_timeout = 5000";
/// About what a commit writes to indexes whatever is in it, and what each append adds to them.
const PER_COMMIT: usize = 24 * 1024;
const PER_APPEND: usize = 768;

/// What a checkpoint came to, in pages.
#[derive(Debug, Clone, Copy)]
struct Folded {
    log: i64,
    copied: i64,
}

impl Folded {
    const fn left(self) -> i64 {
        self.log - self.copied
    }

    /// How long the log is, in bytes.
    fn length(self) -> usize {
        usize::try_from(self.log).unwrap_or_default().saturating_mul(PAGE)
    }
}

/// The writer's view: how long the log is, and who folds it.
#[derive(Debug)]
pub(crate) struct Log {
    length: usize,
    /// How long it may become before it is folded.
    long: usize,
    /// Since the folder was woken, until it handed the rest over.
    folding: bool,
    wake: mpsc::Sender<()>,
    folder: JoinHandle<()>,
}

impl Log {
    /// Begins to fold on this connection. The log is `length` bytes long already: were that forgotten, the log of a
    /// host that is killed again and again would grow without end. Once the rest is short, `jobs` gets [`Job::Fold`].
    pub(crate) fn new(
        connection: SqliteConnection,
        length: usize,
        long: usize,
        jobs: mpsc::WeakSender<Job>,
    ) -> Self {
        let (wake, woken) = mpsc::channel(1);
        Self { length, long, folding: false, wake, folder: tokio::spawn(copy(connection, woken, jobs)) }
    }

    /// These were committed together.
    pub(crate) fn grew(&mut self, appends: &[&Encoded]) {
        self.grew_by(appends.iter().map(|append| append.bytes() + PER_APPEND).sum());
    }

    /// About so much was written by one commit.
    pub(crate) fn grew_by(&mut self, bytes: usize) {
        self.length += bytes + PER_COMMIT;
        if self.length >= self.long {
            self.fold_soon();
        }
    }

    /// Has it folded, unless somebody is at it.
    pub(crate) fn fold_soon(&mut self) {
        if !self.folding {
            self.folding = self.wake.try_send(()).is_ok();
        }
    }

    /// Folds the rest, on the writer's own connection and between its transactions.
    pub(crate) async fn finish(&mut self, writer: &mut SqliteConnection) {
        self.folding = false;
        let folded = match checkpoint(writer, PASSIVE).await {
            Ok(folded) if folded.length() > self.long.saturating_mul(FAR_TOO_LONG) => {
                wait_for_readers(writer).await
            }
            other => other,
        };
        match folded {
            Ok(folded) if folded.left() == 0 => self.length = 0,
            // A reader still needs an older page: the log goes on growing for a while before the next attempt.
            Ok(_) => self.length = self.long / 2,
            Err(error) => {
                tracing::warn!(%error, "the log could not be folded into the data file; it keeps growing");
                self.length = self.long / 2;
            }
        }
    }

    /// Stops folding and closes its connection.
    pub(crate) async fn close(self) {
        drop(self.wake);
        let _ = self.folder.await;
    }
}

async fn copy(mut connection: SqliteConnection, mut woken: mpsc::Receiver<()>, jobs: mpsc::WeakSender<Job>) {
    while woken.recv().await.is_some() {
        if let Err(error) = catch_up(&mut connection).await {
            tracing::warn!(%error, "copying the log into the data file failed");
        }
        let Some(jobs) = jobs.upgrade() else { break };
        if jobs.send(Job::Fold).await.is_err() {
            break;
        }
    }
    let _ = connection.close().await;
}

async fn catch_up(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut before = i64::MAX;
    for _ in 0..ROUNDS {
        let left = checkpoint(connection, PASSIVE).await?.left();
        if left <= FEW_PAGES || left >= before {
            break;
        }
        before = left;
    }
    Ok(())
}

/// About how many bytes of the log are in use. Its file says less: it stays as long as the log ever was.
pub(crate) async fn logged(connection: &mut SqliteConnection) -> Result<usize, sqlx::Error> {
    let pages = checkpoint(connection, "PRAGMA wal_checkpoint(NOOP)").await?.left();
    Ok(usize::try_from(pages).unwrap_or(0).saturating_mul(PAGE))
}

/// Copies what no reader hinders, and waits for nobody.
const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";
/// Copies everything, and waits until nobody reads from the log: the next commit begins it anew.
const RESTART: &str = "PRAGMA wal_checkpoint(RESTART)";

async fn checkpoint(connection: &mut SqliteConnection, sql: &'static str) -> Result<Folded, sqlx::Error> {
    let row = sqlx::query(sql).fetch_one(connection).await?;
    Ok(Folded { log: row.try_get("log")?, copied: row.try_get("checkpointed")? })
}

/// Does what it can within a short time.
async fn wait_for_readers(writer: &mut SqliteConnection) -> Result<Folded, sqlx::Error> {
    plain(writer, FOR_READERS).await?;
    let folded = checkpoint(writer, RESTART).await;
    plain(writer, USUAL_WAIT).await?;
    folded
}
