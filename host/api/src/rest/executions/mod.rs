//! Executions: starting them, looking at them, steering them.

pub(super) mod cancel;
pub(super) mod events;
pub(super) mod fork;
pub(super) mod get;
pub(super) mod history;
pub(super) mod list;
pub(super) mod mend;
pub(super) mod pause;
pub(super) mod resume;
pub(super) mod start;
pub(super) mod state;

use axum::response::{IntoResponse, Response};
use orgata_engine::{Control, Engine, Principal};
use orgata_model::ExecutionId;

use crate::error::ApiError;
use crate::extract::Json;
use crate::wire::execution::{ExecutionView, ReasonBody};

/// Steers an execution; the answer says where it stands then.
async fn steer(
    engine: &Engine,
    principal: &Principal,
    id: ExecutionId,
    control: Control,
    body: ReasonBody,
) -> Result<Response, ApiError> {
    let summary = engine.control(principal, id, control, body.reason).await?;
    Ok(Json(ExecutionView::from(&summary)).into_response())
}
