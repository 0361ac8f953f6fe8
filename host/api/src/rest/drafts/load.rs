//! `POST /drafts/{digest}/load`: makes a draft the current version of its plugin.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::Digest;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, OptionalJson, Path};
use crate::wire::draft::{LoadBody, LoadedView};
use crate::wire::error::ErrorBody;

/// Load a draft
///
/// New executions start on it, as on an uploaded plugin. A plugin of its name that is current is replaced only if the body says
/// so. Tells what is another thing now.
#[utoipa::path(
    post,
    path = "/api/v1/drafts/{digest}/load",
    operation_id = "loadOperation",
    tag = "drafts",
    params(("digest" = String, Path, description = "The draft")),
    request_body = Option<LoadBody>,
    responses(
        (status = 200, description = "What is current now", body = LoadedView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn load(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(digest): Path<Digest>,
    OptionalJson(body): OptionalJson<LoadBody>,
) -> Result<Response, ApiError> {
    let LoadBody { runtime_id: runtime, replace } = body;
    let loaded = engine.load_operation(&principal, digest, runtime.as_ref(), replace).await?;
    Ok(Json(LoadedView::from(&loaded)).into_response())
}
