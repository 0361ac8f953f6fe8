//! `GET /runtimes/{id}`: one runtime.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::RuntimeId;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::runtime::RuntimeDetails;

/// See a runtime
#[utoipa::path(
    get,
    path = "/api/v1/runtimes/{runtimeId}",
    operation_id = "getRuntime",
    tag = "runtimes",
    params(("runtimeId" = String, Path, description = "The runtime")),
    responses(
        (status = 200, description = "The runtime, and what is in it", body = RuntimeDetails),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn get(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<RuntimeId>,
) -> Result<Response, ApiError> {
    let info = engine.runtime(&principal, &id)?;
    Ok(Json(RuntimeDetails::from(info)).into_response())
}
