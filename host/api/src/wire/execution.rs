//! Executions as clients see them, and how they are started and steered.

use std::collections::BTreeMap;

use jiff::Timestamp;
use orgata_model::execution::{Seq, Status, Summary};
use orgata_model::{Digest, ExecutionId, PlaybookName, PluginName, RuntimeId, StepName};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use utoipa::ToSchema;

use super::failure::FailureView;

/// What to start.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "playbookName": "pbj-sandwich", "input": { "sandwichType": "classic" } }))]
pub struct StartBody {
    /// Which playbook of the runtime.
    #[schema(value_type = String)]
    pub playbook_name: PlaybookName,
    /// Must satisfy its input schema. An empty object when absent.
    #[serde(default = "empty")]
    #[schema(value_type = Option<Value>)]
    pub input: Value,
    /// What else to say.
    #[serde(default)]
    pub execution_options: ExecutionOptions,
    /// The same key starts one execution only: 1 to 200 characters, unique in the runtime.
    pub idempotency_key: Option<String>,
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

/// What else to say of a new execution.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecutionOptions {
    /// Free words to find it by: 20 at most.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// Why somebody steers an execution. The body may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "the kitchen is closed" }))]
pub struct ReasonBody {
    /// Kept in the history, 1000 characters at most.
    pub reason: Option<String>,
}

/// A started execution: how to find it, and what it gave if it was waited for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "executionId": "exec_0195f3a0000070008000000000000001",
    "runtimeId": "kitchen-v1",
    "playbookName": "pbj-sandwich",
    "status": "running",
    "startedAt": "2026-03-01T12:00:00Z",
    "links": {
        "self": "/api/v1/executions/exec_0195f3a0000070008000000000000001",
        "events": "/api/v1/executions/exec_0195f3a0000070008000000000000001/events",
        "interventions": "/api/v1/executions/exec_0195f3a0000070008000000000000001/interventions"
    }
}))]
pub struct ExecutionHandle<'a> {
    /// Its id.
    #[schema(value_type = String)]
    pub execution_id: ExecutionId,
    /// The runtime that it lives in.
    #[schema(value_type = String)]
    pub runtime_id: &'a RuntimeId,
    /// What it runs.
    #[schema(value_type = String)]
    pub playbook_name: &'a PlaybookName,
    /// Where it stands.
    #[schema(value_type = StatusView)]
    pub status: Status,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// The step that is at work or waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub current_step: Option<&'a StepName>,
    /// What it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub output: Option<&'a Value>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView<'a>>,
    /// Where to go from here.
    pub links: Links,
}

/// Paths of an execution.
#[derive(Debug, Serialize, ToSchema)]
pub struct Links {
    /// Where it stands.
    #[serde(rename = "self")]
    #[schema(value_type = String)]
    own: Link,
    /// What happens, as it happens.
    #[schema(value_type = String)]
    events: Link,
    /// What it asks.
    #[schema(value_type = String)]
    interventions: Link,
}

/// A path of an execution, written when it is sent.
#[derive(Debug)]
struct Link(ExecutionId, &'static str);

impl Serialize for Link {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("/api/v1/executions/{}{}", self.0, self.1))
    }
}

impl<'a> From<&'a Summary> for ExecutionHandle<'a> {
    fn from(summary: &'a Summary) -> Self {
        let id = summary.id;
        Self {
            execution_id: id,
            runtime_id: &summary.runtime,
            playbook_name: &summary.playbook.name,
            status: summary.status,
            started_at: summary.started_at,
            ended_at: summary.ended_at,
            current_step: summary.current_step.as_ref(),
            output: summary.output.as_deref(),
            failure: summary.failure.as_ref().map(FailureView::from),
            links: Links {
                own: Link(id, ""),
                events: Link(id, "/events"),
                interventions: Link(id, "/interventions"),
            },
        }
    }
}

/// An execution, without its context.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionView<'a> {
    /// Its id.
    #[schema(value_type = String)]
    pub execution_id: ExecutionId,
    /// The runtime that it lives in.
    #[schema(value_type = String)]
    pub runtime_id: &'a RuntimeId,
    /// What it runs.
    #[schema(value_type = String)]
    pub playbook_name: &'a PlaybookName,
    /// In which version.
    pub playbook_version: &'a str,
    /// Of that version's source.
    #[schema(value_type = String)]
    pub playbook_digest: Digest,
    /// Where it stands.
    #[schema(value_type = StatusView)]
    pub status: Status,
    /// The seq of its last event.
    #[schema(value_type = u64)]
    pub seq: Seq,
    /// The step that is at work or waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub current_step: Option<&'a StepName>,
    /// How many steps have ended.
    pub steps_done: u32,
    /// How many steps there are.
    pub steps_total: u32,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When its last event was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// When time alone moves it on: a retry, a question's deadline, its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub wakes_at: Option<Timestamp>,
    /// What it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub output: Option<&'a Value>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView<'a>>,
    /// Free words of the caller.
    pub labels: &'a BTreeMap<String, String>,
    /// The version of each plugin that it keeps.
    #[schema(value_type = BTreeMap<String, String>)]
    pub plugins: &'a BTreeMap<PluginName, Digest>,
}

impl<'a> From<&'a Summary> for ExecutionView<'a> {
    fn from(summary: &'a Summary) -> Self {
        Self {
            execution_id: summary.id,
            runtime_id: &summary.runtime,
            playbook_name: &summary.playbook.name,
            playbook_version: &summary.playbook.version,
            playbook_digest: summary.playbook.digest,
            status: summary.status,
            seq: summary.version,
            current_step: summary.current_step.as_ref(),
            steps_done: summary.steps_done,
            steps_total: summary.steps_total,
            started_at: summary.started_at,
            updated_at: summary.updated_at,
            ended_at: summary.ended_at,
            wakes_at: summary.wakes_at,
            output: summary.output.as_deref(),
            failure: summary.failure.as_ref().map(FailureView::from),
            labels: &summary.labels,
            plugins: &summary.plugins,
        }
    }
}

// Only its schema is used: the model's `Status` knows nothing of OpenAPI.
/// Where an execution stands.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "only its schema is used; a test compares it with the model's")]
pub enum StatusView {
    /// Accepted; nothing ran yet.
    Pending,
    /// At work, or between two attempts.
    Running,
    /// A person must answer.
    Waiting,
    /// An operator stopped it for now.
    Paused,
    /// Completed steps are undone.
    Compensating,
    /// End: all went well.
    Succeeded,
    /// End: a step failed.
    Failed,
    /// End: somebody stopped it.
    Cancelled,
    /// End: it took longer than allowed.
    TimedOut,
    /// End: it failed, was cancelled or took too long, and its completed steps are undone.
    Compensated,
    /// End: the same, but not everything could be undone.
    CompensationFailed,
}
