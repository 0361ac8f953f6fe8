//! Transactions on the writing connection.
//!
//! Invariant: whatever a method here returns, the connection is outside of any transaction, and what it called
//! written is on disk.

use std::collections::HashSet;
use std::sync::Arc;

use orgata_engine::ports::StoreError;
use orgata_model::{Digest, ExecutionId};
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use crate::append::Encoded;
use crate::audit::{Links, Queue};
use crate::batch::{self, Texts};
use crate::executions;
use crate::failure::{Cause, broken, cause};
use crate::row::Statement;

/// How many plugin sets are remembered as kept.
const KNOWN_SETS: usize = 10_000;

/// What became of each append of a batch that was committed.
pub(crate) type Outcomes = Vec<Result<(), StoreError>>;

/// The writing connection and what is known of its file.
pub(crate) struct Committer {
    connection: SqliteConnection,
    texts: Texts,
    /// Plugin sets that are in the file for sure.
    known: HashSet<Digest>,
    /// Lines of the audit: where they come from, and where they go.
    audit: Arc<Queue>,
    links: Links,
}

impl Committer {
    pub(crate) fn new(connection: SqliteConnection, audit: Arc<Queue>, links: Links) -> Self {
        Self { connection, texts: Texts::default(), known: HashSet::new(), audit, links }
    }

    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Commits these with one flush. An error says that none was written; a refusal concerns one append alone.
    pub(crate) async fn append(&mut self, appends: &[&Encoded]) -> Result<Outcomes, sqlx::Error> {
        self.links.add(self.audit.take());
        let outcomes = match self.together(appends).await {
            Ok(()) => Ok(vec![Ok(()); appends.len()]),
            Err(error) => {
                self.roll_back().await;
                if cause(&error) == Cause::Store {
                    Err(error)
                } else {
                    let outcomes = self.separately(appends).await;
                    if outcomes.is_err() {
                        self.roll_back().await;
                    }
                    outcomes
                }
            }
        };
        self.settle(outcomes.is_ok());
        outcomes
    }

    /// Bytes of the audit that were written, about, since this was asked last.
    pub(crate) fn audited(&mut self) -> usize {
        self.links.grown()
    }

    /// Lines of the audit that were in a transaction are on disk, or have to wait for another.
    fn settle(&mut self, committed: bool) {
        if committed {
            self.links.written();
            self.audit.written();
        } else {
            self.audit.put_off();
        }
    }

    /// All or none.
    async fn together(&mut self, appends: &[&Encoded]) -> Result<(), sqlx::Error> {
        let (fresh, beside) = self.fresh_sets(appends);
        let audit = self.links.rows();
        batch::commit(&mut self.connection, &mut self.texts, appends, &beside, audit).await?;
        self.remember(fresh);
        Ok(())
    }

    /// One of them was refused: each by itself, in one transaction still.
    async fn separately(&mut self, appends: &[&Encoded]) -> Result<Outcomes, sqlx::Error> {
        let (fresh, beside) = self.fresh_sets(appends);
        batch::plain(&mut self.connection, "BEGIN IMMEDIATE").await?;
        for statement in self.links.statement().into_iter().chain(beside) {
            batch::run(&mut self.connection, statement).await?;
        }
        let mut outcomes = Vec::with_capacity(appends.len());
        for append in appends {
            outcomes.push(self.one(append).await?);
        }
        batch::plain(&mut self.connection, "COMMIT").await?;
        self.remember(fresh);
        Ok(outcomes)
    }

    async fn one(&mut self, append: &Encoded) -> Result<Result<(), StoreError>, sqlx::Error> {
        batch::plain(&mut self.connection, "SAVEPOINT member").await?;
        let outcome = match batch::write_one(&mut self.connection, &mut self.texts, append).await {
            Ok(()) => Ok(()),
            Err(error) => {
                let refusal = match cause(&error) {
                    Cause::Conflict => StoreError::Conflict,
                    Cause::Unfit => broken(executions::TABLE, append.execution, &error),
                    Cause::Store => return Err(error),
                };
                batch::plain(&mut self.connection, "ROLLBACK TO member").await?;
                Err(refusal)
            }
        };
        batch::plain(&mut self.connection, "RELEASE member").await?;
        Ok(outcome)
    }

    /// Runs these in a transaction; tells how many rows each changed. Without any, lines of the audit are written if some
    /// wait, and nothing is done otherwise.
    pub(crate) async fn edit(&mut self, statements: Vec<Statement>) -> Result<Vec<u64>, sqlx::Error> {
        self.links.add(self.audit.take());
        let changed = self.try_edit(statements).await;
        if changed.is_err() {
            self.roll_back().await;
        }
        self.settle(changed.is_ok());
        changed
    }

    async fn try_edit(&mut self, statements: Vec<Statement>) -> Result<Vec<u64>, sqlx::Error> {
        let audit = self.links.statement();
        if statements.is_empty() && audit.is_none() {
            return Ok(Vec::new());
        }
        batch::plain(&mut self.connection, "BEGIN IMMEDIATE").await?;
        if let Some(audit) = audit {
            batch::run(&mut self.connection, audit).await?;
        }
        let mut changed = Vec::with_capacity(statements.len());
        for statement in statements {
            changed.push(batch::run(&mut self.connection, statement).await?);
        }
        batch::plain(&mut self.connection, "COMMIT").await?;
        Ok(changed)
    }

    /// Deletes those of these that have ended; tells which.
    pub(crate) async fn purge(&mut self, ids: &[ExecutionId]) -> Result<Vec<ExecutionId>, sqlx::Error> {
        // Who let them be deleted is on disk before they are gone.
        self.edit(Vec::new()).await?;
        let gone = executions::purge(&mut self.connection, ids).await;
        if gone.is_err() {
            self.roll_back().await;
        }
        gone
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

    /// Leaves the transaction, if SQLite has not left it by itself as it does when the disk fails.
    async fn roll_back(&mut self) {
        let _ = batch::plain(&mut self.connection, "ROLLBACK").await;
    }

    /// Folds the whole log into the data file and closes it.
    pub(crate) async fn close(mut self) -> Result<(), sqlx::Error> {
        let written = self.edit(Vec::new()).await.map(drop);
        let folded = batch::plain(&mut self.connection, "PRAGMA wal_checkpoint(TRUNCATE)").await;
        written.and(folded).and(self.connection.close().await)
    }
}
