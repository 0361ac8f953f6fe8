//! `GET /secrets`: which secrets there are.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Json;
use crate::wire::error::ErrorBody;
use crate::wire::page::PageView;
use crate::wire::secret::SecretView;

/// List secrets
///
/// Their names, and when each was set by whom. Values are never given back.
#[utoipa::path(
    get,
    path = "/api/v1/secrets",
    operation_id = "listSecrets",
    tag = "secrets",
    responses(
        (status = 200, description = "All of them, by name", body = PageView<SecretView>),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Caller(principal): Caller,
) -> Result<Response, ApiError> {
    let secrets = engine.secrets(&principal)?;
    Ok(Json(PageView::whole(secrets.iter().map(SecretView::from).collect())).into_response())
}
