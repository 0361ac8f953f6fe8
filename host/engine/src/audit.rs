//! Doors: reading the audit, and checking that it is whole. Removing lines that were kept for long enough.

use std::sync::Arc;
use std::time::Duration;

use orgata_model::access::Resource;
use tracing::{error, info};

use crate::access::{
    AuditBreak, AuditHead, AuditLine, AuditRecord, AuditVerdict, Chain, Place, Subject, TRIM, rules,
};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::host::Host;
use crate::ports::{AuditQuery, Page, StoreError};
use crate::principal::{Principal, PrincipalKind};

/// Lines that are checked at a time.
const PAGE: usize = 1000;
/// A tenth of the time that lines are kept goes by between two looks; within these bounds.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// What came of checking the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCheck {
    /// How many lines fit.
    pub lines: u64,
    /// The last of them: noted somewhere else, it tells later whether the newest lines were taken away.
    pub head: Option<AuditHead>,
    /// The last line that was removed because it was kept for long enough.
    pub removed: Option<AuditHead>,
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
        let log = self.0.store.audit_log();
        loop {
            let removed = log.audit_anchor().await?;
            let check = self.checked(noted, removed).await?;
            // Lines that are removed meanwhile are no break: the rest is looked at anew.
            if check.broken.is_none() || log.audit_anchor().await? == removed {
                return Ok(check);
            }
        }
    }

    async fn checked(
        &self,
        noted: Option<AuditHead>,
        removed: Option<AuditHead>,
    ) -> Result<AuditCheck, EngineError> {
        if let (Some(noted), Some(removed)) = (noted, removed)
            && noted.seq < removed.seq
        {
            return Err(EngineError::BadRequest(format!(
                "line {} was removed since, with all up to {}, as audit.keep says: compare with a later note",
                noted.seq, removed.seq
            )));
        }
        let mut chain = Chain::expecting(noted).after(removed);
        let told = |chain: &Chain, broken: Option<AuditBreak>| AuditCheck {
            lines: chain.lines(),
            head: chain.head(),
            removed,
            broken,
        };
        let mut query = AuditQuery { oldest_first: true, limit: PAGE, ..AuditQuery::default() };
        loop {
            let page = match self.0.store.audit_log().audit_lines(&query).await {
                Ok(page) => page,
                Err(StoreError::Broken { key, reason, .. }) => {
                    let seq = key.parse().unwrap_or_default();
                    let broken = Some(AuditBreak { seq, what: format!("it cannot be read: {reason}") });
                    return Ok(told(&chain, broken));
                }
                Err(error) => return Err(error.into()),
            };
            if removed.is_none()
                && chain.lines() == 0
                && let Some(first) = page.items.first()
                && first.seq != 1
            {
                let what = "the chain begins here: the lines before it are missing".to_owned();
                let broken = Some(AuditBreak { seq: first.seq, what });
                return Ok(told(&chain, broken));
            }
            let broken = page.items.iter().find_map(|line| chain.take(line).err());
            if broken.is_some() || page.next.is_none() {
                let broken = broken.or_else(|| chain.end().err());
                return Ok(told(&chain, broken));
            }
            query.cursor = page.next;
        }
    }

    fn may_read_audit(&self, who: &Principal) -> Result<(), EngineError> {
        let subject = Subject { thing: Thing::Audit, name: Resource::Audit.as_str() };
        self.0.permit(who, &rules::AUDIT, Place::Host, subject)
    }
}

/// Removes lines that were kept for long enough, again and again until the host stops.
pub(crate) async fn trim(host: Arc<Host>) {
    let Some(keep) = host.settings.audit_keep.time() else { return };
    let pause = (keep / 10).clamp(LEAST_PAUSE, LONGEST_PAUSE);
    loop {
        match trim_before(&host, keep).await {
            Ok(None) => {}
            Ok(Some(last)) => info!(up_to = last.seq, "lines of the audit were removed, as audit.keep says"),
            Err(error) => error!(%error, "old lines of the audit cannot be removed; trying again later"),
        }
        tokio::select! {
            biased;
            () = host.stopping.cancelled() => return,
            () = host.clock.sleep_until(host.clock.now() + pause) => {}
        }
    }
}

/// Removes all that is older, a step at a time, and tells of the last. A line of the audit says so in the same transaction: the
/// chain itself tells what is missing at its beginning.
async fn trim_before(host: &Host, keep: Duration) -> Result<Option<AuditHead>, StoreError> {
    let Ok(before) = host.clock.now().checked_sub(keep) else { return Ok(None) };
    let log = host.store.audit_log();
    let mut removed = None;
    while let Some(last) = log.audit_to_go(before).await? {
        log.audit(AuditRecord {
            at: host.clock.now(),
            principal: "host".to_owned(),
            kind: PrincipalKind::Service.as_str(),
            address: None,
            request: None,
            action: TRIM,
            subject: last.to_string(),
            verdict: AuditVerdict::Admitted,
        })?;
        log.trim_audit(last).await?;
        removed = Some(last);
    }
    Ok(removed)
}
