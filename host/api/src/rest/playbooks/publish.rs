//! `PUT /runtimes/{id}/playbooks/{name}`: publishes a version of a playbook.

use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use orgata_engine::Engine;
use orgata_model::{PlaybookName, RuntimeId};

use crate::app::{App, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, is_json, located, media_type, parse_json, read_small, unsupported};
use crate::wire::error::ErrorBody;
use crate::wire::playbook::{PlaybookDetails, PublishBody};

/// The YAML of a playbook, however it was sent.
pub(crate) struct Source(pub(super) String);

const YAML: [&str; 4] = ["application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml"];

impl FromRequest<App> for Source {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let kind = media_type(request.headers()).to_owned();
        let is_yaml = YAML.iter().any(|yaml| kind.eq_ignore_ascii_case(yaml));
        if !is_yaml && !is_json(&kind) {
            return Err(unsupported(&kind, "application/yaml, or as application/json with a `source`"));
        }
        let bytes = read_small(request, app).await?;
        if !is_yaml {
            return parse_json::<PublishBody>(&bytes).map(|body| Self(body.source));
        }
        let text = String::from_utf8(bytes.into());
        text.map(Self).map_err(|error| ApiError::bad_request(format!("the playbook is not UTF-8: {error}")))
    }
}

/// Publish a version of a playbook
///
/// It becomes the current version; executions that have started keep theirs. The same source again changes
/// nothing. Mistakes are told all at once: `details.problems` has their places, `details.report` draws them.
#[utoipa::path(
    put,
    path = "/api/v1/runtimes/{runtimeId}/playbooks/{playbookName}",
    operation_id = "publishPlaybook",
    tag = "playbooks",
    params(
        ("runtimeId" = String, Path, description = "The runtime"),
        ("playbookName" = String, Path, description = "The name that the playbook has in its source"),
    ),
    request_body(
        description = "The playbook's YAML",
        content((String = "application/yaml"), (String = "text/yaml"), (PublishBody = "application/json")),
    ),
    responses(
        (status = 201, description = "Published: a new version", body = PlaybookDetails,
            headers(("Location" = String, description = "Where it is"))),
        (status = 200, description = "This was the current version before", body = PlaybookDetails),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn publish(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path((runtime, name)): Path<(RuntimeId, PlaybookName)>,
    Source(source): Source,
) -> Result<Response, ApiError> {
    let before = engine.playbook(&principal, &runtime, &name).ok().map(|playbook| playbook.digest);
    let file = format!("{name}.yaml");
    let playbook = engine.publish_playbook(&principal, &runtime, Some(&name), &file, source).await?;
    let body = Json(PlaybookDetails::from(&*playbook));
    if before == Some(playbook.digest) {
        return Ok(body.into_response());
    }
    let path = format!("/api/v1/runtimes/{runtime}/playbooks/{name}");
    Ok(located((StatusCode::CREATED, body).into_response(), path))
}
