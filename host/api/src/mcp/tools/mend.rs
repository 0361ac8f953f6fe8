//! `retry_execution`, `skip_step`: an operator helps an execution on.

use orgata_engine::Control;
use orgata_model::{ExecutionId, StepPath};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::call::Call;
use super::super::reply::Reply;
use super::steer::steer;
use super::{Effect, Tool};
use crate::error::ApiError;
use crate::wire::execution::ExecutionView;

/// How an execution that failed goes on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Retried {
    /// The execution, `exec_…`.
    #[schema(value_type = String)]
    execution_id: ExecutionId,
    /// The step that begins anew, `charge` or `charge[2]`; the one that failed when absent.
    #[schema(value_type = Option<String>, example = "charge")]
    step: Option<StepPath>,
    /// What it is given instead of what the playbook says.
    input: Option<Value>,
    /// Why; kept in its history.
    reason: Option<String>,
}

/// A step that is not run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Skipped {
    /// The execution, `exec_…`.
    #[schema(value_type = String)]
    execution_id: ExecutionId,
    /// Which step, `charge` or `charge[2]`.
    #[schema(value_type = String, example = "charge")]
    step: StepPath,
    /// What counts as its result; it is skipped when absent.
    result: Option<Value>,
    /// Why; kept in its history.
    reason: Option<String>,
}

/// See the module.
pub(super) struct RetryExecution;

impl Tool for RetryExecution {
    const NAME: &'static str = "retry_execution";
    const TITLE: &'static str = "Retry an execution";
    const ABOUT: &'static str = "Lets an execution that failed go on: the step that failed begins anew, with the same \
        idempotency key, and everything that succeeded is kept. `step` names another failed step, `input` gives it another \
        input. An execution whose steps were undone cannot be retried: use `fork_execution`.";
    const EFFECT: Effect = Effect::Adds;
    type Input = Retried;
    type Output = ExecutionView<'static>;

    async fn call(call: &Call, retried: Retried) -> Result<Reply, ApiError> {
        let control = Control::Retry { step: retried.step, input: retried.input };
        steer(call, retried.execution_id, control, retried.reason).await
    }
}

/// See the module.
pub(super) struct SkipStep;

impl Tool for SkipStep {
    const NAME: &'static str = "skip_step";
    const TITLE: &'static str = "Skip a step";
    const ABOUT: &'static str = "Skips a step that has not begun, waits, or failed; with a `result` it counts as done with it. \
        A step that is at work cannot be skipped. Steps that read a skipped step's result read null.";
    const EFFECT: Effect = Effect::Replaces;
    type Input = Skipped;
    type Output = ExecutionView<'static>;

    async fn call(call: &Call, skipped: Skipped) -> Result<Reply, ApiError> {
        let control = Control::Skip { step: skipped.step, result: skipped.result };
        steer(call, skipped.execution_id, control, skipped.reason).await
    }
}
