//! `GET /runtimes/{id}/roles/{name}`: what a role does.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::{RoleName, RuntimeId};

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::role::RoleView;

/// See what a role does
#[utoipa::path(
    get,
    path = "/api/v1/runtimes/{runtimeId}/roles/{roleName}",
    operation_id = "getRole",
    tag = "roles",
    params(
        ("runtimeId" = String, Path, description = "The runtime"),
        ("roleName" = String, Path, description = "The role"),
    ),
    responses(
        (status = 200, description = "What it does in the runtime", body = RoleView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn get(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path((runtime, name)): Path<(RuntimeId, RoleName)>,
) -> Result<Response, ApiError> {
    let role = engine.role(&principal, &runtime, &name)?;
    Ok(Json(RoleView::from(role)).into_response())
}
