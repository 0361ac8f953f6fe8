//! `POST /executions/{id}/events`: something happened outside that one execution is to know.

use axum::extract::State;
use http::StatusCode;
use orgata_engine::Engine;
use orgata_model::ExecutionId;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::control::OutsideEventBody;
use crate::wire::error::ErrorBody;

/// Tell one execution of an outside event
///
/// A step that waits for it takes it; otherwise it is kept until one does.
#[utoipa::path(
    post,
    path = "/api/v1/executions/{executionId}/events",
    operation_id = "sendExecutionEvent",
    tag = "executions",
    params(("executionId" = String, Path, description = "The execution")),
    request_body = OutsideEventBody,
    responses(
        (status = 204, description = "Durable"),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn send_to(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<ExecutionId>,
    Json(body): Json<OutsideEventBody>,
) -> Result<StatusCode, ApiError> {
    engine.execution_event(&principal, id, &body.event, body.payload).await?;
    Ok(StatusCode::NO_CONTENT)
}
