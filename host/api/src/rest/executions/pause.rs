//! `POST /executions/{id}/pause`: nothing new starts until it is resumed.

use axum::extract::State;
use axum::response::Response;
use orgata_engine::{Control, Engine};
use orgata_model::ExecutionId;

use super::steer;
use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{OptionalJson, Path};
use crate::wire::error::ErrorBody;
use crate::wire::execution::{ExecutionView, ReasonBody};

/// Pause an execution
///
/// What is at work finishes; nothing new starts until it is resumed. Questions may be answered meanwhile.
#[utoipa::path(
    post,
    path = "/api/v1/executions/{executionId}/pause",
    operation_id = "pauseExecution",
    tag = "executions",
    params(("executionId" = String, Path, description = "The execution")),
    request_body = Option<ReasonBody>,
    responses(
        (status = 200, description = "Done, and durable: where it stands now", body = ExecutionView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn pause(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<ExecutionId>,
    OptionalJson(body): OptionalJson<ReasonBody>,
) -> Result<Response, ApiError> {
    steer(&engine, &principal, id, Control::Pause, body).await
}
