//! `DELETE /executions/{id}` and `POST /executions/purge`: what has ended is deleted.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use orgata_engine::{Deed, Engine};
use orgata_model::{ExecutionId, duration};
use utoipa::IntoParams;

use super::bulk::{Bulk, deal};
use super::filter::Filter;
use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Path;
use crate::query::{FromQuery, Pairs, Query};
use crate::wire::bulk::BulkView;
use crate::wire::error::ErrorBody;

/// Which of those that have ended.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct Old {
    #[param(ignore)]
    bulk: Bulk,
    /// Only ended longer ago than this: `12h`, `30d`.
    #[param(value_type = Option<String>, example = "30d")]
    older_than: Option<Duration>,
}

impl FromQuery for Old {
    fn read(query: &mut Pairs<'_>) -> Result<Self, ApiError> {
        Ok(Self { bulk: Bulk::read(query)?, older_than: query.one_with("olderThan", duration::parse)? })
    }
}

/// Delete an execution
///
/// With its history, for good. One that has not ended is refused: cancel it first. Its idempotency key may be used
/// again afterwards.
#[utoipa::path(
    delete,
    path = "/api/v1/executions/{executionId}",
    operation_id = "deleteExecution",
    tag = "executions",
    params(("executionId" = String, Path, description = "The execution")),
    responses(
        (status = 204, description = "Deleted"),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn delete(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<ExecutionId>,
) -> Result<StatusCode, ApiError> {
    engine.purge(&principal, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete executions
///
/// All that the filter finds and that have ended, a page at a time; at least one filter must be given.
#[utoipa::path(
    post,
    path = "/api/v1/executions/purge",
    operation_id = "purgeExecutions",
    tag = "executions",
    params(Filter, Bulk, Old),
    responses(
        (status = 200, description = "What came of it for each", body = BulkView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn purge(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Query(Old { mut bulk, older_than }): Query<Old>,
) -> Result<Response, ApiError> {
    bulk.query.ended_before = older_than.and_then(|time| engine.now().checked_sub(time).ok());
    deal(&engine, &principal, bulk, Deed::Purge, None).await
}
