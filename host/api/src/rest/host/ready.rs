//! `GET /ready`: the host takes work.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;

use super::health::Health;
use crate::error::ApiError;
use crate::extract::Json;
use crate::wire::error::ErrorBody;

/// See whether the host takes work
#[utoipa::path(
    get,
    path = "/ready",
    operation_id = "getReadiness",
    tag = "host",
    responses(
        (status = 200, description = "It does", body = Health),
        (status = 503, description = "It is stopping, or its store cannot be written", body = ErrorBody),
    )
)]
pub(crate) async fn ready(State(engine): State<Engine>) -> Result<Response, ApiError> {
    engine.ready().await?;
    Ok(Json(Health { status: "ready" }).into_response())
}
