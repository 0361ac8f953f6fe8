//! `GET /executions/{id}/interventions`: what an execution asks.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::ExecutionId;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::intervention::PendingView;
use crate::wire::page::PageView;

/// See what an execution asks
///
/// Its open questions, oldest first; each is answered under its `id`.
#[utoipa::path(
    get,
    path = "/api/v1/executions/{executionId}/interventions",
    operation_id = "getPendingInterventions",
    tag = "interventions",
    params(("executionId" = String, Path, description = "The execution")),
    responses(
        (status = 200, description = "All of them", body = PageView<PendingView>),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn pending(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<ExecutionId>,
) -> Result<Response, ApiError> {
    let pending = engine.pending_interventions(&principal, id).await?;
    let items = pending.iter().map(PendingView::from).collect();
    Ok(Json(PageView::whole(items)).into_response())
}
