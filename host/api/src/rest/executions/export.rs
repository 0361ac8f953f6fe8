//! `GET /executions/{id}/export`: an execution written down whole.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use orgata_engine::{Engine, Export};
use orgata_model::ExecutionId;

use crate::app::Caller;
use crate::error::{ApiError, internal};
use crate::extract::Path;
use crate::wire::error::ErrorBody;
use crate::wire::transfer::{HistoryHead, MEDIA_TYPE, line};

/// About how many bytes are sent at a time.
const PIECE: usize = 32 * 1024;

/// Export an execution
///
/// JSON lines: the first is a `HistoryHead`, with the source of its playbook and every digest that it keeps; every
/// other is one event, as it was recorded. It ends with the last event that there was when it was asked for. Lines
/// are read and sent bit by bit: a connection that breaks off leaves fewer than the head says.
#[utoipa::path(
    get,
    path = "/api/v1/executions/{executionId}/export",
    operation_id = "exportExecution",
    tag = "executions",
    params(("executionId" = String, Path, description = "The execution")),
    responses(
        (status = 200, description = "The lines", body = HistoryHead, content_type = "application/x-ndjson"),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn export(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<ExecutionId>,
) -> Result<Response, ApiError> {
    let export = engine.export(&principal, id).await?;
    let head = line(&HistoryHead::of(&export)).map_err(|error| internal(&error))?;
    let pieces = stream::try_unfold((export, head), |(mut export, mut piece)| async move {
        fill(&mut export, &mut piece).await.map_err(|error| {
            // Headers are long gone: the client sees that it broke off.
            tracing::warn!(%error, "an export broke off");
            std::io::Error::other(error)
        })?;
        Ok::<_, std::io::Error>((!piece.is_empty()).then_some((piece, (export, Vec::new()))))
    });
    let name = format!("attachment; filename=\"{id}.jsonl\"");
    let headers = [(CONTENT_TYPE, MEDIA_TYPE.to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

async fn fill(
    export: &mut Export,
    piece: &mut Vec<u8>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    while piece.len() < PIECE
        && let Some(event) = export.next().await?
    {
        piece.extend(line(&event)?);
    }
    Ok(())
}
