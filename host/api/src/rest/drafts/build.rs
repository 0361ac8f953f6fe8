//! `POST /drafts`: builds a component of source text.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use orgata_engine::Engine;
use orgata_engine::ports::SourceFile;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, located};
use crate::wire::draft::{BuildBody, DraftView};
use crate::wire::error::ErrorBody;

/// Where it is: building takes longer than other requests.
pub(crate) const PATH: &str = "/api/v1/drafts";

/// Build a draft
///
/// The component is kept for an hour under its digest, to be validated, tested and loaded. A mistake in the sources is told
/// with file and line.
#[utoipa::path(
    post,
    path = PATH,
    operation_id = "buildOperation",
    tag = "drafts",
    request_body = BuildBody,
    responses(
        (status = 201, description = "Built", body = DraftView,
            headers(("Location" = String, description = "Where it is"))),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn build(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Json(body): Json<BuildBody>,
) -> Result<Response, ApiError> {
    let files: Vec<SourceFile> = body.files.into_iter().map(SourceFile::from).collect();
    let draft = engine.build_operation(&principal, body.language, &files).await?;
    let view = Json(DraftView::from(&draft));
    Ok(located((StatusCode::CREATED, view).into_response(), format!("{PATH}/{}", draft.digest)))
}
