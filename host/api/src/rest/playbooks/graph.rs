//! `GET /runtimes/{id}/playbooks/{name}/graph`: a playbook as a picture.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use orgata_engine::Engine;
use orgata_model::playbook::graph::Language;
use orgata_model::{PlaybookName, RuntimeId};
use utoipa::IntoParams;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Path;
use crate::query::{FromQuery, Pairs, Query};
use crate::wire::error::ErrorBody;

/// In which language.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Format {
    /// `mermaid` or `dot`.
    #[param(value_type = Option<String>, example = "mermaid")]
    format: Language,
}

impl FromQuery for Format {
    fn read(query: &mut Pairs<'_>) -> Result<Self, ApiError> {
        let language = |word: &str| match word {
            "mermaid" => Ok(Language::Mermaid),
            "dot" => Ok(Language::Dot),
            other => Err(format!("\"{other}\" is not one of: mermaid, dot")),
        };
        Ok(Self { format: query.one_with("format", language)?.unwrap_or(Language::Mermaid) })
    }
}

/// Draw a playbook
///
/// Its steps, what is inside of what, and what waits for what, for Mermaid or Graphviz.
#[utoipa::path(
    get,
    path = "/api/v1/runtimes/{runtimeId}/playbooks/{playbookName}/graph",
    operation_id = "drawPlaybook",
    tag = "playbooks",
    params(
        ("runtimeId" = String, Path, description = "The runtime"),
        ("playbookName" = String, Path, description = "The playbook"),
        Format,
    ),
    responses(
        (status = 200, description = "The picture's source", body = String, content_type = "text/plain"),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn graph(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path((runtime, name)): Path<(RuntimeId, PlaybookName)>,
    Query(Format { format }): Query<Format>,
) -> Result<Response, ApiError> {
    let playbook = engine.playbook(&principal, &runtime, &name)?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], playbook.graph(format)).into_response())
}
