//! `GET /executions/{id}/events`: what happens, as it happens (Server-Sent Events).

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, stream};
use http::{HeaderMap, HeaderValue, StatusCode};
use orgata_engine::{Engine, Watch};
use orgata_model::ExecutionId;
use orgata_model::execution::Seq;
use tokio_util::sync::CancellationToken;
use utoipa::IntoParams;

use crate::app::{App, Caller};
use crate::error::ApiError;
use crate::extract::Path;
use crate::query::{FromQuery, Pairs, Query};
use crate::wire::error::ErrorBody;
use crate::wire::frame::ServerFrame;

/// How often a silent stream says that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Where to begin.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct Begin {
    /// The first event wanted; 0 or 1, and absent, for all. The header `Last-Event-ID` goes before it.
    #[param(value_type = Option<u64>)]
    from_seq: Option<Seq>,
}

impl FromQuery for Begin {
    fn read(query: &mut Pairs<'_>) -> Result<Self, ApiError> {
        Ok(Self { from_seq: query.one("fromSeq")? })
    }
}

/// Follow what happens
///
/// A stream of Server-Sent Events: `event: execution_event`, `id` is the event's seq, `data` is the frame
/// that the WebSocket sends. Stored events first, then those to come, without a gap or a repeat; it ends after
/// the execution's last event. A client that comes back with `Last-Event-ID` goes on where it was; when
/// nothing is left to tell, the answer is 204, and an `EventSource` stops asking.
#[utoipa::path(
    get,
    path = "/api/v1/executions/{executionId}/events",
    operation_id = "followExecution",
    tag = "live",
    params(
        ("executionId" = String, Path, description = "The execution"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The seq of the last event that the client has"),
        Begin,
    ),
    responses(
        (status = 200, description = "The stream", body = ServerFrame, content_type = "text/event-stream"),
        (status = 204, description = "The execution has ended, and the client has all of it"),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn events(
    State(app): State<App>,
    Caller(principal): Caller,
    Path(id): Path<ExecutionId>,
    Query(Begin { from_seq }): Query<Begin>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let engine: &Engine = app.engine();
    let from = match headers.get("last-event-id") {
        Some(last) => after(last)?,
        None => from_seq.unwrap_or(0),
    };
    let summary = engine.execution(&principal, id).await?;
    if summary.status.is_end() && from > summary.version {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let watch = engine.watch(&principal, id, from).await?;
    let alive = KeepAlive::new().interval(KEEP_ALIVE);
    let mut response = Sse::new(sent(id, watch, app.closing().clone())).keep_alive(alive).into_response();
    // Proxies that gather small writes would keep events back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn after(last: &HeaderValue) -> Result<Seq, ApiError> {
    let last = last.to_str().ok().and_then(|text| text.trim().parse::<Seq>().ok());
    let last =
        last.ok_or_else(|| ApiError::bad_request("Last-Event-ID must be the seq of an event, such as 7"))?;
    Ok(last.saturating_add(1))
}

/// The stream's lines. It waits for the client: what is not read costs no memory here.
fn sent(
    id: ExecutionId,
    watch: Watch,
    closing: CancellationToken,
) -> impl Stream<Item = Result<Sent, Infallible>> {
    stream::unfold((watch, closing), move |(mut watch, closing)| async move {
        let next = tokio::select! {
            next = watch.next() => next,
            () = closing.cancelled() => return None,
        };
        match next {
            Ok(Some(event)) => {
                let line = Sent::default()
                    .id(event.seq.to_string())
                    .event("execution_event")
                    .data(ServerFrame::event(id, &event).to_json());
                Some((Ok(line), (watch, closing)))
            }
            Ok(None) => None,
            Err(error) => {
                // The client comes back by itself, with the id of the last event that it has.
                tracing::warn!(%error, execution = %id, "a stream broke off");
                None
            }
        }
    })
}
