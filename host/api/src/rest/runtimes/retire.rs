//! `DELETE /runtimes/{id}`: retires a runtime.

use axum::extract::State;
use http::StatusCode;
use orgata_engine::Engine;
use orgata_model::RuntimeId;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Path;
use crate::wire::error::ErrorBody;

/// Retire a runtime
///
/// Nothing new starts in it; what runs finishes.
#[utoipa::path(
    delete,
    path = "/api/v1/runtimes/{runtimeId}",
    operation_id = "retireRuntime",
    tag = "runtimes",
    params(("runtimeId" = String, Path, description = "The runtime")),
    responses(
        (status = 204, description = "Retired"),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn retire(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<RuntimeId>,
) -> Result<StatusCode, ApiError> {
    engine.retire_runtime(&principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
