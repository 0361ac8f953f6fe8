//! `GET /runtimes/{id}/playbooks`: the playbooks of a runtime.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::RuntimeId;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::page::PageView;
use crate::wire::playbook::PlaybookSummary;

/// List the playbooks of a runtime
#[utoipa::path(
    get,
    path = "/api/v1/runtimes/{runtimeId}/playbooks",
    operation_id = "listPlaybooks",
    tag = "playbooks",
    params(("runtimeId" = String, Path, description = "The runtime")),
    responses(
        (status = 200, description = "All of them, by name, in their current versions", body = PageView<PlaybookSummary>),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(runtime): Path<RuntimeId>,
) -> Result<Response, ApiError> {
    let playbooks = engine.playbooks(&principal, &runtime)?;
    let items = playbooks.iter().map(|playbook| PlaybookSummary::from(&**playbook)).collect();
    Ok(Json(PageView::whole(items)).into_response())
}
