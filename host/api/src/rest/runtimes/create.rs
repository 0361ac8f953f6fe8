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
        (status = 201, description = "Made", body = RuntimeDetails,
            headers(("Location" = String, description = "Where it is"))),
        (status = 200, description = "There was one that says the same", body = RuntimeDetails),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn create(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Json(body): Json<CreateRuntimeBody>,
) -> Result<Response, ApiError> {
    let path = format!("/api/v1/runtimes/{}", body.runtime_id);
    let existed = engine.runtime(&principal, &body.runtime_id).is_ok();
    let info = engine.create_runtime(&principal, body.into()).await?;
    let status = if existed { StatusCode::OK } else { StatusCode::CREATED };
    let response = (status, Json(RuntimeDetails::from(info))).into_response();
    Ok(located(response, path))
}
