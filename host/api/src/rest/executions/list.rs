//! `GET /executions`: which executions there are.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_engine::ports::ExecutionQuery;
use utoipa::IntoParams;

use super::filter::{self, Filter};
use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Json;
use crate::query::{FromQuery, Pairs, Query, USUAL};
use crate::wire::error::ErrorBody;
use crate::wire::execution::ExecutionView;
use crate::wire::page::PageView;

/// How many.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "only its description is used")]
struct Limit {
    /// At most so many, 1 to 1000; 50 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

impl FromQuery for ExecutionQuery {
    fn read(query: &mut Pairs<'_>) -> Result<Self, ApiError> {
        filter::read(query, USUAL)
    }
}

/// Search executions
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/api/v1/executions",
    operation_id = "listExecutions",
    tag = "executions",
    params(Filter, Limit),
    responses(
        (status = 200, description = "Some of them", body = PageView<ExecutionView>),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Query(query): Query<ExecutionQuery>,
) -> Result<Response, ApiError> {
    let page = engine.executions(&principal, &query).await?;
    Ok(Json(PageView::<ExecutionView>::of(&page)).into_response())
}
