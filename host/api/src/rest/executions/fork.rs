//! `POST /executions/{id}/fork`: a new execution from an earlier one.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use orgata_engine::Engine;
use orgata_model::ExecutionId;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, OptionalJson, Path};
use crate::wire::control::ForkBody;
use crate::wire::error::ErrorBody;
use crate::wire::execution::ExecutionHandle;

/// Fork an execution
///
/// A new execution that runs anew from a step, with the results of the steps that do not depend on it; or from the
/// beginning. Its input may be another, and its playbook and operations the latest.
#[utoipa::path(
    post,
    path = "/api/v1/executions/{executionId}/fork",
    operation_id = "forkExecution",
    tag = "executions",
    params(("executionId" = String, Path, description = "The earlier execution")),
    request_body = Option<ForkBody>,
    responses(
        (status = 201, description = "Made, and durable", body = ExecutionHandle),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn fork(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<ExecutionId>,
    OptionalJson(body): OptionalJson<ForkBody>,
) -> Result<Response, ApiError> {
    let summary = engine.fork(&principal, id, body.into()).await?;
    Ok((StatusCode::CREATED, Json(ExecutionHandle::from(&summary))).into_response())
}
