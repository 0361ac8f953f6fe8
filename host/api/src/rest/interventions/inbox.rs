//! `GET /interventions`: everything that waits for an answer.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_engine::ports::InboxQuery;
use utoipa::IntoParams;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Json;
use crate::query::{FromQuery, MOST, Pairs, Query, USUAL};
use crate::wire::error::ErrorBody;
use crate::wire::intervention::PendingView;
use crate::wire::page::PageView;

/// Which open questions.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(
    dead_code,
    reason = "only its description is used; the values are read straight into the engine's query"
)]
struct Filter {
    /// Only of this runtime.
    runtime: Option<String>,
    /// Only for this role.
    role: Option<String>,
    /// At most so many, 1 to 1000; 50 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

impl FromQuery for InboxQuery {
    fn read(query: &mut Pairs<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            runtime: query.one("runtime")?,
            role: query.one("role")?,
            cursor: query.one("cursor")?,
            limit: query.limit(USUAL, MOST)?,
            ..Self::default()
        })
    }
}

/// See everything that waits for an answer
///
/// The open questions that the caller may answer, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/interventions",
    operation_id = "listInterventions",
    tag = "interventions",
    params(Filter),
    responses(
        (status = 200, description = "Some of them", body = PageView<PendingView>),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn inbox(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Query(query): Query<InboxQuery>,
) -> Result<Response, ApiError> {
    let page = engine.inbox(&principal, &query).await?;
    Ok(Json(PageView::<PendingView>::of(&page)).into_response())
}
