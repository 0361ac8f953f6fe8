//! `POST /executions/{id}/retry`, `…/skip`, `…/hold`: an operator helps an execution on.

use axum::extract::State;
use axum::response::Response;
use orgata_engine::{Control, Engine};
use orgata_model::ExecutionId;

use super::steer::steer;
use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, OptionalJson, Path};
use crate::wire::control::{HoldBody, RetryBody, SkipBody};
use crate::wire::error::ErrorBody;
use crate::wire::execution::ExecutionView;

/// Retry an execution that failed
///
/// The step that failed begins anew, with the same idempotency key; everything that succeeded is kept. An execution
/// whose steps were undone cannot be retried: fork it.
#[utoipa::path(
    post,
    path = "/api/v1/executions/{executionId}/retry",
    operation_id = "retryExecution",
    tag = "executions",
    params(("executionId" = String, Path, description = "The execution")),
    request_body = Option<RetryBody>,
    responses(
        (status = 200, description = "Done, and durable: where it stands now", body = ExecutionView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn retry(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<ExecutionId>,
    OptionalJson(body): OptionalJson<RetryBody>,
) -> Result<Response, ApiError> {
    let control = Control::Retry { step: body.step, input: body.input };
    steer(&engine, &principal, id, control, body.reason).await
}

/// Skip a step
///
/// A step that has not begun, waits, or failed is not run; with a `result` it counts as done with it. A step that is at
/// work cannot be skipped.
#[utoipa::path(
    post,
    path = "/api/v1/executions/{executionId}/skip",
    operation_id = "skipStep",
    tag = "executions",
    params(("executionId" = String, Path, description = "The execution")),
    request_body = SkipBody,
    responses(
        (status = 200, description = "Done, and durable: where it stands now", body = ExecutionView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn skip(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<ExecutionId>,
    Json(body): Json<SkipBody>,
) -> Result<Response, ApiError> {
    let control = Control::Skip { step: body.step, result: body.result };
    steer(&engine, &principal, id, control, body.reason).await
}

/// Hold a step until somebody answers
///
/// Opens an intervention before a step that has not begun. `proceed` lets it begin; `fail` fails it.
#[utoipa::path(
    post,
    path = "/api/v1/executions/{executionId}/hold",
    operation_id = "holdStep",
    tag = "executions",
    params(("executionId" = String, Path, description = "The execution")),
    request_body = HoldBody,
    responses(
        (status = 200, description = "Done, and durable: where it stands now", body = ExecutionView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn hold(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<ExecutionId>,
    Json(body): Json<HoldBody>,
) -> Result<Response, ApiError> {
    steer(&engine, &principal, id, Control::Hold(body.into()), None).await
}
