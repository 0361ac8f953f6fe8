//! Events as clients see them: the same in history, SSE and WebSocket.

use std::collections::BTreeMap;

use jiff::Timestamp;
use orgata_model::execution::{Event, Fact};
use orgata_model::{Digest, InterventionId, OperationName, PlaybookName, PluginName, RuntimeId, StepName};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::failure::FailureView;
use super::intervention::InterventionView;

/// One thing that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "step_completed",
    "step": "gather-ingredients",
    "data": { "ingredients": ["bread", "peanut-butter", "jelly"] },
    "at": "2026-03-01T12:00:00.25Z",
    "actor": "engine"
}))]
pub struct EventView<'a> {
    /// What happened.
    #[serde(flatten)]
    pub what: What<'a>,
    /// When the host recorded it.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who caused it: the name of whoever called, or `engine`.
    pub actor: &'a str,
}

/// What happened, by kind.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[schema(as = EventBody)]
pub enum What<'a> {
    /// Always the first. The versions named here hold to the end.
    #[serde(rename_all = "camelCase")]
    ExecutionStarted {
        /// The runtime that it lives in.
        #[schema(value_type = String)]
        runtime_id: &'a RuntimeId,
        /// That runtime's environment.
        environment: &'static str,
        /// What it runs.
        #[schema(value_type = String)]
        playbook_name: &'a PlaybookName,
        /// In which version.
        playbook_version: &'a str,
        /// Of that version's source.
        #[schema(value_type = String)]
        playbook_digest: Digest,
        /// What it was given.
        input: &'a Value,
        /// The version of each plugin that it keeps.
        #[schema(value_type = BTreeMap<String, String>)]
        plugins: &'a BTreeMap<PluginName, Digest>,
        /// When it is given up.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, format = DateTime)]
        deadline: Option<Timestamp>,
        /// Free words of the caller.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        #[schema(required = false)]
        labels: &'a BTreeMap<String, String>,
    },
    /// An attempt of a step began.
    StepStarted {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepName,
        /// 1 for the first.
        attempt: u32,
        /// What it runs.
        #[schema(value_type = String)]
        operation: &'a OperationName,
        /// What the operation was given.
        input: &'a Value,
    },
    /// The operation goes on with the answer to its question.
    StepResumed {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepName,
        /// The attempt that goes on.
        attempt: u32,
    },
    /// The operation told how far it has come.
    StepProgress {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepName,
        /// From 0 to 1.
        fraction: f64,
        /// For people.
        message: &'a str,
    },
    /// A step gave its result.
    StepCompleted {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepName,
        /// The result itself.
        data: &'a Value,
    },
    /// A step failed for good.
    StepFailed {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepName,
        /// Why.
        failure: FailureView<'a>,
    },
    /// An attempt failed, and another will follow.
    #[serde(rename_all = "camelCase")]
    StepRetryScheduled {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepName,
        /// The attempt to come.
        attempt: u32,
        /// When it comes.
        #[schema(value_type = String, format = DateTime)]
        retry_at: Timestamp,
        /// Why the last one failed.
        failure: FailureView<'a>,
    },
    /// A step's `when` was false.
    StepSkipped {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepName,
    },
    /// The host stopped while a step that may have changed the outside was at work.
    StepInterrupted {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepName,
        /// The attempt that was cut off.
        attempt: u32,
    },
    /// Somebody must answer.
    InterventionRequired {
        /// The step that waits.
        #[schema(value_type = String)]
        step: &'a StepName,
        /// What is asked.
        intervention: InterventionView<'a>,
    },
    /// Somebody answered.
    #[serde(rename_all = "camelCase")]
    InterventionResolved {
        /// The step that waited.
        #[schema(value_type = String)]
        step: &'a StepName,
        /// Which question.
        #[schema(value_type = String)]
        intervention_id: InterventionId,
        /// The answer.
        response: &'a Value,
        /// What the answerer wrote beside it.
        #[serde(skip_serializing_if = "Option::is_none")]
        notes: Option<&'a str>,
    },
    /// Nobody answered in time.
    #[serde(rename_all = "camelCase")]
    InterventionExpired {
        /// The step that waited.
        #[schema(value_type = String)]
        step: &'a StepName,
        /// Which question.
        #[schema(value_type = String)]
        intervention_id: InterventionId,
    },
    /// Nothing new starts until it is resumed.
    ExecutionPaused {
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// It goes on.
    ExecutionResumed {
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// An end: somebody stopped it.
    ExecutionCancelled {
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// An end: it took longer than its playbook allows.
    ExecutionTimedOut {},
    /// An end: a step failed.
    ExecutionFailed {
        /// Which, unless the playbook's own output could not be computed.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        step: Option<&'a StepName>,
        /// Why.
        failure: FailureView<'a>,
    },
    /// An end: all went well.
    ExecutionCompleted {
        /// The playbook's output.
        output: &'a Value,
    },
}

impl<'a> From<&'a Event> for EventView<'a> {
    fn from(event: &'a Event) -> Self {
        Self { what: What::from(&event.fact), at: event.at, actor: &event.actor }
    }
}

impl<'a> From<&'a Fact> for What<'a> {
    fn from(fact: &'a Fact) -> Self {
        match fact {
            Fact::ExecutionStarted { runtime, environment, playbook, input, plugins, deadline, labels } => {
                Self::ExecutionStarted {
                    runtime_id: runtime,
                    environment: environment.as_str(),
                    playbook_name: &playbook.name,
                    playbook_version: &playbook.version,
                    playbook_digest: playbook.digest,
                    input,
                    plugins,
                    deadline: *deadline,
                    labels,
                }
            }
            Fact::StepStarted { step, attempt, operation, input } => {
                Self::StepStarted { step, attempt: *attempt, operation, input }
            }
            Fact::StepResumed { step, attempt } => Self::StepResumed { step, attempt: *attempt },
            Fact::StepProgress { step, fraction, message } => {
                Self::StepProgress { step, fraction: *fraction, message }
            }
            Fact::StepCompleted { step, result } => Self::StepCompleted { step, data: result },
            Fact::StepFailed { step, failure } => Self::StepFailed { step, failure: failure.into() },
            Fact::StepRetryScheduled { step, attempt, at, failure } => {
                Self::StepRetryScheduled { step, attempt: *attempt, retry_at: *at, failure: failure.into() }
            }
            Fact::StepSkipped { step } => Self::StepSkipped { step },
            Fact::StepInterrupted { step, attempt } => Self::StepInterrupted { step, attempt: *attempt },
            Fact::InterventionRequired { intervention } => {
                Self::InterventionRequired { step: &intervention.step, intervention: intervention.into() }
            }
            Fact::InterventionResolved { intervention, step, response, notes } => {
                Self::InterventionResolved {
                    step,
                    intervention_id: *intervention,
                    response,
                    notes: notes.as_deref(),
                }
            }
            Fact::InterventionExpired { intervention, step } => {
                Self::InterventionExpired { step, intervention_id: *intervention }
            }
            Fact::ExecutionPaused { reason } => Self::ExecutionPaused { reason: reason.as_deref() },
            Fact::ExecutionResumed { reason } => Self::ExecutionResumed { reason: reason.as_deref() },
            Fact::ExecutionCancelled { reason } => Self::ExecutionCancelled { reason: reason.as_deref() },
            Fact::ExecutionTimedOut {} => Self::ExecutionTimedOut {},
            Fact::ExecutionFailed { step, failure } => {
                Self::ExecutionFailed { step: step.as_ref(), failure: failure.into() }
            }
            Fact::ExecutionCompleted { output } => Self::ExecutionCompleted { output },
        }
    }
}
