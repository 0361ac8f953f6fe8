//! `POST /runtimes/{id}/events`: something happened outside.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::RuntimeId;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::control::{DeliveryView, RuntimeEventBody};
use crate::wire::error::ErrorBody;

/// Tell a runtime of an outside event
///
/// Every execution with a step that waits for it, and whose `match` holds, takes it. Whoever begins to wait later does
/// not see it: send it to the execution itself for that. Every playbook whose `onEvent` it is, and whose `match` holds,
/// is started.
#[utoipa::path(
    post,
    path = "/api/v1/runtimes/{runtimeId}/events",
    operation_id = "sendEvent",
    tag = "runtimes",
    params(("runtimeId" = String, Path, description = "The runtime")),
    request_body = RuntimeEventBody,
    responses(
        (status = 200, description = "Durable in each execution that took it or that it started", body = DeliveryView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn send(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<RuntimeId>,
    Json(body): Json<RuntimeEventBody>,
) -> Result<Response, ApiError> {
    let delivery = engine.event(&principal, &id, body.into()).await?;
    Ok(Json(DeliveryView::from(&delivery)).into_response())
}
