//! Which lines: the filter that the list and the export share.

use jiff::Timestamp;
use orgata_engine::ports::AuditQuery;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::query::Pairs;

/// Which lines.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(
    dead_code,
    reason = "only its description is used; the values are read straight into the engine's query"
)]
pub(super) struct Filter {
    /// Only of this principal.
    principal: Option<String>,
    /// Only of this action, `execution.start`; or of all that begin with this word, `execution`.
    action: Option<String>,
    /// Only with this verdict: `admitted`, `denied`, `failed`, `left_out` or `begun`.
    verdict: Option<String>,
    /// Only about this thing.
    subject: Option<String>,
    /// Only at or after this time (RFC 3339).
    #[param(format = DateTime)]
    since: Option<String>,
    /// Only before this time (RFC 3339).
    #[param(format = DateTime)]
    until: Option<String>,
}

/// The words that a verdict can be.
const VERDICTS: [&str; 5] = ["admitted", "denied", "failed", "left_out", "begun"];

/// Reads the filter.
pub(super) fn read(query: &mut Pairs<'_>) -> Result<AuditQuery, ApiError> {
    Ok(AuditQuery {
        principal: query.one("principal")?,
        action: query.one("action")?,
        verdict: query.one_with("verdict", verdict)?,
        subject: query.one("subject")?,
        since: query.one::<Timestamp>("since")?,
        until: query.one::<Timestamp>("until")?,
        ..AuditQuery::default()
    })
}

fn verdict(word: &str) -> Result<String, String> {
    match VERDICTS.contains(&word) {
        true => Ok(word.to_owned()),
        false => Err(format!("it is one of {}", VERDICTS.join(", "))),
    }
}
