//! What can happen, by kind, and what is told of each.

use std::collections::BTreeMap;

use jiff::Timestamp;
use orgata_model::{
    Digest, ExecutionId, InterventionId, OperationName, PlaybookName, PluginName, RuntimeId, StepPath,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::wire::failure::FailureView;
use crate::wire::intervention::InterventionView;
use crate::wire::model::ProviderView;

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
        /// The execution that it runs for, when a step of another started it.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        parent_execution_id: Option<ExecutionId>,
        /// The step of that execution.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        parent_step: Option<&'a StepPath>,
        /// The execution that it was forked from.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        forked_from: Option<ExecutionId>,
    },
    /// A step has the result that it had in the execution that this one was forked from.
    StepAdopted {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// Its result; absent when it was skipped there.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<Value>)]
        data: Option<&'a Value>,
    },
    /// The steps inside of a group or of a switch have their turn.
    StepEntered {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// The case of a switch, 0 for the first; absent for a group, or when no case holds.
        #[serde(skip_serializing_if = "Option::is_none")]
        case: Option<u32>,
    },
    /// A step with `forEach` begins.
    LoopStarted {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// A list: one iteration for each. Its steps are named with the iteration behind, `charge[2]`.
        items: &'a Value,
    },
    /// A step waits for time or for an outside event.
    StepWaiting {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// Until then; with an event, no longer than then.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, format = DateTime)]
        until: Option<Timestamp>,
        /// The event's name.
        #[serde(skip_serializing_if = "Option::is_none")]
        event: Option<&'a str>,
    },
    /// A step runs another playbook as an execution of its own.
    #[serde(rename_all = "camelCase")]
    ChildStarted {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// 1 for the first.
        attempt: u32,
        /// What it runs.
        #[schema(value_type = String)]
        playbook_name: &'a PlaybookName,
        /// As which execution.
        #[schema(value_type = String)]
        child_execution_id: ExecutionId,
        /// What the playbook was given.
        input: &'a Value,
    },
    /// Something happened outside.
    EventReceived {
        /// Its name.
        event: &'a str,
        /// What came with it.
        payload: &'a Value,
    },
    /// An attempt of a step began.
    StepStarted {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
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
        step: &'a StepPath,
        /// The attempt that goes on.
        attempt: u32,
    },
    /// The operation told how far it has come.
    StepProgress {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// From 0 to 1.
        fraction: f64,
        /// For people.
        message: &'a str,
    },
    /// The operation asked an AI model. What was said is not kept.
    #[serde(rename_all = "camelCase")]
    ModelAsked {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// Who answered, or should have.
        #[schema(value_type = ProviderView)]
        provider: &'static str,
        /// The model that answered, or the one that was asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        model: Option<&'a str>,
        /// Tokens that were asked with, as the provider counts.
        input_tokens: u32,
        /// Tokens that were answered.
        output_tokens: u32,
        /// What that cost, where the runtime knows the prices.
        #[serde(skip_serializing_if = "Option::is_none")]
        cost: Option<f64>,
        /// How long it took, in milliseconds.
        took_ms: u64,
        /// Why there is no answer, in one stable word: `unreachable`, `timed_out`, `rate_limited`, `unavailable`,
        /// `not_allowed`, `refused`, `too_large`, `unfit`, `no_client`, `declined`, `scripted` or `abandoned`.
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<&'a str>,
    },
    /// A step gave its result.
    StepCompleted {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// The result itself.
        data: &'a Value,
        /// It was known from an earlier call of the same pure operation with the same input.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        cached: bool,
    },
    /// A step failed for good.
    StepFailed {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// Why.
        failure: FailureView<'a>,
    },
    /// An attempt failed, and another will follow.
    #[serde(rename_all = "camelCase")]
    StepRetryScheduled {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// The attempt to come.
        attempt: u32,
        /// When it comes.
        #[schema(value_type = String, format = DateTime)]
        retry_at: Timestamp,
        /// Why the last one failed.
        failure: FailureView<'a>,
    },
    /// A step is not run: its `when` was false, or an operator decided so.
    StepSkipped {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// What counts as its result, when an operator gave one.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<Value>)]
        data: Option<&'a Value>,
        /// Why, in the words of whoever did it.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// The host stopped while a step that may have changed the outside was at work.
    StepInterrupted {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// The attempt that was cut off.
        attempt: u32,
    },
    /// Somebody must answer.
    InterventionRequired {
        /// The step that waits.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// What is asked.
        intervention: InterventionView<'a>,
    },
    /// Somebody answered.
    #[serde(rename_all = "camelCase")]
    InterventionResolved {
        /// The step that waited.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// Which question.
        #[schema(value_type = String)]
        intervention_id: InterventionId,
        /// The answer.
        response: &'a Value,
        /// What the answerer wrote beside it.
        #[serde(skip_serializing_if = "Option::is_none")]
        notes: Option<&'a str>,
    },
    /// One of several people who must approve did.
    #[serde(rename_all = "camelCase")]
    InterventionApproved {
        /// The step that waits.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// Which question.
        #[schema(value_type = String)]
        intervention_id: InterventionId,
        /// The answer.
        response: &'a Value,
        /// What the answerer wrote beside it.
        #[serde(skip_serializing_if = "Option::is_none")]
        notes: Option<&'a str>,
    },
    /// Whoever should answer is reminded.
    #[serde(rename_all = "camelCase")]
    InterventionReminded {
        /// The step that waits.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// Which question.
        #[schema(value_type = String)]
        intervention_id: InterventionId,
    },
    /// The question is no longer of use: another step failed beside it, or an operator skipped its step.
    #[serde(rename_all = "camelCase")]
    InterventionWithdrawn {
        /// The step that waits.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// Which question.
        #[schema(value_type = String)]
        intervention_id: InterventionId,
    },
    /// Nobody answered in time.
    #[serde(rename_all = "camelCase")]
    InterventionExpired {
        /// The step that waited.
        #[schema(value_type = String)]
        step: &'a StepPath,
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
    /// Somebody stops it while others run for its steps: they are stopped first. It goes on if it was paused.
    CancellationRequested {
        /// Completed steps are to be undone.
        compensate: bool,
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// An operator lets an execution that failed go on: this step begins anew.
    ExecutionRetried {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// What it is given instead of what the playbook says.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<Value>)]
        input: Option<&'a Value>,
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// Completed steps are undone, newest first.
    CompensationStarted {
        /// `failed`, `cancelled` or `timed_out`.
        cause: &'static str,
        /// The step that failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        step: Option<&'a StepPath>,
        /// Why it failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<FailureView<'a>>,
        /// Why it was cancelled.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// An attempt to undo a step began.
    StepCompensationStarted {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// 1 for the first.
        attempt: u32,
        /// What it runs.
        #[schema(value_type = String)]
        operation: &'a OperationName,
        /// What the operation was given.
        input: &'a Value,
    },
    /// An attempt to undo a step failed, and another will follow.
    #[serde(rename_all = "camelCase")]
    StepCompensationRetryScheduled {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// The attempt to come.
        attempt: u32,
        /// When it comes.
        #[schema(value_type = String, format = DateTime)]
        retry_at: Timestamp,
        /// Why the last one failed.
        failure: FailureView<'a>,
    },
    /// A step is undone, or somebody says that it is.
    StepCompensated {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
    },
    /// A step could not be undone: an operator is asked.
    StepCompensationFailed {
        /// Which.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// Why.
        failure: FailureView<'a>,
    },
    /// An end: everything that could be undone is.
    ExecutionCompensated {},
    /// An end: an operator gave up undoing.
    CompensationFailed {
        /// The step that could not be undone.
        #[schema(value_type = String)]
        step: &'a StepPath,
        /// Why.
        failure: FailureView<'a>,
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
        step: Option<&'a StepPath>,
        /// Why.
        failure: FailureView<'a>,
    },
    /// An end: all went well.
    ExecutionCompleted {
        /// The playbook's output.
        output: &'a Value,
    },
}
