//! `GET /executions`: which executions there are.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use orgata_engine::Engine;
use orgata_engine::ports::ExecutionQuery;
use orgata_model::execution::Status;
use utoipa::IntoParams;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Json;
use crate::query::{FromQuery, MOST, Pairs, Query, USUAL};
use crate::wire::error::ErrorBody;
use crate::wire::execution::{ExecutionView, StatusView};
use crate::wire::page::PageView;

/// Which executions.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(
    dead_code,
    reason = "only its description is used; the values are read straight into the engine's query"
)]
struct Filter {
    /// Only of this runtime.
    runtime: Option<String>,
    /// Only of this playbook.
    playbook: Option<String>,
    /// Only of these statuses: several with commas, or by repeating it.
    #[param(style = Form, explode = false)]
    status: Option<Vec<StatusView>>,
    /// Only started at or after this time (RFC 3339).
    #[param(format = DateTime)]
    since: Option<String>,
    /// Only started before this time (RFC 3339).
    #[param(format = DateTime)]
    until: Option<String>,
    /// Only with this label, written `key:value`.
    #[param(example = "customer:1042")]
    label: Option<String>,
    /// At most so many, 1 to 1000; 50 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

impl FromQuery for ExecutionQuery {
    fn read(query: &mut Pairs<'_>) -> Result<Self, ApiError> {
        let mut statuses = Vec::new();
        for word in query.all("status").iter().flat_map(|value| value.split(',')) {
            statuses.push(status(word.trim())?);
        }
        Ok(Self {
            runtime: query.one("runtime")?,
            playbook: query.one("playbook")?,
            statuses,
            since: query.one::<Timestamp>("since")?,
            until: query.one::<Timestamp>("until")?,
            label: query.one_with("label", label)?,
            cursor: query.one("cursor")?,
            limit: query.limit(USUAL, MOST)?,
        })
    }
}

fn status(word: &str) -> Result<Status, ApiError> {
    Status::parse(word).ok_or_else(|| {
        let words = Status::ALL.map(Status::as_str).join(", ");
        let word: String = word.chars().take(40).collect();
        ApiError::bad_request(format!(
            "query parameter `status`: there is no status `{word}`; there are: {words}"
        ))
    })
}

fn label(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once(':').ok_or("a label is written key:value")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Search executions
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/api/v1/executions",
    operation_id = "listExecutions",
    tag = "executions",
    params(Filter),
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
    let items = page.items.iter().map(ExecutionView::from).collect();
    Ok(Json(PageView { items, next_cursor: page.next }).into_response())
}
