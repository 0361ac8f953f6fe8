//! `GET /runtimes/{id}/operations/{name}`: one operation.
//!
//! Its full name has a slash: it may be written as it is, or with `%2F`; where it is clear which plugin is
//! meant, the half behind the slash is enough.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::{Engine, Principal};
use orgata_model::RuntimeId;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::operation::OperationView;

/// See an operation
#[utoipa::path(
    get,
    path = "/api/v1/runtimes/{runtimeId}/operations/{operationName}",
    operation_id = "getOperation",
    tag = "operations",
    params(
        ("runtimeId" = String, Path, description = "The runtime"),
        ("operationName" = String, Path,
            description = "`plugin%2Foperation`, or the operation's half where that is clear"),
    ),
    responses(
        (status = 200, description = "Its schemas, examples and effect", body = OperationView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn get(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path((runtime, name)): Path<(RuntimeId, String)>,
) -> Result<Response, ApiError> {
    find(&engine, &principal, &runtime, &name)
}

/// See an operation of a plugin
#[utoipa::path(
    get,
    path = "/api/v1/runtimes/{runtimeId}/operations/{pluginName}/{operationName}",
    operation_id = "getOperationOfPlugin",
    tag = "operations",
    params(
        ("runtimeId" = String, Path, description = "The runtime"),
        ("pluginName" = String, Path, description = "The plugin"),
        ("operationName" = String, Path, description = "The operation's half of its name"),
    ),
    responses(
        (status = 200, description = "Its schemas, examples and effect", body = OperationView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn get_of_plugin(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path((runtime, plugin, operation)): Path<(RuntimeId, String, String)>,
) -> Result<Response, ApiError> {
    find(&engine, &principal, &runtime, &format!("{plugin}/{operation}"))
}

fn find(
    engine: &Engine,
    principal: &Principal,
    runtime: &RuntimeId,
    name: &str,
) -> Result<Response, ApiError> {
    let operation = engine.operation(principal, runtime, name)?;
    Ok(Json(OperationView::from(&*operation)).into_response())
}
