//! `GET /audit`: who did what, and who was refused.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_engine::ports::AuditQuery;
use utoipa::IntoParams;

use super::filter::{self, Filter};
use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Json;
use crate::query::{FromQuery, MOST, Pairs, Query, USUAL};
use crate::wire::audit::AuditLineView;
use crate::wire::error::ErrorBody;
use crate::wire::page::PageView;

/// How many, and from where.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "only its description is used")]
struct Place {
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
    /// At most so many, 1 to 1000; 50 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// A page of what the filter finds.
pub(crate) struct Listed(AuditQuery);

impl FromQuery for Listed {
    fn read(query: &mut Pairs<'_>) -> Result<Self, ApiError> {
        let found = filter::read(query)?;
        let (cursor, limit) = (query.one("cursor")?, query.limit(USUAL, MOST)?);
        Ok(Self(AuditQuery { cursor, limit, ..found }))
    }
}

/// Read the audit
///
/// Every request that was let in to do something, and every one that was refused; newest first. Lines are chained by
/// their hashes.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    operation_id = "listAudit",
    tag = "audit",
    params(Filter, Place),
    responses(
        (status = 200, description = "Some of it", body = PageView<AuditLineView>),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Query(Listed(query)): Query<Listed>,
) -> Result<Response, ApiError> {
    let page = engine.audit(&principal, &query).await?;
    Ok(Json(PageView::<AuditLineView>::of(&page)).into_response())
}
