//! `GET /plugins`: every version of every plugin.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Json;
use crate::wire::error::ErrorBody;
use crate::wire::page::PageView;
use crate::wire::plugin::PluginEntryView;

/// List plugins
#[utoipa::path(
    get,
    path = "/api/v1/plugins",
    operation_id = "listPlugins",
    tag = "plugins",
    responses(
        (status = 200, description = "Every version of every plugin that is known", body = PageView<PluginEntryView>),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Caller(principal): Caller,
) -> Result<Response, ApiError> {
    let plugins = engine.plugins(&principal)?;
    Ok(Json(PageView::whole(plugins.iter().map(PluginEntryView::from).collect())).into_response())
}
