//! `POST /plugins/{name}/rollback`: makes an earlier version of a plugin current again.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::PluginName;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, OptionalJson, Path};
use crate::wire::error::ErrorBody;
use crate::wire::plugin::{PluginView, RollbackBody};

/// Go back to an earlier version of a plugin
///
/// New executions start on it; those that have started keep theirs. Without a digest, or without a body,
/// it is the version before the present one.
#[utoipa::path(
    post,
    path = "/api/v1/plugins/{pluginName}/rollback",
    operation_id = "rollbackPlugin",
    tag = "plugins",
    params(("pluginName" = String, Path, description = "The plugin")),
    request_body = Option<RollbackBody>,
    responses(
        (status = 200, description = "The version that is current now", body = PluginView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn rollback(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(name): Path<PluginName>,
    OptionalJson(body): OptionalJson<RollbackBody>,
) -> Result<Response, ApiError> {
    let plugin = engine.rollback_plugin(&principal, &name, body.digest).await?;
    Ok(Json(PluginView::from(&*plugin)).into_response())
}
