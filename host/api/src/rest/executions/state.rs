//! `GET /executions/{id}/state`: an execution with its input, its steps and their results.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::ExecutionId;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::state::StateView;

/// See an execution's steps and their results
#[utoipa::path(
    get,
    path = "/api/v1/executions/{executionId}/state",
    operation_id = "getExecutionState",
    tag = "executions",
    params(("executionId" = String, Path, description = "The execution")),
    responses(
        (status = 200, description = "Its whole context", body = StateView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn state(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<ExecutionId>,
) -> Result<Response, ApiError> {
    let state = engine.state(&principal, id).await?;
    Ok(Json(StateView::from(&state)).into_response())
}
