//! `GET /runtimes/{id}/grants`: what each plugin wants, gets and does in a runtime.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::RuntimeId;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::grant::PluginGrantsView;
use crate::wire::page::PageView;

/// List what plugins may reach in a runtime
///
/// For each plugin: what it wants by its imports, what it is granted, what it really reached since the host started, which
/// version is confirmed, and which waits to be.
#[utoipa::path(
    get,
    path = "/api/v1/runtimes/{runtimeId}/grants",
    operation_id = "listGrants",
    tag = "plugins",
    params(("runtimeId" = String, Path, description = "The runtime")),
    responses(
        (status = 200, description = "Every plugin that the runtime has seen, by name", body = PageView<PluginGrantsView>),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(runtime): Path<RuntimeId>,
) -> Result<Response, ApiError> {
    let grants = engine.grants(&principal, &runtime)?;
    Ok(Json(PageView::whole(grants.into_iter().map(PluginGrantsView::from).collect())).into_response())
}
