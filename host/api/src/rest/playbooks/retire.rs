//! `DELETE /runtimes/{id}/playbooks/{name}`: retires a playbook.

use axum::extract::State;
use http::StatusCode;
use orgata_engine::Engine;
use orgata_model::{PlaybookName, RuntimeId};

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Path;
use crate::wire::error::ErrorBody;

/// Retire a playbook
///
/// Nothing new starts on it; what runs finishes.
#[utoipa::path(
    delete,
    path = "/api/v1/runtimes/{runtimeId}/playbooks/{playbookName}",
    operation_id = "retirePlaybook",
    tag = "playbooks",
    params(
        ("runtimeId" = String, Path, description = "The runtime"),
        ("playbookName" = String, Path, description = "The playbook"),
    ),
    responses(
        (status = 204, description = "Retired"),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn retire(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path((runtime, name)): Path<(RuntimeId, PlaybookName)>,
) -> Result<StatusCode, ApiError> {
    engine.retire_playbook(&principal, &runtime, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
