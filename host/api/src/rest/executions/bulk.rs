//! One deed to all executions that a filter finds: what its endpoints share.

use axum::response::{IntoResponse, Response};
use orgata_engine::ports::ExecutionQuery;
use orgata_engine::{BulkRequest, Deed, Engine, Principal};
use utoipa::IntoParams;

use super::filter;
use crate::error::ApiError;
use crate::extract::Json;
use crate::query::{FromQuery, Pairs};
use crate::wire::bulk::BulkView;

/// Executions that one request deals with, unless said.
const USUAL: usize = 100;

/// How many, and whether at all.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct Bulk {
    #[param(ignore)]
    pub(super) query: ExecutionQuery,
    /// At most so many, 1 to 1000; 100 when absent.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 1000)]
    limit: (),
    /// Do nothing, and say what would be done.
    #[param(value_type = Option<bool>)]
    dry_run: bool,
}

impl FromQuery for Bulk {
    fn read(query: &mut Pairs<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            query: filter::read(query, USUAL)?,
            limit: (),
            dry_run: query.one("dryRun")?.unwrap_or(false),
        })
    }
}

/// Does it, and says what came of it for each.
pub(super) async fn deal(
    engine: &Engine,
    principal: &Principal,
    Bulk { query, limit: (), dry_run }: Bulk,
    deed: Deed,
    reason: Option<String>,
) -> Result<Response, ApiError> {
    let request = BulkRequest { query, deed, reason, dry_run };
    let bulk = engine.bulk(principal, request).await?;
    Ok(Json(BulkView::new(bulk, dry_run)).into_response())
}
