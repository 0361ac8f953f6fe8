//! `POST /runtimes`: makes a runtime.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use orgata_engine::Engine;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, located};
use crate::wire::error::ErrorBody;
use crate::wire::runtime::{CreateRuntimeBody, RuntimeDetails};

/// Make a runtime
///
/// Asking again with the same body changes nothing; with another one it is a conflict.
#[utoipa::path(
    post,
    path = "/api/v1/runtimes",
    operation_id = "createRuntime",
    tag = "runtimes",
    request_body = CreateRuntimeBody,
    responses(
        (status = 201, description = "It exists, and said the same before if it did", body = RuntimeDetails,
            headers(("Location" = String, description = "Where it is"))),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn create(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Json(body): Json<CreateRuntimeBody>,
) -> Result<Response, ApiError> {
    let path = format!("/api/v1/runtimes/{}", body.runtime_id);
    let info = engine.create_runtime(&principal, body.into()).await?;
    let response = (StatusCode::CREATED, Json(RuntimeDetails::from(info))).into_response();
    Ok(located(response, path))
}
