//! What operators ask of executions, and what happens outside, as clients write it.

use std::collections::BTreeMap;

use orgata_engine::{Delivery, ForkRequest, Hold};
use orgata_model::{ExecutionId, RoleName, StepName, StepPath};
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

/// Who took an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView<'a> {
    /// The executions with a step that waited for it.
    #[schema(value_type = Vec<String>)]
    pub executions: &'a [ExecutionId],
}

impl<'a> From<&'a Delivery> for DeliveryView<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        Self { executions: &delivery.executions }
    }
}
