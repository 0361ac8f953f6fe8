//! The one task that writes: group commit.
//!
//! It takes what is queued (`shares`: all, up to a bound, or some of each runtime), has it written in one transaction (`commit`), and answers once
//! COMMIT returned. While the disk flushes, the next batch gathers. Nobody else writes, so there is no lock to
//! wait for.
//!
//! Invariants: an append is answered `Ok` only when it is on disk; one that is refused does not fail its
//! neighbours; after an error the next batch tries anew, so a store whose disk recovers recovers by itself.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use orgata_engine::ports::StoreError;
use orgata_model::ExecutionId;
use tokio::sync::{mpsc, oneshot};

use crate::append::Encoded;
use crate::audit::Queue;
use crate::checkpoint::Log;
use crate::commit::Committer;
use crate::failure::unavailable;
use crate::lock::Lock;
use crate::reclaim::{self, Given};
use crate::row::{Statement, Values};
use crate::shares::{MOST_APPENDS, Shares, Waiting};

/// How many jobs may wait before their callers are held back.
pub(crate) const QUEUE: usize = 2048;
/// About what deleting an execution writes to the log, in bytes.
const PER_PURGED: usize = 4 * 1024;
/// How often others may run first, as long as that brings more: who was answered together asks again together,
/// and one flush serves all.
const ROUNDS: usize = 3;
/// A commit that succeeded so lately proves that the store can be written to.
const LATELY: Duration = Duration::from_secs(1);

/// Where an answer goes. A caller that no longer listens is no error: its append is committed all the same.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked to do.
#[derive(Debug)]
pub(crate) enum Job {
    /// Commit an append, together with others.
    Append(Box<Encoded>, Reply<()>),
    /// Run these in a transaction of their own; answers how many rows each changed.
    Edit(Vec<Statement>, Reply<Vec<u64>>),
    /// Delete those of these that have ended; answers which.
    Purge(Vec<ExecutionId>, Reply<Vec<ExecutionId>>),
    /// Give some free pages back to the disk.
    GiveBack(Reply<Given>),
    /// Find out whether anything can be written.
    Probe(Reply<()>),
    /// Most of the log was folded into the data file: fold the rest.
    Fold,
    /// Take nothing more, finish what is queued, close the file.
    Close(Reply<()>),
}

pub(crate) struct Writer {
    committer: Committer,
    log: Log,
    /// Given back when nothing of the file is open any more.
    lock: Lock,
    queue: mpsc::Receiver<Job>,
    /// Lines of the audit: each transaction takes along what is there.
    audit: Arc<Queue>,
    /// Taken from the queue, not yet done.
    ahead: VecDeque<Job>,
    shares: Shares,
    /// When a commit succeeded, unless one failed since.
    succeeded: Option<Instant>,
}

/// Says what the numbers of this crate mean, to whoever shows them.
pub(crate) fn describe_metrics() {
    use metrics::Unit::{Count, Seconds};
    metrics::describe_counter!(
        "orgata_store_commits_total",
        Count,
        "Transactions of appends, each one flush"
    );
    metrics::describe_histogram!("orgata_store_batch_size", Count, "Appends that shared a transaction");
    metrics::describe_histogram!("orgata_store_commit_seconds", Seconds, "Time that a transaction took");
    metrics::describe_gauge!("orgata_store_queue_depth", Count, "Jobs that wait for the writer");
}

impl Writer {
    pub(crate) fn new(
        committer: Committer,
        log: Log,
        lock: Lock,
        queue: mpsc::Receiver<Job>,
        audit: Arc<Queue>,
    ) -> Self {
        Self {
            committer,
            log,
            lock,
            queue,
            audit,
            ahead: VecDeque::new(),
            shares: Shares::new(),
            succeeded: None,
        }
    }

