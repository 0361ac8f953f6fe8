//! `GET /executions/{id}/timeline`: what each step did, and when.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::ExecutionId;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::timeline::TimelineView;

/// See when each step did what
///
/// The spans of time in which steps were at work, waited for something or somebody, or were undone: what a picture of an
/// execution over time needs. Executions with more than 100,000 events have none.
#[utoipa::path(
    get,
    path = "/api/v1/executions/{executionId}/timeline",
    operation_id = "getExecutionTimeline",
    tag = "executions",
    params(("executionId" = String, Path, description = "The execution")),
    responses(
        (status = 200, description = "Its timeline", body = TimelineView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn timeline(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<ExecutionId>,
) -> Result<Response, ApiError> {
    let timeline = engine.timeline(&principal, id).await?;
    Ok(Json(TimelineView::of(id, &timeline)).into_response())
}
