//! `POST /runtimes/{id}/events`: something happened outside.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::RuntimeId;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::control::{DeliveryView, OutsideEventBody};
use crate::wire::error::ErrorBody;

/// Tell a runtime of an outside event
///
/// Every execution with a step that waits for it, and whose `match` holds, takes it. Whoever begins to wait later does
/// not see it: send it to the execution itself for that.
#[utoipa::path(
    post,
    path = "/api/v1/runtimes/{runtimeId}/events",
    operation_id = "sendEvent",
    tag = "runtimes",
    params(("runtimeId" = String, Path, description = "The runtime")),
    request_body = OutsideEventBody,
    responses(
        (status = 200, description = "Durable in each execution that took it", body = DeliveryView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn send(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<RuntimeId>,
    Json(body): Json<OutsideEventBody>,
) -> Result<Response, ApiError> {
    let delivery = engine.event(&principal, &id, &body.event, body.payload).await?;
    Ok(Json(DeliveryView::from(&delivery)).into_response())
}
