//! `DELETE /plugins/{digest}`: withdraws a version of a plugin.

use axum::extract::State;
use http::StatusCode;
use orgata_engine::Engine;
use orgata_model::Digest;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Path;
use crate::wire::error::ErrorBody;

/// Retire a version of a plugin
///
/// Nothing new starts on it; what runs on it finishes.
#[utoipa::path(
    delete,
    path = "/api/v1/plugins/{digest}",
    operation_id = "retirePlugin",
    tag = "plugins",
    params(("digest" = String, Path, description = "`sha256:` and 64 hex digits")),
    responses(
        (status = 204, description = "Retired"),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn retire(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(digest): Path<Digest>,
) -> Result<StatusCode, ApiError> {
    engine.retire_plugin(&principal, digest).await?;
    Ok(StatusCode::NO_CONTENT)
}
