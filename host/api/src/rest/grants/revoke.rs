//! `POST /runtimes/{id}/grants/{plugin}/revoke`: takes what a plugin was granted.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::{PluginName, RuntimeId};

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::grant::{PluginGrantsView, RevokeBody};

/// Revoke what a plugin may reach
///
/// At once: its calls under way in the runtime end with `NOT_GRANTED`, and nothing starts on it there until somebody confirms
/// it.
#[utoipa::path(
    post,
    path = "/api/v1/runtimes/{runtimeId}/grants/{pluginName}/revoke",
    operation_id = "revokeGrants",
    tag = "plugins",
    params(
        ("runtimeId" = String, Path, description = "The runtime"),
        ("pluginName" = String, Path, description = "The plugin"),
    ),
    request_body = RevokeBody,
    responses(
        (status = 200, description = "Where the plugin stands now", body = PluginGrantsView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn revoke(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path((runtime, plugin)): Path<(RuntimeId, PluginName)>,
    Json(body): Json<RevokeBody>,
) -> Result<Response, ApiError> {
    let grants = engine.revoke_grants(&principal, &runtime, &plugin, body.reason).await?;
    Ok(Json(PluginGrantsView::from(grants)).into_response())
}
