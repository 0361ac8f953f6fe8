//! What is written down of decisions.
//!
//! A door that lets somebody in says so before the work: the line is on disk no later than what was done. One that
//! cannot be kept lets nobody in. Refusals and failures are written down as long as there is room; what had none is
//! counted, and one line says how many of whom are missing.
//!
//! Texts come from outside: they are cut, and control characters in them are made visible, before anything keeps them.

use jiff::Timestamp;
use orgata_model::operation::Plugin;
use orgata_model::runtime::Environment;
use orgata_model::text;

use crate::access::Rule;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::host::Host;
use crate::principal::{Origin, Principal};

/// Longest name of whoever asks, in bytes.
const MAX_NAME: usize = 200;
/// Longest id of a request.
const MAX_REQUEST: usize = 128;
/// Longest name of what it is about.
const MAX_SUBJECT: usize = 300;
/// Longest reason of a refusal.
const MAX_REASON: usize = 500;

/// One line of the audit, before it has its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub principal: String,
    /// What kind of being that is: `user`, `service`, `assistant` or `plugin`, or `unknown`.
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
    /// The same, and this is what whoever asked said for it, or what it means.
    AdmittedFor(String),
    /// It was refused, for this reason.
    Denied(String),
    /// It was let in, and failed with this code.
    Failed(&'static str),
    /// So many lines of this principal had no room. Whoever keeps the audit makes these, and nobody else.
    LeftOut(u64),
}

impl AuditRecord {
    /// Who did not prove who they are.
    pub const NOBODY: &'static str = "(unknown)";
    /// What kind of being that is.
    pub const NOBODYS_KIND: &'static str = "unknown";
    /// The action of those who wanted to be let in and proved nothing.
    pub const AUTHENTICATE: &'static str = "authenticate";
    /// The action of those who asked for a thing in an environment that does not exist for them.
    pub const ENTER: &'static str = "enter";
    /// The action of lines that tell how many others had no room.
    pub const LEFT_OUT: &'static str = "audit.left_out";

    /// What kind of being a plugin is, where it is denied something.
    pub const PLUGINS_KIND: &'static str = "plugin";
    /// The action of a version of a plugin that wants more than the one before.
    pub const PENDING: &'static str = "grant.pending";

    /// What came of something that a plugin wanted.
    pub(crate) fn of_plugin(
        at: Timestamp,
        plugin: &Plugin,
        action: &'static str,
        subject: String,
        verdict: AuditVerdict,
    ) -> Self {
        let principal = format!("{}@{}", plugin.name, plugin.version);
        let (kind, address, request) = (Self::PLUGINS_KIND, None, None);
        Self { at, principal, kind, address, request, action, subject, verdict }.cleaned()
    }

    /// The same, in which texts from outside can do no harm.
    fn cleaned(self) -> Self {
        let verdict = match self.verdict {
            AuditVerdict::Denied(reason) => AuditVerdict::Denied(clean(&reason, MAX_REASON)),
            AuditVerdict::AdmittedFor(reason) => AuditVerdict::AdmittedFor(clean(&reason, MAX_REASON)),
            other => other,
        };
        Self {
            principal: clean(&self.principal, MAX_NAME),
            request: self.request.map(|request| clean(&request, MAX_REQUEST)),
            subject: clean(&self.subject, MAX_SUBJECT),
            verdict,
            ..self
        }
    }

    /// Whether it must be kept whatever happens: what it lets in would otherwise leave no trace.
    pub fn is_admission(&self) -> bool {
        matches!(self.verdict, AuditVerdict::Admitted | AuditVerdict::AdmittedFor(_))
    }
}

impl AuditVerdict {
    /// The word on the wire and in the store.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Admitted | Self::AdmittedFor(_) => "admitted",
            Self::Denied(_) => "denied",
            Self::Failed(_) => "failed",
            Self::LeftOut(_) => "left_out",
        }
    }

    /// What is said beside the word.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Admitted => None,
            Self::Denied(reason) | Self::AdmittedFor(reason) => Some(reason.clone()),
            Self::Failed(code) => Some((*code).to_owned()),
            Self::LeftOut(count) => Some(count.to_string()),
        }
    }
}

impl Engine {
    /// Writes down that somebody wanted to go there and did not prove who they are. Never waits.
    pub fn unproved(&self, origin: &Origin, to: &str, why: &str) {
        let verdict = AuditVerdict::Denied(why.to_owned());
        let (name, kind) = (AuditRecord::NOBODY, AuditRecord::NOBODYS_KIND);
        let record = self.0.line(name, kind, Some(origin), AuditRecord::AUTHENTICATE, to, verdict);
        self.0.store.audit_log().tell(record);
    }
}

impl Host {
    /// Writes down that somebody is let in, and what for where that is said. Never waits; whom it refuses must not be let in.
    pub(crate) fn admit(
        &self,
        who: &Principal,
        rule: &Rule,
        subject: &str,
        reason: Option<String>,
    ) -> Result<(), EngineError> {
        let verdict = reason.map_or(AuditVerdict::Admitted, AuditVerdict::AdmittedFor);
        Ok(self.store.audit_log().audit(self.record(who, rule, subject, verdict))?)
    }

    /// Writes down what came of a request. Never waits; where there is no room, it is counted.
    pub(crate) fn note(&self, who: &Principal, rule: &Rule, subject: &str, verdict: AuditVerdict) {
        self.store.audit_log().tell(self.record(who, rule, subject, verdict));
    }

    /// Writes down that somebody asked for what is where they may do nothing; they were told that there is no such thing.
    pub(crate) fn note_unseen(&self, who: &Principal, subject: &str, environment: Environment) {
        let verdict = AuditVerdict::Denied(format!(
            "it is in {}, where {} may do nothing",
            environment.as_str(),
            who.name()
        ));
        let record =
            self.line(who.name(), who.kind().as_str(), who.origin(), AuditRecord::ENTER, subject, verdict);
        self.store.audit_log().tell(record);
    }

    fn record(&self, who: &Principal, rule: &Rule, subject: &str, verdict: AuditVerdict) -> AuditRecord {
        self.line(who.name(), who.kind().as_str(), who.origin(), rule.action, subject, verdict)
    }

    fn line(
        &self,
        name: &str,
        kind: &'static str,
        origin: Option<&Origin>,
        action: &'static str,
        subject: &str,
        verdict: AuditVerdict,
    ) -> AuditRecord {
        AuditRecord {
            at: self.clock.now(),
            principal: name.to_owned(),
            kind,
            address: origin.and_then(|origin| origin.address).map(|address| address.to_string()),
            request: origin.and_then(|origin| origin.request.clone()),
            action,
            subject: subject.to_owned(),
            verdict,
        }
        .cleaned()
    }
}

/// A text of `bytes` at most, about, in which nothing can paint, break a line or turn the others around.
fn clean(text: &str, bytes: usize) -> String {
    let kept = text::cut(text, bytes);
    let mut cleaned = text::escaped(kept);
    if kept.len() < text.len() {
        cleaned.push('…');
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_from_outside_can_forge_no_line() {
        assert_eq!(clean("ada\n2026 root admitted\u{1b}[2J", 100), "ada\\n2026 root admitted\\u{1b}[2J");
        assert_eq!(clean("abc\u{202e}def", 100), "abc\\u{202e}def");
        assert_eq!(clean("quiet", 100), "quiet");
    }

    #[test]
    fn a_text_from_outside_is_cut_between_characters() {
        assert_eq!(clean("äääää", 5), "ää…");
        assert_eq!(clean("", 5), "");
    }
}
