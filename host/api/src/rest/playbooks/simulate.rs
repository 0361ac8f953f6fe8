//! `POST /runtimes/{id}/playbooks/{name}/simulate`: how a playbook would go, without doing it.

use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use orgata_model::{PlaybookName, RuntimeId};

use crate::app::{App, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, is_json, media_type, parse_json, read, unsupported};
use crate::wire::error::ErrorBody;
use crate::wire::simulation::{SimulateBody, SimulationView};

/// Where it is: recorded executions may be long.
pub(crate) const PATH: &str = "/api/v1/runtimes/{runtimeId}/playbooks/{playbookName}/simulate";

/// The body, which may be as long as an imported history, or empty.
pub(crate) struct Body(SimulateBody);

impl FromRequest<App> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let kind = media_type(request.headers()).to_owned();
        let settings = app.settings();
        let bytes = read(request, settings.upload_bytes, settings.upload_timeout.0).await?;
        if bytes.is_empty() {
            return Ok(Self(SimulateBody::default()));
        }
        if !is_json(&kind) {
            return Err(unsupported(&kind, "application/json"));
        }
        parse_json(&bytes).map(Self)
    }
}

/// Simulate a playbook
///
/// The playbook runs as it would in this runtime, and nothing is done: pure operations really run, what others give comes
/// from the scenario, from recorded executions or from their examples. Time is virtual: a wait of thirty days is over at
/// once. Questions are answered by the scenario. `passed` says whether everything came as the scenario expects. Mistakes in
/// the scenario are told all at once, as those in playbooks are. A simulation without end is refused.
#[utoipa::path(
    post,
    path = PATH,
    operation_id = "simulatePlaybook",
    tag = "playbooks",
    params(
        ("runtimeId" = String, Path, description = "The runtime"),
        ("playbookName" = String, Path, description = "The playbook"),
    ),
    request_body(description = "What it meets; may be left out", content((SimulateBody = "application/json"))),
    responses(
        (status = 200, description = "What came of it", body = SimulationView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn simulate(
    State(app): State<App>,
    Caller(principal): Caller,
    Path((runtime, name)): Path<(RuntimeId, PlaybookName)>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let request = body.request(name).await?;
    let simulation = app.engine().simulate(&principal, &runtime, request).await?;
    Ok(Json(SimulationView::of(&simulation)?).into_response())
}
