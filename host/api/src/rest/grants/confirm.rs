//! `POST /runtimes/{id}/grants/{plugin}/confirm`: lets a version of a plugin reach what the runtime grants.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::{PluginName, RuntimeId};

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, OptionalJson, Path};
use crate::wire::error::ErrorBody;
use crate::wire::grant::{ConfirmBody, PluginGrantsView};

/// Confirm what a plugin may reach
///
/// The current version of the plugin gets what the runtime grants, and new executions start on it. Asking again changes
/// nothing. No assistant may, unless the operator says so.
#[utoipa::path(
    post,
    path = "/api/v1/runtimes/{runtimeId}/grants/{pluginName}/confirm",
    operation_id = "confirmGrants",
    tag = "plugins",
    params(
        ("runtimeId" = String, Path, description = "The runtime"),
        ("pluginName" = String, Path, description = "The plugin"),
    ),
    request_body = Option<ConfirmBody>,
    responses(
        (status = 200, description = "Where the plugin stands now", body = PluginGrantsView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn confirm(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path((runtime, plugin)): Path<(RuntimeId, PluginName)>,
    OptionalJson(body): OptionalJson<ConfirmBody>,
) -> Result<Response, ApiError> {
    let grants = engine.confirm_grants(&principal, &runtime, &plugin, body.digest).await?;
    Ok(Json(PluginGrantsView::from(grants)).into_response())
}
