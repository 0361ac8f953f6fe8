//! `GET /plugins/{digest}`: one version of a plugin.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::Digest;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::plugin::PluginEntryView;

/// See a version of a plugin
#[utoipa::path(
    get,
    path = "/api/v1/plugins/{digest}",
    operation_id = "getPlugin",
    tag = "plugins",
    params(("digest" = String, Path, description = "`sha256:` and 64 hex digits")),
    responses(
        (status = 200, description = "What it imports, what it can do, where it stands", body = PluginEntryView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn get(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(digest): Path<Digest>,
) -> Result<Response, ApiError> {
    let entry = engine.plugin(&principal, digest)?;
    Ok(Json(PluginEntryView::from(&entry)).into_response())
}
