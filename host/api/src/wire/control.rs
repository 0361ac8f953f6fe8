//! What operators ask of executions, and what happens outside, as clients write it.

use std::collections::BTreeMap;

use orgata_engine::{Delivery, ForkRequest, Hold, OutsideEvent};
use orgata_model::{ExecutionId, PlaybookName, RoleName, StepName, StepPath};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Why and how an execution is cancelled.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct CancelBody {
    /// Why; kept in its history.
    pub reason: Option<String>,
    /// Completed steps are undone first, where they say how.
    #[schema(default = true)]
    pub compensate: bool,
}

impl Default for CancelBody {
    fn default() -> Self {
        Self { reason: None, compensate: true }
    }
}

/// How an execution that failed goes on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct RetryBody {
    /// The step that begins anew, `charge` or `charge[2]`; the one that failed when absent.
    #[schema(value_type = Option<String>, example = "charge")]
    pub step: Option<StepPath>,
    /// What it is given instead of what the playbook says.
    pub input: Option<Value>,
    /// Why; kept in its history.
    pub reason: Option<String>,
}

/// A step that is not run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SkipBody {
    /// Which, `charge` or `charge[2]`.
    #[schema(value_type = String, example = "charge")]
    pub step: StepPath,
    /// What counts as its result; it is skipped when absent.
    pub result: Option<Value>,
    /// Why; kept in its history.
    pub reason: Option<String>,
}

/// A question before a step begins.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct HoldBody {
    /// Which step, `charge` or `charge[2]`.
    #[schema(value_type = String, example = "charge")]
    pub step: StepPath,
    /// What to decide.
    pub prompt: String,
    /// Choices to offer; `proceed` and `fail` when there are none, and no schema.
    #[serde(default)]
    pub options: Vec<String>,
    /// JSON Schema that an answer must satisfy.
    pub response_schema: Option<Value>,
    /// Who may answer.
    #[schema(value_type = Option<String>)]
    pub role: Option<RoleName>,
}

impl From<HoldBody> for Hold {
    fn from(body: HoldBody) -> Self {
        let HoldBody { step, prompt, options, response_schema, role } = body;
        Self { step, prompt, options, response_schema, role }
    }
}

/// A new execution from an earlier one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct ForkBody {
    /// The step from which it runs anew; the first when absent.
    #[schema(value_type = Option<String>, example = "charge")]
    pub step: Option<StepName>,
    /// What the playbook is given instead.
    pub input: Option<Value>,
    /// Run the playbook and operations that are current now, instead of those that the earlier execution kept.
    pub latest: bool,
    /// Free words to find it by, beside those of the earlier one.
    pub labels: BTreeMap<String, String>,
}

impl From<ForkBody> for ForkRequest {
    fn from(body: ForkBody) -> Self {
        let ForkBody { step, input, latest, labels } = body;
        Self { step, input, latest, labels }
    }
}

/// Something that happened outside.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "event": "payment.received", "payload": { "orderId": "o-17", "amount": 120 } }))]
pub struct OutsideEventBody {
    /// Its name, as playbooks wait for it.
    pub event: String,
    /// What came with it: `event` in the playbook's `match`, and the result of the step that waits.
    #[serde(default)]
    pub payload: Value,
}

/// Something that happened outside, for a whole runtime.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "event": "order.paid", "payload": { "orderId": "o-17" }, "id": "evt_93" }))]
pub struct RuntimeEventBody {
    /// Its name, as playbooks wait for it or begin with it.
    pub event: String,
    /// What came with it: `event` in the playbook's `match`, the result of the step that waits, and the input of
    /// a playbook that it starts, unless that computes another.
    #[serde(default)]
    pub payload: Value,
    /// What its sender knows it by. Sent again with the same id, it starts nothing again.
    #[schema(example = "evt_93")]
    pub id: Option<String>,
}

impl From<RuntimeEventBody> for OutsideEvent {
    fn from(body: RuntimeEventBody) -> Self {
        let RuntimeEventBody { event, payload, id } = body;
        Self { event, payload, id }
    }
}

/// Who took an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView<'a> {
    /// The executions with a step that waited for it.
    #[schema(value_type = Vec<String>)]
    pub executions: &'a [ExecutionId],
    /// The executions that it started, now or when it was sent before with the same id.
    #[schema(value_type = Vec<String>)]
    pub started: &'a [ExecutionId],
    /// The playbooks that it should have started, and why they were not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<NotStartedView<'a>>,
}

/// A playbook that an event should have started.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotStartedView<'a> {
    /// Which.
    #[schema(value_type = String)]
    pub playbook: &'a PlaybookName,
    /// A stable word for programs.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl<'a> From<&'a Delivery> for DeliveryView<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        let refused = delivery.refused.iter().map(|(playbook, error)| NotStartedView {
            playbook,
            code: error.code(),
            message: error.to_string(),
        });
        Self { executions: &delivery.executions, started: &delivery.started, refused: refused.collect() }
    }
}
