//! `POST /drafts/scaffold`: the source text of a new operation.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_engine::ports::Blueprint;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Json;
use crate::wire::draft::{FileView, FilesView, ScaffoldBody};
use crate::wire::error::ErrorBody;

/// Begin a new operation
///
/// Gives the source text of a plugin with one operation, to be edited. It builds, and passes its own example, as it is.
/// Nothing is kept.
#[utoipa::path(
    post,
    path = "/api/v1/drafts/scaffold",
    operation_id = "scaffoldOperation",
    tag = "drafts",
    request_body = ScaffoldBody,
    responses(
        (status = 200, description = "Its files", body = FilesView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn scaffold(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Json(body): Json<ScaffoldBody>,
) -> Result<Response, ApiError> {
    let blueprint = Blueprint::try_from(body).map_err(ApiError::bad_request)?;
    let files = engine.scaffold_operation(&principal, &blueprint)?;
    Ok(Json(FilesView { files: files.into_iter().map(FileView::from).collect() }).into_response())
}
