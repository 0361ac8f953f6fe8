//! The audit as clients see it: lines with everything that their hashes are made of, so that whoever has a file of them
//! can check it without the host.

use jiff::Timestamp;
use orgata_engine::AuditCheck;
use orgata_engine::access::{AuditBreak, AuditHead, AuditLine};
use orgata_model::Digest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One line of the audit.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditLineView {
    /// Its place: from 1, without gaps.
    pub seq: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who.
    pub principal: String,
    /// `user`, `service` or `assistant`; `plugin` for one that was denied something; `unknown` for whoever did not prove it.
    pub kind: String,
    /// From which address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// In which request: its `x-request-id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What.
    #[schema(example = "execution.start")]
    pub action: String,
    /// With which thing.
    pub subject: String,
    /// `admitted`, `denied`, `failed`, `left_out`, or `begun` for the first line of all.
    pub verdict: String,
    /// Why it was denied, with which code it failed, or how many lines were left out. Of what was admitted: the reason that was
    /// given for it, and what a version gained that was confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The hash of the line before; of the first, 32 random bytes.
    #[schema(value_type = String)]
    pub previous: Digest,
    /// The hash of all of this.
    #[schema(value_type = String)]
    pub hash: Digest,
}

impl From<&AuditLine> for AuditLineView {
    fn from(line: &AuditLine) -> Self {
        Self {
            seq: line.seq,
            at: line.at,
            principal: line.principal.clone(),
            kind: line.kind.clone(),
            address: line.address.clone(),
            request_id: line.request.clone(),
            action: line.action.clone(),
            subject: line.subject.clone(),
            verdict: line.verdict.clone(),
            detail: line.detail.clone(),
            previous: line.previous,
            hash: line.hash,
        }
    }
}

impl From<AuditLineView> for AuditLine {
    fn from(view: AuditLineView) -> Self {
        Self {
            seq: view.seq,
            at: view.at,
            principal: view.principal,
            kind: view.kind,
            address: view.address,
            request: view.request_id,
            action: view.action,
            subject: view.subject,
            verdict: view.verdict,
            detail: view.detail,
            previous: view.previous,
            hash: view.hash,
        }
    }
}

/// A line, by its place and its hash.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditHeadView {
    /// Its place.
    pub seq: u64,
    /// Its hash.
    #[schema(value_type = String)]
    pub hash: Digest,
}

impl From<AuditHead> for AuditHeadView {
    fn from(AuditHead { seq, hash }: AuditHead) -> Self {
        Self { seq, hash }
    }
}

/// Where the chain is broken.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditBreakView {
    /// The first line that does not fit.
    pub seq: u64,
    /// What is wrong with it.
    pub what: String,
}

impl From<AuditBreak> for AuditBreakView {
    fn from(AuditBreak { seq, what }: AuditBreak) -> Self {
        Self { seq, what }
    }
}

/// What came of checking the audit.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditCheckView {
    /// Whether all of it fits.
    pub intact: bool,
    /// How many lines fit.
    pub lines: u64,
    /// The last of them: noted elsewhere, it tells later whether the newest lines were taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<AuditHeadView>,
    /// The last line that was removed because it was kept for long enough: the oldest that is there builds on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<AuditHeadView>,
    /// The first that does not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<AuditBreakView>,
}

impl From<AuditCheck> for AuditCheckView {
    fn from(check: AuditCheck) -> Self {
        Self {
            intact: check.broken.is_none(),
            lines: check.lines,
            head: check.head.map(AuditHeadView::from),
            removed: check.removed.map(AuditHeadView::from),
            broken: check.broken.map(AuditBreakView::from),
        }
    }
}
