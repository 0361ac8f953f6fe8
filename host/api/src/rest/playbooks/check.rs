//! `POST /runtimes/{id}/playbooks/check`: what is wrong with a playbook, without publishing it.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::RuntimeId;

use super::publish::Source;
use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::playbook::{PlaybookDetails, PublishBody};

/// Check a playbook
///
/// It is read and compared with what the runtime offers, as publishing would; nothing is kept. Mistakes are told all at
/// once: `details.problems` has their places, `details.report` draws them.
#[utoipa::path(
    post,
    path = "/api/v1/runtimes/{runtimeId}/playbooks/check",
    operation_id = "checkPlaybook",
    tag = "playbooks",
    params(("runtimeId" = String, Path, description = "The runtime")),
    request_body(
        description = "The playbook's YAML",
        content((String = "application/yaml"), (String = "text/yaml"), (PublishBody = "application/json")),
    ),
    responses(
        (status = 200, description = "It is fine, and looks like this", body = PlaybookDetails),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn check(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(runtime): Path<RuntimeId>,
    Source(source): Source,
) -> Result<Response, ApiError> {
    let playbook = engine.check_playbook(&principal, &runtime, "playbook.yaml", &source)?;
    Ok(Json(PlaybookDetails::from(&playbook)).into_response())
}
