//! What is written down of decisions.

use jiff::Timestamp;

use crate::access::Rule;
use crate::host::Host;
use crate::principal::Principal;

/// One line of the audit, before it has its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub principal: String,
    /// What kind of being that is: `user`, `service` or `assistant`.
    pub kind: &'static str,
    /// From which address.
    pub address: Option<String>,
    /// In which request.
    pub request: Option<String>,
    /// What: the action of a rule.
    pub action: &'static str,
    /// With which thing, as far as it is known.
    pub subject: String,
    /// What came of it.
    pub verdict: AuditVerdict,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditVerdict {
    /// It was let in. This is written before the work, so it is on disk no later than what it did.
    Admitted,
    /// It was refused, for this reason.
    Denied(String),
    /// It was let in, and failed with this code.
    Failed(&'static str),
}

impl Host {
    /// Writes down what came of a request. Never waits.
    pub(crate) fn note(&self, who: &Principal, rule: &Rule, subject: &str, verdict: AuditVerdict) {
        let origin = who.origin();
        let record = AuditRecord {
            at: self.clock.now(),
            principal: who.name().to_owned(),
            kind: who.kind().as_str(),
            address: origin.and_then(|origin| origin.address).map(|address| address.to_string()),
            request: origin.and_then(|origin| origin.request.clone()),
            action: rule.action,
            subject: subject.to_owned(),
            verdict,
        };
        self.store.audit(record);
    }
}
