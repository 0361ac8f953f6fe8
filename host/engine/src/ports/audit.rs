//! Where the audit is kept.

use jiff::Timestamp;

use super::store::{Page, StoreError};
use crate::access::{AuditHead, AuditLine, AuditRecord};

/// Keeps the audit: lines are added, and never change. The oldest may go, from the first on and without gaps.
#[async_trait::async_trait]
pub trait AuditLog: Send + Sync {
    /// Takes a line, and gives it its place in the chain. Never waits. It is durable no later than what the store is asked
    /// to write after it, and soon in any case. Where there is no room an admission is refused, and so must be what it
    /// would let in; of other lines, how many were left out of each principal is written down.
    fn audit(&self, record: AuditRecord) -> Result<(), StoreError>;

    /// Takes a line that lets nobody in. Only admissions are ever refused: one that has no room is counted.
    fn tell(&self, record: AuditRecord) {
        debug_assert!(!record.is_admission(), "an admission that cannot be kept must not be let in");
        let _ = self.audit(record);
    }

    /// A page of it, with all that was taken before.
    async fn audit_lines(&self, query: &AuditQuery) -> Result<Page<AuditLine>, StoreError>;

    /// The last line that may be removed next, so that all up to it are from before this; nothing when there is none. The newest
    /// line is never among them.
    async fn audit_to_go(&self, before: Timestamp) -> Result<Option<AuditHead>, StoreError>;

    /// Removes all lines up to this one, and keeps it as the anchor, all or nothing, together with what was taken before.
    async fn trim_audit(&self, last: AuditHead) -> Result<(), StoreError>;

    /// The last line that was removed: the oldest that is there builds on it.
    async fn audit_anchor(&self) -> Result<Option<AuditHead>, StoreError>;
}

/// Which lines of the audit.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Only of this principal.
    pub principal: Option<String>,
    /// Only of this action, `execution.start`; or of all that begin with this word, `execution`.
    pub action: Option<String>,
    /// Only with this verdict.
    pub verdict: Option<String>,
    /// Only about this.
    pub subject: Option<String>,
    /// Only at or after.
    pub since: Option<Timestamp>,
    /// Only before.
    pub until: Option<Timestamp>,
    /// In the order in which they were written, instead of the newest first.
    pub oldest_first: bool,
    /// From the page before.
    pub cursor: Option<String>,
    /// At most so many, 1 to 1000.
    pub limit: usize,
}

impl AuditQuery {
    /// Whether a line is one of those that are asked for. Where the page begins and ends is not looked at.
    pub fn wants(&self, line: &AuditLine) -> bool {
        let is = |asked: &Option<String>, own: &str| asked.as_deref().is_none_or(|asked| asked == own);
        let action = |asked: &str| {
            line.action.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        is(&self.principal, &line.principal)
            && self.action.as_deref().is_none_or(action)
            && is(&self.verdict, &line.verdict)
            && is(&self.subject, &line.subject)
            && self.since.is_none_or(|since| line.at >= since)
            && self.until.is_none_or(|until| line.at < until)
    }
}
