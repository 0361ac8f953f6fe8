//! `POST /drafts/{digest}/test`: runs a draft in the sandbox.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::Digest;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, OptionalJson, Path};
use crate::wire::draft::{TestBody, TestedView};
use crate::wire::error::ErrorBody;

/// Where it is: many trials take longer than other requests.
pub(crate) const PATH: &str = "/api/v1/drafts/{digest}/test";

/// Test a draft
///
/// Runs its examples, and the cases of the body, in the sandbox. Nothing is granted unless a runtime in development is named.
#[utoipa::path(
    post,
    path = PATH,
    operation_id = "testOperation",
    tag = "drafts",
    params(("digest" = String, Path, description = "The draft")),
    request_body = Option<TestBody>,
    responses(
        (status = 200, description = "How it went", body = TestedView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn test(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(digest): Path<Digest>,
    OptionalJson(body): OptionalJson<TestBody>,
) -> Result<Response, ApiError> {
    let tested = engine.test_operation(&principal, digest, body.into()).await?;
    Ok(Json(TestedView::from(&tested)).into_response())
}
