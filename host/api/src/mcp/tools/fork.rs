//! `fork_execution`: a new execution from an earlier one.

use std::collections::BTreeMap;

use orgata_engine::ForkRequest;
use orgata_model::{ExecutionId, StepName};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::address::Address;
use super::super::call::Call;
use super::super::reply::Reply;
use super::{Effect, Tool};
use crate::error::ApiError;
use crate::wire::execution::ExecutionHandle;

/// A new execution from an earlier one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Forked {
    /// The earlier execution, `exec_…`.
    #[schema(value_type = String)]
    execution_id: ExecutionId,
    /// The step from which it runs anew; the first when absent.
    #[schema(value_type = Option<String>, example = "charge")]
    step: Option<StepName>,
    /// What the playbook is given instead.
    input: Option<Value>,
    /// Run the playbook and operations that are current now, instead of those that the earlier execution kept.
    #[serde(default)]
    latest: bool,
    /// Free words to find it by, beside those of the earlier one.
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// See the module.
pub(super) struct ForkExecution;

impl Tool for ForkExecution {
    const NAME: &'static str = "fork_execution";
    const TITLE: &'static str = "Fork an execution";
    const ABOUT: &'static str = "Makes a new execution of an earlier one: it runs anew from `step`, with the results of the steps \
        that do not depend on it, or from the beginning. Its `input` may be another, and its playbook and operations the \
        `latest`. The earlier execution stays as it is.";
    const EFFECT: Effect = Effect::Adds;
    type Input = Forked;
    type Output = ExecutionHandle<'static>;

    async fn call(call: &Call, forked: Forked) -> Result<Reply, ApiError> {
        let Forked { execution_id, step, input, latest, labels } = forked;
        let request = ForkRequest { step, input, latest, labels };
        let summary = call.engine().fork(&call.who, execution_id, request).await?;
        Ok(Reply::of(&ExecutionHandle::from(&summary))?.linked(Address::Execution(summary.id)))
    }
}
