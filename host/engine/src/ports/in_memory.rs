//! What a store keeps beside executions, in memory: for simulations and tests, which end before it matters.

use std::sync::{Mutex, MutexGuard, PoisonError};

use orgata_model::Digest;

use super::audit::{AuditLog, AuditQuery};
use super::store::{Page, StoreError};
use crate::access::{AuditLine, AuditRecord};

/// All of it.
#[derive(Debug, Default)]
pub struct InMemory {
    audit: Mutex<Vec<AuditLine>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait::async_trait]
impl AuditLog for InMemory {
    fn audit(&self, record: AuditRecord) -> Result<(), StoreError> {
        let mut lines = locked(&self.audit);
        let head = match lines.last() {
            Some(line) => line.head(),
            None => {
                let first = AuditLine::first(record.at, Digest::of(b"in memory"));
                let head = first.head();
                lines.push(first);
                head
            }
        };
        lines.push(AuditLine::after(head, record));
        Ok(())
    }

    async fn audit_lines(&self, query: &AuditQuery) -> Result<Page<AuditLine>, StoreError> {
        let mut lines: Vec<_> =
            locked(&self.audit).iter().filter(|line| query.wants(line)).cloned().collect();
        if !query.oldest_first {
            lines.reverse();
        }
        if let Some(cursor) = &query.cursor {
            let after: u64 = cursor.parse().map_err(|_| StoreError::Cursor)?;
            let begin = lines.iter().position(|line| line.seq == after).map_or(0, |at| at + 1);
            lines.drain(..begin);
        }
        let more = lines.len() > query.limit;
        lines.truncate(query.limit);
        let next = lines.last().filter(|_| more).map(|line| line.seq.to_string());
        Ok(Page { items: lines, next })
    }
}
