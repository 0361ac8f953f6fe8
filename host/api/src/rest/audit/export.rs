//! `GET /audit/export`: the audit written down, to be kept and checked elsewhere.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use orgata_engine::ports::AuditQuery;
use orgata_engine::{Engine, Principal};

use super::filter::{self, Filter};
use crate::app::Caller;
use crate::error::ApiError;
use crate::query::{FromQuery, Pairs, Query};
use crate::wire::audit::AuditLineView;
use crate::wire::error::ErrorBody;
use crate::wire::transfer::{MEDIA_TYPE, line};

/// Lines that are read and sent at a time.
const PIECE: usize = 200;

/// All of what the filter finds.
pub(crate) struct Exported(AuditQuery);

impl FromQuery for Exported {
    fn read(query: &mut Pairs<'_>) -> Result<Self, ApiError> {
        Ok(Self(AuditQuery { oldest_first: true, limit: PIECE, ..filter::read(query)? }))
    }
}

/// Export the audit
///
/// JSON lines, each an `AuditLineView`, in the order in which they were written. A whole export, or a part of it without
/// gaps, can be checked anywhere with `orgata audit verify FILE`.
#[utoipa::path(
    get,
    path = "/api/v1/audit/export",
    operation_id = "exportAudit",
    tag = "audit",
    params(Filter),
    responses(
        (status = 200, description = "The lines", body = AuditLineView, content_type = "application/x-ndjson"),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn export(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Query(Exported(query)): Query<Exported>,
) -> Result<Response, ApiError> {
    // Refusals come before the first byte, where they still have a status.
    let first = piece(&engine, &principal, query).await?;
    let pieces = stream::try_unfold(Some(first), move |next| {
        let (engine, principal) = (engine.clone(), principal.clone());
        async move {
            let Some((bytes, more)) = next else { return Ok::<_, std::io::Error>(None) };
            let next = match more {
                Some(query) => Some(piece(&engine, &principal, query).await.map_err(|error| {
                    // Headers are long gone: the client sees that it broke off.
                    tracing::warn!(error = error.message(), "an export of the audit broke off");
                    std::io::Error::other(error.message().to_owned())
                })?),
                None => None,
            };
            Ok(Some((bytes, next)))
        }
    });
    let headers =
        [(CONTENT_TYPE, MEDIA_TYPE), (CONTENT_DISPOSITION, "attachment; filename=\"orgata-audit.jsonl\"")];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Some lines, and how to get the next.
async fn piece(
    engine: &Engine,
    who: &Principal,
    query: AuditQuery,
) -> Result<(Vec<u8>, Option<AuditQuery>), ApiError> {
    let page = engine.audit(who, &query).await?;
    let mut bytes = Vec::new();
    for item in &page.items {
        bytes.extend(line(&AuditLineView::from(item)).map_err(|error| crate::error::internal(&error))?);
    }
    Ok((bytes, page.next.map(|cursor| AuditQuery { cursor: Some(cursor), ..query })))
}
