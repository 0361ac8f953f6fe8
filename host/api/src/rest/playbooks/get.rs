//! `GET /runtimes/{id}/playbooks/{name}`: one playbook.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::{PlaybookName, RuntimeId};

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::playbook::PlaybookDetails;

/// See a playbook
#[utoipa::path(
    get,
    path = "/api/v1/runtimes/{runtimeId}/playbooks/{playbookName}",
    operation_id = "getPlaybook",
    tag = "playbooks",
    params(
        ("runtimeId" = String, Path, description = "The runtime"),
        ("playbookName" = String, Path, description = "The playbook"),
    ),
    responses(
        (status = 200, description = "Its current version", body = PlaybookDetails),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn get(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path((runtime, name)): Path<(RuntimeId, PlaybookName)>,
) -> Result<Response, ApiError> {
    let playbook = engine.playbook(&principal, &runtime, &name)?;
    Ok(Json(PlaybookDetails::from(&*playbook)).into_response())
}
