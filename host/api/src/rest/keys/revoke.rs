//! `DELETE /keys/{id}`: revokes a key.

use axum::extract::State;
use http::StatusCode;
use orgata_engine::Engine;
use orgata_model::KeyId;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Path;
use crate::wire::error::ErrorBody;

/// Revoke a key
///
/// From now on it proves nothing. It stays in the list.
#[utoipa::path(
    delete,
    path = "/api/v1/keys/{keyId}",
    operation_id = "revokeKey",
    tag = "keys",
    params(("keyId" = String, Path, description = "The key's id, `key_…`")),
    responses(
        (status = 204, description = "Revoked"),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn revoke(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<KeyId>,
) -> Result<StatusCode, ApiError> {
    engine.revoke_key(&principal, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
