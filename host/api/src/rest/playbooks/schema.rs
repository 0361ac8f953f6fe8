//! `GET /runtimes/{id}/playbooks/{name}/schema`: what a playbook takes and asks.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::{PlaybookName, RuntimeId};

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::playbook::PlaybookSchema;

/// See what a playbook takes and asks
///
/// JSON Schemas to build forms from: of its input, and of the answers to its questions.
#[utoipa::path(
    get,
    path = "/api/v1/runtimes/{runtimeId}/playbooks/{playbookName}/schema",
    operation_id = "getPlaybookSchema",
    tag = "playbooks",
    params(
        ("runtimeId" = String, Path, description = "The runtime"),
        ("playbookName" = String, Path, description = "The playbook"),
    ),
    responses(
        (status = 200, description = "The schemas of its current version", body = PlaybookSchema),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn schema(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path((runtime, name)): Path<(RuntimeId, PlaybookName)>,
) -> Result<Response, ApiError> {
    let playbook = engine.playbook(&principal, &runtime, &name)?;
    Ok(Json(PlaybookSchema::from(&*playbook)).into_response())
}
