//! Doors: reading the audit, and checking that it is whole.

use orgata_model::access::Resource;

use crate::access::{AuditBreak, AuditHead, AuditLine, Chain, Place, Subject, rules};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::ports::{AuditQuery, Page, StoreError};
use crate::principal::Principal;

/// Lines that are checked at a time.
const PAGE: usize = 1000;

/// What came of checking the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCheck {
    /// How many lines fit.
    pub lines: u64,
    /// The last of them: noted somewhere else, it tells later whether the newest lines were taken away.
    pub head: Option<AuditHead>,
    /// The first that does not fit.
    pub broken: Option<AuditBreak>,
}

impl Engine {
    /// A page of the audit.
    pub async fn audit(&self, who: &Principal, query: &AuditQuery) -> Result<Page<AuditLine>, EngineError> {
        self.may_read_audit(who)?;
        Ok(self.0.store.audit_log().audit_lines(query).await?)
    }

    /// Computes the whole chain anew, and compares it with a head that was noted earlier.
    pub async fn check_audit(
        &self,
        who: &Principal,
        noted: Option<AuditHead>,
    ) -> Result<AuditCheck, EngineError> {
        self.may_read_audit(who)?;
        let mut chain = Chain::expecting(noted);
        let mut query = AuditQuery { oldest_first: true, limit: PAGE, ..AuditQuery::default() };
        loop {
            let page = match self.0.store.audit_log().audit_lines(&query).await {
                Ok(page) => page,
                Err(StoreError::Broken { key, reason, .. }) => {
                    let seq = key.parse().unwrap_or_default();
                    let broken = Some(AuditBreak { seq, what: format!("it cannot be read: {reason}") });
                    return Ok(AuditCheck { lines: chain.lines(), head: chain.head(), broken });
                }
                Err(error) => return Err(error.into()),
            };
            if chain.lines() == 0
                && let Some(first) = page.items.first()
                && first.seq != 1
            {
                let what = "the chain begins here: the lines before it are missing".to_owned();
                let broken = Some(AuditBreak { seq: first.seq, what });
                return Ok(AuditCheck { lines: 0, head: None, broken });
            }
            let broken = page.items.iter().find_map(|line| chain.take(line).err());
            if broken.is_some() || page.next.is_none() {
                let broken = broken.or_else(|| chain.end().err());
                return Ok(AuditCheck { lines: chain.lines(), head: chain.head(), broken });
            }
            query.cursor = page.next;
        }
    }

    fn may_read_audit(&self, who: &Principal) -> Result<(), EngineError> {
        let subject = Subject { thing: Thing::Audit, name: Resource::Audit.as_str() };
        self.0.permit(who, &rules::AUDIT, Place::Host, subject)
    }
}
