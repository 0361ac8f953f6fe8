//! `GET /executions/{id}`: where an execution stands.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::ExecutionId;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::execution::ExecutionView;

/// See where an execution stands
#[utoipa::path(
    get,
    path = "/api/v1/executions/{executionId}",
    operation_id = "getExecution",
    tag = "executions",
    params(("executionId" = String, Path, description = "The execution")),
    responses(
        (status = 200, description = "Where it stands", body = ExecutionView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn get(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<ExecutionId>,
) -> Result<Response, ApiError> {
    let summary = engine.execution(&principal, id).await?;
    Ok(Json(ExecutionView::from(&summary)).into_response())
}
