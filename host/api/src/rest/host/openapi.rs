//! `GET /api/openapi.json`: what can be asked of the host.

use std::sync::LazyLock;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::app::App;
use crate::openapi::{openapi_json, openapi_json_of_one_that_asks};

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi_json().into());
/// Of a host that asks who calls.
static ASKING: LazyLock<Bytes> = LazyLock::new(|| openapi_json_of_one_that_asks().into());

/// Read this document
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    operation_id = "getOpenApi",
    tag = "host",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
pub(crate) async fn openapi(State(app): State<App>) -> Response {
    let document = if app.authenticator().is_required() { &ASKING } else { &DOCUMENT };
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], Bytes::clone(document))
        .into_response()
}
