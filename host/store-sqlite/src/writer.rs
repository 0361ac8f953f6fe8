//! The one task that writes: group commit.
//!
//! It takes all that is queued, up to a bound, writes it in one transaction, and answers once COMMIT returned.
//! While the disk flushes, the next batch gathers. Nobody else writes, so there is no lock to wait for.
//!
//! Invariants: an append is answered `Ok` only when it is on disk; one that is refused (a conflict) does not fail
//! its neighbours; after any error the connection is out of its transaction, and the next batch tries anew.

use std::collections::{HashSet, VecDeque};
use std::time::Instant;

use orgata_engine::ports::StoreError;
use orgata_model::Digest;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use crate::append::Encoded;
use crate::batch::{self, Texts};
use crate::failure::{is_refusal, unavailable};
use crate::row::Statement;

/// How many jobs may wait before their callers are held back.
pub(crate) const QUEUE: usize = 2048;
/// A batch ends at this many appends …
const MOST_APPENDS: usize = 512;
/// … or this many bytes: what is in a transaction must fit the page cache.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// How many plugin sets are remembered as kept.
const KNOWN_SETS: usize = 10_000;

/// Where an answer goes. A caller that no longer listens is no error: its append is committed all the same.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked to do.
#[derive(Debug)]
pub(crate) enum Job {
    /// Commit an append, together with others.
    Append(Box<Encoded>, Reply<()>),
    /// Run these in a transaction of their own; answers how many rows each changed.
    Edit(Vec<Statement>, Reply<Vec<u64>>),
    /// Take nothing more, finish what is queued, close the file.
    Close(Reply<()>),
}

/// An append that waits for its commit.
struct Waiting {
    append: Box<Encoded>,
    reply: Reply<()>,
}

pub(crate) struct Writer {
    connection: SqliteConnection,
    queue: mpsc::Receiver<Job>,
    /// Taken from the queue, not yet done.
    ahead: VecDeque<Job>,
    texts: Texts,
    /// Plugin sets that are in the file for sure.
    known: HashSet<Digest>,
}

impl Writer {
    pub(crate) fn new(connection: SqliteConnection, queue: mpsc::Receiver<Job>) -> Self {
        Self {
            connection,
            queue,
            ahead: VecDeque::new(),
            texts: Texts::default(),
            known: HashSet::new(),
        }
    }

    /// Works until it is told to close, or nobody is left to ask.
    pub(crate) async fn run(mut self) {
        let mut closing = Vec::new();
        while self.gather().await {
            match self.ahead.pop_front() {
                Some(Job::Append(append, reply)) => {
                    let batch = self.take_batch(Waiting { append, reply });
                    self.commit(batch).await;
                }
                Some(Job::Edit(statements, reply)) => {
                    let outcome = self.edit(statements).await;
                    let _ = reply.send(outcome);
                }
                Some(Job::Close(reply)) => {
                    self.queue.close();
                    closing.push(reply);
                }
                None => {}
            }
        }
        let outcome = self.close().await;
        for reply in closing {
            let _ = reply.send(outcome.clone());
        }
    }

