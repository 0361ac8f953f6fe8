//! `POST /secrets/rotate`: seals all secrets with the present key.

use axum::extract::State;
use orgata_engine::Engine;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Json;
use crate::wire::error::ErrorBody;
use crate::wire::secret::RotationView;

/// Rotate the key of secrets
///
/// Seals with the present key what earlier ones sealed, all or nothing. After it, the earlier keys can leave the
/// configuration.
#[utoipa::path(
    post,
    path = "/api/v1/secrets/rotate",
    operation_id = "rotateSecrets",
    tag = "secrets",
    responses(
        (status = 200, description = "All are sealed with the present key", body = RotationView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn rotate(
    State(engine): State<Engine>,
    Caller(principal): Caller,
) -> Result<Json<RotationView>, ApiError> {
    Ok(Json(RotationView::from(engine.rotate_secrets(&principal).await?)))
}
