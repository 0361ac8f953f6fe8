//! `GET /runtimes/{id}/schedules`: what starts by itself in a runtime, and when.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::RuntimeId;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::page::PageView;
use crate::wire::schedule::ScheduleView;

/// List the schedules of a runtime
#[utoipa::path(
    get,
    path = "/api/v1/runtimes/{runtimeId}/schedules",
    operation_id = "listSchedules",
    tag = "playbooks",
    params(("runtimeId" = String, Path, description = "The runtime")),
    responses(
        (status = 200, description = "All of them, by the name of their playbook", body = PageView<ScheduleView>),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(runtime): Path<RuntimeId>,
) -> Result<Response, ApiError> {
    let schedules = engine.schedules(&principal, &runtime).await?;
    let items = schedules.iter().filter_map(ScheduleView::of).collect();
    Ok(Json(PageView::whole(items)).into_response())
}
