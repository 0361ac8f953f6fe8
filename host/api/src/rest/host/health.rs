//! `GET /health`: the process is there.

use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::Json;

/// How the host is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok` or `ready`.
    pub(crate) status: &'static str,
}

/// See whether the host is alive
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "getHealth",
    tag = "host",
    responses((status = 200, description = "It is", body = Health))
)]
pub(crate) async fn health() -> Response {
    Json(Health { status: "ok" }).into_response()
}