    /// Works until it is told to close, or nobody is left to ask.
    pub(crate) async fn run(mut self) {
        let mut closing = Vec::new();
        while self.gather().await {
            match self.ahead.pop_front() {
                Some(append @ Job::Append(..)) => {
                    self.ahead.push_front(append);
                    let batch = self.shares.take(&mut self.ahead);
                    self.commit(batch).await;
                }
                Some(Job::Edit(statements, reply)) => {
                    let outcome = self.edit(statements).await;
                    let _ = reply.send(outcome);
                }
                Some(Job::Purge(ids, reply)) => {
                    let outcome = self.committer.purge(&ids).await;
                    self.log.grew_by(ids.len() * PER_PURGED);
                    let outcome = self.note(outcome);
                    let _ = reply.send(outcome);
                }
                Some(Job::GiveBack(reply)) => {
                    let outcome = reclaim::give_back(self.committer.connection()).await;
                    self.log.grew_by(reclaim::LOGGED);
                    if matches!(outcome, Ok(Given::Last)) {
                        // The file becomes shorter when the log is folded into it.
                        self.log.fold_soon();
                    }
                    let outcome = self.note(outcome);
                    let _ = reply.send(outcome);
                }
                Some(Job::Probe(reply)) => {
                    let outcome = self.probe().await;
                    let _ = reply.send(outcome);
                }
                Some(Job::Fold) => self.log.finish(self.committer.connection()).await,
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
        while self.ahead.is_empty() {
            tokio::select! {
                biased;
                // They have waited for long enough for something that would take them along.
                () = self.audit.due() => {
                    if let Err(error) = self.edit(Vec::new()).await {
                        tracing::error!(%error, "lines of the audit cannot be written; trying again");
                    }
                }
                job = self.queue.recv() => match job {
                    Some(job) => self.queue_up(job),
                    None => return false,
                },
            }
        }
        self.take_queued();
        for _ in 0..ROUNDS {
            let before = self.ahead.len();
            if before >= self.shares.room() {
                break;
            }
            tokio::task::yield_now().await;
            self.take_queued();
            if self.ahead.len() == before {
                break;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("orgata_store_queue_depth").set((self.queue.len() + self.ahead.len()) as f64);
        true
    }

    fn take_queued(&mut self) {
        while self.ahead.len() < MOST_APPENDS
            && let Ok(job) = self.queue.try_recv()
        {
            self.queue_up(job);
        }
    }

    fn queue_up(&mut self, job: Job) {
        if let Job::Append(append, _) = &job {
            self.shares.note(append);
        }
        self.ahead.push_back(job);
    }

    async fn commit(&mut self, batch: Vec<Waiting>) {
        let began = Instant::now();
        let appends: Vec<&Encoded> = batch.iter().map(|waiting| waiting.append.as_ref()).collect();
        let outcomes = self.committer.append(&appends).await;
        let outcomes = match self.note(outcomes) {
            Ok(outcomes) => {
                self.log.grew(&appends);
                self.count_audit();
                outcomes
            }
            Err(error) => {
                tracing::error!(%error, appends = batch.len(), "a commit failed; nothing of it was written");
                vec![Err(error); batch.len()]
            }
        };
        self.shares.learn(batch.len(), began.elapsed());
        metrics::counter!("orgata_store_commits_total").increment(1);
        #[expect(clippy::cast_precision_loss, reason = "a histogram is of floats")]
        metrics::histogram!("orgata_store_batch_size").record(batch.len() as f64);
        metrics::histogram!("orgata_store_commit_seconds").record(began.elapsed().as_secs_f64());
        for (waiting, outcome) in batch.into_iter().zip(outcomes) {
            let _ = waiting.reply.send(outcome);
        }
    }

    async fn edit(&mut self, statements: Vec<Statement>) -> Result<Vec<u64>, StoreError> {
        if statements.is_empty() && self.audit.is_empty() {
            return Ok(Vec::new());
        }
        let outcome = self.committer.edit(statements).await;
        self.count_audit();
        self.note(outcome)
    }

    /// What the audit added to the log: a flood of refusals alone would let it grow without end.
    fn count_audit(&mut self) {
        let bytes = self.committer.audited();
        if bytes > 0 {
            self.log.grew_by(bytes);
        }
    }

    /// Costs a flush, but not more than one a second however often it is asked.
    async fn probe(&mut self) -> Result<(), StoreError> {
        if self.succeeded.is_some_and(|at| at.elapsed() < LATELY) {
            return Ok(());
        }
        let write = "UPDATE probe SET writes = writes + 1 WHERE id = 1";
        self.edit(vec![Statement { sql: write, values: Values::default() }]).await.map(|_| ())
    }

    fn note<T>(&mut self, outcome: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        self.succeeded = outcome.is_ok().then(Instant::now);
        outcome.map_err(|error| unavailable(&error))
    }

    async fn close(self) -> Result<(), StoreError> {
        self.log.close().await;
        let outcome = self.committer.close().await.map_err(|error| unavailable(&error));
        drop(self.lock);
        outcome
    }
}
