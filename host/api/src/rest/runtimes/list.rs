//! `GET /runtimes`: every runtime.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;

use crate::app::Caller;
use crate::extract::Json;
use crate::wire::error::ErrorBody;
use crate::wire::page::PageView;
use crate::wire::runtime::RuntimeView;

/// List runtimes
#[utoipa::path(
    get,
    path = "/api/v1/runtimes",
    operation_id = "listRuntimes",
    tag = "runtimes",
    responses(
        (status = 200, description = "All of them, by name", body = PageView<RuntimeView>),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn list(State(engine): State<Engine>, Caller(principal): Caller) -> Response {
    let runtimes = engine.runtimes(&principal);
    Json(PageView::whole(runtimes.into_iter().map(RuntimeView::from).collect())).into_response()
}