    /// Waits for work, and takes what else is there. False when there will be none.
    async fn gather(&mut self) -> bool {
        if self.ahead.is_empty() {
            let Some(job) = self.queue.recv().await else {
                return false;
            };
            self.ahead.push_back(job);
        }
        while self.ahead.len() < MOST_APPENDS
            && let Ok(job) = self.queue.try_recv()
        {
            self.ahead.push_back(job);
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("orgata_store_queue_depth").set((self.queue.len() + self.ahead.len()) as f64);
        true
    }

    /// The appends that follow, as long as they may share a transaction.
    fn take_batch(&mut self, first: Waiting) -> Vec<Waiting> {
        let mut bytes = first.append.bytes();
        let mut executions = HashSet::from([first.append.execution]);
        let mut batch = vec![first];
        while batch.len() < MOST_APPENDS && bytes < MOST_BYTES {
            // Two appends of one execution keep their order by being in two batches.
            match self.ahead.pop_front() {
                Some(Job::Append(append, reply)) if executions.insert(append.execution) => {
                    bytes += append.bytes();
                    batch.push(Waiting { append, reply });
                }
                Some(other) => {
                    self.ahead.push_front(other);
                    break;
                }
                None => break,
            }
        }
        batch
    }

    async fn commit(&mut self, batch: Vec<Waiting>) {
        let began = Instant::now();
        let appends: Vec<&Encoded> = batch.iter().map(|waiting| waiting.append.as_ref()).collect();
        let outcomes = match self.together(&appends).await {
            Ok(()) => vec![Ok(()); batch.len()],
            Err(error) if is_refusal(&error) && batch.len() == 1 => vec![Err(StoreError::Conflict)],
            Err(error) if is_refusal(&error) => self.one_by_one(&appends).await,
            Err(error) => {
                tracing::error!(%error, appends = batch.len(), "a commit failed; nothing of it was written");
                vec![Err(unavailable(&error)); batch.len()]
            }
        };
        metrics::counter!("orgata_store_commits_total").increment(1);
        #[expect(clippy::cast_precision_loss, reason = "a histogram is of floats")]
        metrics::histogram!("orgata_store_batch_size").record(batch.len() as f64);
        metrics::histogram!("orgata_store_commit_seconds").record(began.elapsed().as_secs_f64());
        for (waiting, outcome) in batch.into_iter().zip(outcomes) {
            let _ = waiting.reply.send(outcome);
        }
    }

    /// All or none.
    async fn together(&mut self, appends: &[&Encoded]) -> Result<(), sqlx::Error> {
        let (fresh, beside) = self.fresh_sets(appends);
        let outcome = batch::commit(&mut self.connection, &mut self.texts, appends, &beside).await;
        match outcome {
            Ok(()) => self.remember(fresh),
            Err(_) => self.roll_back().await,
        }
        outcome
    }

    /// One of them was refused: each by itself, in one transaction still, so that only the refused are.
    async fn one_by_one(&mut self, appends: &[&Encoded]) -> Vec<Result<(), StoreError>> {
        match self.separately(appends).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                self.roll_back().await;
                vec![Err(unavailable(&error)); appends.len()]
            }
        }
    }

    async fn separately(&mut self, appends: &[&Encoded]) -> Result<Vec<Result<(), StoreError>>, sqlx::Error> {
        let (fresh, beside) = self.fresh_sets(appends);
        let connection = &mut self.connection;
        batch::plain(connection, "BEGIN IMMEDIATE").await?;
        for statement in beside {
            batch::run(connection, statement).await?;
        }
        let mut outcomes = Vec::with_capacity(appends.len());
        for append in appends {
            batch::plain(connection, "SAVEPOINT member").await?;
            match batch::write_one(connection, &mut self.texts, append).await {
                Ok(()) => outcomes.push(Ok(())),
                Err(error) if is_refusal(&error) => {
                    batch::plain(connection, "ROLLBACK TO member").await?;
                    outcomes.push(Err(StoreError::Conflict));
                }
                Err(error) => return Err(error),
            }
            batch::plain(connection, "RELEASE member").await?;
        }
        batch::plain(connection, "COMMIT").await?;
        self.remember(fresh);
        Ok(outcomes)
    }

    /// Plugin sets of this batch that may not be in the file yet.
    fn fresh_sets(&self, appends: &[&Encoded]) -> (HashSet<Digest>, Vec<Statement>) {
        let mut fresh = HashSet::new();
        let mut keep = Vec::new();
        for append in appends {
            let digest = append.plugins.digest;
            if !self.known.contains(&digest) && fresh.insert(digest) {
                keep.push(append.plugins.keep());
            }
        }
        (fresh, keep)
    }

    fn remember(&mut self, sets: HashSet<Digest>) {
        if self.known.len() + sets.len() > KNOWN_SETS {
            self.known.clear();
        }
        self.known.extend(sets);
    }

    async fn edit(&mut self, statements: Vec<Statement>) -> Result<Vec<u64>, StoreError> {
        match Self::try_edit(&mut self.connection, statements).await {
            Ok(changed) => Ok(changed),
            Err(error) => {
                self.roll_back().await;
                Err(unavailable(&error))
            }
        }
    }

    async fn try_edit(
        connection: &mut SqliteConnection,
        statements: Vec<Statement>,
    ) -> Result<Vec<u64>, sqlx::Error> {
        batch::plain(connection, "BEGIN IMMEDIATE").await?;
        let mut changed = Vec::with_capacity(statements.len());
        for statement in statements {
            changed.push(batch::run(connection, statement).await?);
        }
        batch::plain(connection, "COMMIT").await?;
        Ok(changed)
    }

    /// Leaves the transaction, if SQLite has not left it by itself as it does when the disk fails.
    async fn roll_back(&mut self) {
        let _ = batch::plain(&mut self.connection, "ROLLBACK").await;
    }

    async fn close(mut self) -> Result<(), StoreError> {
        let folded = batch::plain(&mut self.connection, "PRAGMA wal_checkpoint(TRUNCATE)").await;
        let closed = self.connection.close().await;
        folded.and(closed).map_err(|error| unavailable(&error))
    }
}
