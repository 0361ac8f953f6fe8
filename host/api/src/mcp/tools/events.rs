//! `send_event`: something happened outside.

use orgata_engine::{Delivery, OutsideEvent};
use orgata_model::{ExecutionId, RuntimeId};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::call::Call;
use super::super::reply::Reply;
use super::{Effect, Tool};
use crate::error::ApiError;
use crate::wire::control::DeliveryView;

/// Something that happened outside, and who is to know.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Outside {
    /// Its name, as playbooks wait for it or begin with it.
    #[schema(example = "payment.received")]
    event: String,
    /// What came with it.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    payload: Value,
    /// Tell every execution of this runtime that waits for it. Give this or `executionId`.
    #[schema(value_type = Option<String>)]
    runtime_id: Option<RuntimeId>,
    /// Tell this execution alone; it keeps the event until a step waits for it.
    #[schema(value_type = Option<String>)]
    execution_id: Option<ExecutionId>,
    /// What its sender knows it by. Sent again with the same id, it starts nothing again. With `runtimeId` only.
    #[schema(example = "evt_93")]
    id: Option<String>,
}

/// See the module.
pub(super) struct SendEvent;

impl Tool for SendEvent {
    const NAME: &'static str = "send_event";
    const TITLE: &'static str = "Tell of an outside event";
    const ABOUT: &'static str = "Tells a runtime (`runtimeId`) or one execution (`executionId`) of something that happened outside. \
        Executions whose step waits for that event go on with it, and playbooks that begin with it are started. An execution \
        that begins to wait later does not see an event of its runtime.";
    const EFFECT: Effect = Effect::Adds;
    type Input = Outside;
    type Output = DeliveryView<'static>;

    async fn call(call: &Call, outside: Outside) -> Result<Reply, ApiError> {
        let Outside { event, payload, runtime_id, execution_id, id } = outside;
        let engine = call.engine();
        let delivery = match (runtime_id, execution_id) {
            (Some(runtime), None) => {
                engine.event(&call.who, &runtime, OutsideEvent { event, payload, id }).await?
            }
            (None, Some(execution)) if id.is_none() => {
                engine.execution_event(&call.who, execution, &event, payload).await?;
                Delivery { executions: vec![execution], started: Vec::new(), refused: Vec::new() }
            }
            _ => {
                let message = "say who is to know: give either `runtimeId`, or `executionId` without `id`";
                return Err(ApiError::bad_request(message));
            }
        };
        Reply::of(&DeliveryView::from(&delivery))
    }
}
