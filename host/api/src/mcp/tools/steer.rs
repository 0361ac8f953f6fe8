//! `pause_execution`, `resume_execution`, `cancel_execution`.

use orgata_engine::Control;
use orgata_model::ExecutionId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::address::Address;
use super::super::call::Call;
use super::super::reply::Reply;
use super::{Effect, Tool};
use crate::error::ApiError;
use crate::wire::execution::ExecutionView;

/// Which execution, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Which {
    /// The execution, `exec_…`.
    #[schema(value_type = String)]
    execution_id: ExecutionId,
    /// Why; kept in its history.
    reason: Option<String>,
}

/// Which execution, why, and how.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Cancelled {
    /// The execution, `exec_…`.
    #[schema(value_type = String)]
    execution_id: ExecutionId,
    /// Why; kept in its history.
    reason: Option<String>,
    /// Completed steps are undone first, where they say how.
    #[serde(default = "yes")]
    #[schema(default = true)]
    compensate: bool,
}

fn yes() -> bool {
    true
}

/// See the module.
pub(super) struct PauseExecution;

impl Tool for PauseExecution {
    const NAME: &'static str = "pause_execution";
    const TITLE: &'static str = "Pause an execution";
    const ABOUT: &'static str = "Pauses an execution: what is at work finishes, nothing new starts until `resume_execution`. \
        Questions may be answered meanwhile.";
    const EFFECT: Effect = Effect::AddsOnce;
    type Input = Which;
    type Output = ExecutionView<'static>;

    async fn call(call: &Call, which: Which) -> Result<Reply, ApiError> {
        steer(call, which.execution_id, Control::Pause, which.reason).await
    }
}

/// See the module.
pub(super) struct ResumeExecution;

impl Tool for ResumeExecution {
    const NAME: &'static str = "resume_execution";
    const TITLE: &'static str = "Resume an execution";
    const ABOUT: &'static str = "Lets a paused execution go on where it was paused. One that waits for an answer is not paused: \
        see `get_pending_interventions`. One that failed is helped by `retry_execution`.";
    const EFFECT: Effect = Effect::AddsOnce;
    type Input = Which;
    type Output = ExecutionView<'static>;

    async fn call(call: &Call, which: Which) -> Result<Reply, ApiError> {
        steer(call, which.execution_id, Control::Resume, which.reason).await
    }
}

/// See the module.
pub(super) struct CancelExecution;

impl Tool for CancelExecution {
    const NAME: &'static str = "cancel_execution";
    const TITLE: &'static str = "Cancel an execution";
    const ABOUT: &'static str = "Ends an execution for good: what is at work is stopped, and completed steps that say how are \
        undone, newest first, unless `compensate` is false. It cannot be resumed; `fork_execution` makes a new one of it.";
    const EFFECT: Effect = Effect::ReplacesOnce;
    type Input = Cancelled;
    type Output = ExecutionView<'static>;

    async fn call(call: &Call, which: Cancelled) -> Result<Reply, ApiError> {
        let control = Control::Cancel { compensate: which.compensate };
        steer(call, which.execution_id, control, which.reason).await
    }
}

/// Steers an execution; the reply says where it stands then.
pub(super) async fn steer(
    call: &Call,
    id: ExecutionId,
    control: Control,
    reason: Option<String>,
) -> Result<Reply, ApiError> {
    let summary = call.engine().control(&call.who, id, control, reason).await?;
    Ok(Reply::of(&ExecutionView::from(&summary))?.linked(Address::Execution(id)))
}
