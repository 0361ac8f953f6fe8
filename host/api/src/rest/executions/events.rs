//! `GET /executions/{id}/events`: what happens, as it happens (Server-Sent Events).

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, stream};
use http::{HeaderMap, HeaderValue, StatusCode};
use orgata_engine::{Engine, Principal, Watch};
use orgata_model::ExecutionId;
use orgata_model::execution::{Event, Seq};
use utoipa::IntoParams;

use crate::app::{App, Caller};
use crate::error::ApiError;
use crate::extract::Path;
use crate::query::{FromQuery, Pairs, Query};
use crate::request_id;
use crate::wire::error::{ErrorBody, ErrorView};
use crate::wire::frame::{ServerFrame, TopicView};

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
/// nothing is left to tell, the answer is 204, and an `EventSource` stops asking. A stream that breaks off, because
/// the key or token that opened it was revoked or has expired, or the store cannot be read, says so in a last
/// `event: error`, whose `data` is an `error` frame.
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
    let request_id = request_id::of(&headers).to_str().unwrap_or_default().to_owned();
    let follower = Follower { app: app.clone(), who: principal, id, watch, request_id };
    let mut response = Sse::new(follower.lines()).keep_alive(alive).into_response();
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

/// Somebody who follows an execution. It waits for the client: what is not read costs no memory here.
struct Follower {
    app: App,
    who: Principal,
    id: ExecutionId,
    watch: Watch,
    request_id: String,
}

impl Follower {
    /// The stream's lines. Where it breaks off, the last one says why.
    fn lines(self) -> impl Stream<Item = Result<Sent, Infallible>> {
        stream::unfold(Some(self), async |follower| {
            let mut follower = follower?;
            let line = follower.next().await?;
            let goes_on = line.is_ok();
            Some((Ok(line.unwrap_or_else(|error| follower.refusal(&error))), goes_on.then_some(follower)))
        })
    }

    /// The next line; nothing after the execution's last event, and when the host stops.
    async fn next(&mut self) -> Option<Result<Sent, ApiError>> {
        let next = tokio::select! {
            biased;
            lapse = self.app.engine().lapse(&self.who) => return Some(Err(ApiError::new("UNAUTHENTICATED", lapse.words()))),
            () = self.app.closing().cancelled() => return None,
            next = self.watch.next() => next,
        };
        match next {
            Ok(event) => event.map(|event| Ok(self.line(&event))),
            Err(error) => Some(Err(ApiError::from(error))),
        }
    }

    fn line(&self, event: &Event) -> Sent {
        let data = ServerFrame::event(self.id, event).to_json();
        Sent::default().id(event.seq.to_string()).event("execution_event").data(data)
    }

    /// It has no id: the client comes back by itself, with that of the last event that it has.
    fn refusal(&self, error: &ApiError) -> Sent {
        tracing::debug!(code = error.code(), message = error.message(), execution = %self.id, "a stream breaks off");
        let topic = Some(TopicView::Execution { execution_id: self.id });
        let frame = ServerFrame::Error { topic, error: ErrorView::new(error, &self.request_id) };
        Sent::default().event("error").data(frame.to_json())
    }
}
