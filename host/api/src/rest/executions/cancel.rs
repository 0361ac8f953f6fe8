//! `POST /executions/{id}/cancel`: it ends.

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

/// Cancel an execution
///
/// It ends at once; what is at work is stopped. What was done is not undone.
#[utoipa::path(
    post,
    path = "/api/v1/executions/{executionId}/cancel",
    operation_id = "cancelExecution",
    tag = "executions",
    params(("executionId" = String, Path, description = "The execution")),
    request_body = Option<ReasonBody>,
    responses(
        (status = 200, description = "Done, and durable: where it stands now", body = ExecutionView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn cancel(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<ExecutionId>,
    OptionalJson(body): OptionalJson<ReasonBody>,
) -> Result<Response, ApiError> {
    steer(&engine, &principal, id, Control::Cancel { compensate: true }, body).await
}
