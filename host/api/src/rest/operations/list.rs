//! `GET /runtimes/{id}/operations`: the operations of a runtime.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::RuntimeId;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::operation::OperationView;
use crate::wire::page::PageView;

/// List the operations of a runtime
#[utoipa::path(
    get,
    path = "/api/v1/runtimes/{runtimeId}/operations",
    operation_id = "listOperations",
    tag = "operations",
    params(("runtimeId" = String, Path, description = "The runtime")),
    responses(
        (status = 200, description = "All of them, by name", body = PageView<OperationView>),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(runtime): Path<RuntimeId>,
) -> Result<Response, ApiError> {
    let operations = engine.operations(&principal, &runtime)?;
    let items = operations.iter().map(|operation| OperationView::from(&**operation)).collect();
    Ok(Json(PageView::whole(items)).into_response())
}
