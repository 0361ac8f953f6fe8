//! `POST /runtimes/{id}/executions/import`: takes in an execution that was written down elsewhere.

use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use orgata_engine::{Engine, EngineError, ImportRequest};
use orgata_model::RuntimeId;

use crate::app::{App, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, located, media_type, read, unsupported};
use crate::wire::error::ErrorBody;
use crate::wire::execution::ExecutionView;
use crate::wire::transfer::{HistoryHead, MEDIA_TYPE, read_event};

/// Where it is: long histories may take longer than other requests.
pub(crate) const PATH: &str = "/api/v1/runtimes/{runtimeId}/executions/import";

/// What such files are called.
const JSON_LINES: [&str; 4] =
    [MEDIA_TYPE, "application/jsonl", "application/x-jsonlines", "application/octet-stream"];

/// The lines of an export.
pub(crate) struct Lines(Bytes);

impl FromRequest<App> for Lines {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let kind = media_type(request.headers());
        if !JSON_LINES.iter().any(|lines| kind.eq_ignore_ascii_case(lines)) {
            return Err(unsupported(kind, MEDIA_TYPE));
        }
        let settings = app.settings();
        read(request, settings.upload_bytes, settings.upload_timeout.0).await.map(Self)
    }
}

/// Import an execution
///
/// The lines of an export, all of them. Every event must follow the one before: a history that does not is refused
/// whole, with the event at fault in `details.seq`. It must have happened in the runtime that it is imported into. An
/// execution that exists here already is a conflict. One that has not ended comes in paused, for it may still be
/// at work where it came from: resume it when it is not. As long as an uploaded plugin may be, it may be too.
#[utoipa::path(
    post,
    path = PATH,
    operation_id = "importExecution",
    tag = "executions",
    params(("runtimeId" = String, Path, description = "The runtime that it happened in")),
    request_body(description = "The lines of an export", content((HistoryHead = "application/x-ndjson"))),
    responses(
        (status = 201, description = "It is kept, durably: where it stands", body = ExecutionView,
            headers(("Location" = String, description = "Where to look at it"))),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn import(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(runtime): Path<RuntimeId>,
    Lines(bytes): Lines,
) -> Result<Response, ApiError> {
    let engine: &Engine = app.engine();
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let head = HistoryHead::read(lines.next().unwrap_or_default()).map_err(EngineError::from)?;
    let request = ImportRequest {
        execution: head.execution_id,
        runtime,
        playbook: (head.playbook.digest, head.playbook.source),
        idempotency_key: head.idempotency_key,
        events: head.events,
    };
    let mut import = engine.import(&principal, request).await?;
    for (line, seq) in lines.filter(|line| !line.is_empty()).zip(1..) {
        import.take(read_event(line, seq).map_err(EngineError::from)?)?;
        // A long history must not keep others from the processor.
        tokio::task::coop::consume_budget().await;
    }
    let summary = import.finish().await?;
    let response = (StatusCode::CREATED, Json(ExecutionView::from(&summary))).into_response();
    Ok(located(response, format!("/api/v1/executions/{}", summary.id)))
}
