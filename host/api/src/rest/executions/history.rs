//! `GET /executions/{id}/history`: what happened, event by event.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::ExecutionId;
use orgata_model::execution::Seq;
use utoipa::IntoParams;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::query::{FromQuery, Pairs, Query};
use crate::wire::error::ErrorBody;
use crate::wire::history::{HistoryPage, RecordedEvent};

/// Events on one page, unless said, and at most.
const USUAL: usize = 100;
const MOST: usize = 500;

/// Which events.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct Events {
    /// Only those after this seq: the `nextCursor` of the page before. `cursor` means the same.
    #[param(value_type = Option<u64>)]
    after: Seq,
    /// At most so many, 1 to 500.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500, example = 100)]
    limit: usize,
}

impl FromQuery for Events {
    fn read(query: &mut Pairs<'_>) -> Result<Self, ApiError> {
        let after = [
            query.one("after")?,
            query.one("cursor")?,
            query.one::<Seq>("fromSeq")?.map(|from| from.saturating_sub(1)),
        ];
        let mut given = after.into_iter().flatten();
        let first = given.next().unwrap_or(0);
        if given.next().is_some() {
            return Err(ApiError::bad_request(
                "give one of `after`, `cursor` and `fromSeq`: they say where to begin",
            ));
        }
        Ok(Self { after: first, limit: query.limit(USUAL, MOST)? })
    }
}

/// Read what happened
///
/// The same events, in the same shape, as the stream and the WebSocket give.
#[utoipa::path(
    get,
    path = "/api/v1/executions/{executionId}/history",
    operation_id = "getExecutionHistory",
    tag = "executions",
    params(("executionId" = String, Path, description = "The execution"), Events),
    responses(
        (status = 200, description = "Some of its events, in order", body = HistoryPage),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn history(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(id): Path<ExecutionId>,
    Query(Events { after, limit }): Query<Events>,
) -> Result<Response, ApiError> {
    // One more than asked for tells whether there is more.
    let mut events = engine.history(&principal, id, after, limit + 1).await?;
    let more = events.len() > limit;
    events.truncate(limit);
    let next_cursor = events.last().filter(|_| more).map(|event| event.seq.to_string());
    let items = events.iter().map(RecordedEvent::from).collect();
    Ok(Json(HistoryPage { execution_id: id, items, next_cursor }).into_response())
}
