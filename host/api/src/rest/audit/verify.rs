//! `GET /audit/verify`: whether the audit is as it was written.

use axum::extract::State;
use orgata_engine::Engine;
use orgata_engine::access::AuditHead;
use utoipa::IntoParams;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Json;
use crate::query::{FromQuery, Pairs, Query};
use crate::wire::audit::AuditCheckView;
use crate::wire::error::ErrorBody;

/// A line that was noted earlier.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "only its description is used")]
struct Noted {
    /// The place of a line that was noted earlier, to find out whether the newest lines were taken away since.
    seq: Option<u64>,
    /// The hash of that line.
    hash: Option<String>,
}

/// What must be in the chain.
pub(crate) struct Expected(Option<AuditHead>);

impl FromQuery for Expected {
    fn read(query: &mut Pairs<'_>) -> Result<Self, ApiError> {
        match (query.one("seq")?, query.one("hash")?) {
            (Some(seq), Some(hash)) => Ok(Self(Some(AuditHead { seq, hash }))),
            (None, None) => Ok(Self(None)),
            _ => Err(ApiError::bad_request("a noted line has both a `seq` and a `hash`")),
        }
    }
}

/// Check the audit
///
/// Computes the whole chain anew. The first line that does not fit is named.
#[utoipa::path(
    get,
    path = "/api/v1/audit/verify",
    operation_id = "verifyAudit",
    tag = "audit",
    params(Noted),
    responses(
        (status = 200, description = "What came of it", body = AuditCheckView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn verify(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Query(Expected(noted)): Query<Expected>,
) -> Result<Json<AuditCheckView>, ApiError> {
    Ok(Json(AuditCheckView::from(engine.check_audit(&principal, noted).await?)))
}
