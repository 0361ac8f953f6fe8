//! `POST /runtimes/{id}/executions`: starts an execution.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use orgata_engine::{Engine, StartRequest};
use orgata_model::{RuntimeId, duration};
use utoipa::IntoParams;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path, located};
use crate::query::{FromQuery, Pairs, Query};
use crate::wire::error::ErrorBody;
use crate::wire::execution::{ExecutionHandle, StartBody};

/// How to start.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wait {
    /// Hold the answer until the execution ends or needs a person, so long at most: `30s`, `2m`.
    #[param(value_type = Option<String>, example = "30s")]
    wait: Option<Duration>,
}

impl FromQuery for Wait {
    fn read(query: &mut Pairs<'_>) -> Result<Self, ApiError> {
        Ok(Self { wait: query.one_with("wait", duration::parse)? })
    }
}

/// Start an execution
///
/// Once this answers, the execution is durable. With an `idempotencyKey`, asking again gives the same one.
#[utoipa::path(
    post,
    path = "/api/v1/runtimes/{runtimeId}/executions",
    operation_id = "executePlaybook",
    tag = "executions",
    params(("runtimeId" = String, Path, description = "The runtime"), Wait),
    request_body = StartBody,
    responses(
        (status = 202, description = "Accepted, and not yet at its end", body = ExecutionHandle,
            headers(("Location" = String, description = "Where to look at it"))),
        (status = 200, description = "It ended while the answer was held, or was started before with this key", body = ExecutionHandle),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn start(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(runtime): Path<RuntimeId>,
    Query(Wait { wait }): Query<Wait>,
    Json(body): Json<StartBody>,
) -> Result<Response, ApiError> {
    let request = StartRequest {
        playbook: body.playbook_name,
        input: body.input,
        idempotency_key: body.idempotency_key,
        labels: body.execution_options.labels,
        wait,
    };
    let started = engine.start(&principal, &runtime, request).await?;
    let mut response = Json(ExecutionHandle::from(&started.summary)).into_response();
    if !started.existing && !started.summary.status.is_end() {
        *response.status_mut() = StatusCode::ACCEPTED;
    }
    Ok(located(response, format!("/api/v1/executions/{}", started.summary.id)))
}
