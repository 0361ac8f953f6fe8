//! `DELETE /secrets/{name}`: forgets a secret.

use axum::extract::State;
use http::StatusCode;
use orgata_engine::Engine;
use orgata_model::SecretName;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Path;
use crate::wire::error::ErrorBody;

/// Remove a secret
///
/// Plugins that ask for it from now on are told that it cannot be had.
#[utoipa::path(
    delete,
    path = "/api/v1/secrets/{name}",
    operation_id = "removeSecret",
    tag = "secrets",
    params(("name" = String, Path, description = "Its name")),
    responses(
        (status = 204, description = "It is gone"),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn remove(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(name): Path<SecretName>,
) -> Result<StatusCode, ApiError> {
    engine.remove_secret(&principal, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
