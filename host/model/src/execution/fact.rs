//! What may happen to an execution.
//!
//! The serde form is the *recorded* one, as that of [`super::Event`]: fields are added with defaults and never
//! renamed.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
use crate::ids::{Digest, ExecutionId, InterventionId, OperationName, PlaybookName, PluginName, RuntimeId};
use crate::intervention::Intervention;
use crate::runtime::Environment;
use crate::sampling::Provider;
use crate::step_path::StepPath;

use super::event::{Cause, Fork, Parent, PlaybookRef};

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Fact {
    /// Always the first. Everything is pinned here.
    ExecutionStarted {
        /// The runtime that it lives in.
        runtime: RuntimeId,
        /// That runtime's environment at the start.
        environment: Environment,
        /// The version that it keeps.
        playbook: PlaybookRef,
        /// Satisfies the playbook's input schema.
        input: Arc<Value>,
        /// The version of each plugin that it keeps.
        plugins: BTreeMap<PluginName, Digest>,
        /// When it is given up, from the playbook's `timeout`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
        /// Free words of the caller.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        labels: BTreeMap<String, String>,
        /// The step that waits for it, when it is a child.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<Parent>,
        /// What it was made from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fork: Option<Fork>,
    },
    /// A step has the result that it had in the execution that this one was made from.
    StepAdopted {
        /// Which.
        step: StepPath,
        /// Its result; absent when it was skipped there.
        #[serde(
            default,
            deserialize_with = "crate::recorded::present",
            skip_serializing_if = "Option::is_none"
        )]
        result: Option<Arc<Value>>,
    },
    /// The steps inside of a group or of a switch have their turn.
    StepEntered {
        /// Which.
        step: StepPath,
        /// The case of a switch, 0 for the first; absent for a group, or when no case holds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        case: Option<u32>,
    },
    /// A step with `forEach` begins.
    LoopStarted {
        /// Which.
        step: StepPath,
        /// A list: one iteration for each.
        items: Arc<Value>,
    },
    /// A step waits for time or for an outside event.
    StepWaiting {
        /// Which.
        step: StepPath,
        /// Until then; with an event, no longer than then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// The event's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<String>,
    },
    /// A step runs another playbook.
    ChildStarted {
        /// Which.
        step: StepPath,
        /// 1 for the first.
        attempt: u32,
        /// What it runs.
        playbook: PlaybookName,
        /// As which execution.
        execution: ExecutionId,
        /// What the playbook is given.
        input: Arc<Value>,
    },
    /// Something happened outside.
    EventReceived {
        /// Its name.
        event: String,
        /// What came with it.
        payload: Arc<Value>,
    },
    /// An attempt of a step began.
    StepStarted {
        /// Which.
        step: StepPath,
        /// 1 for the first.
        attempt: u32,
        /// What it runs.
        operation: OperationName,
        /// What the operation was given.
        input: Arc<Value>,
    },
    /// The operation goes on with the answer to its question.
    StepResumed {
        /// Which.
        step: StepPath,
        /// The attempt that goes on.
        attempt: u32,
    },
    /// The operation told how far it has come.
    StepProgress {
        /// Which.
        step: StepPath,
        /// From 0 to 1.
        fraction: f64,
        /// For people.
        message: String,
    },
    /// The operation asked an AI model. What it said, and what it was told, is not kept.
    ModelAsked {
        /// Which.
        step: StepPath,
        /// Who answered, or should have.
        provider: Provider,
        /// The model that answered; where none did, the one that was asked for, if one was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        /// Tokens that were asked with, as the provider counts.
        #[serde(default)]
        input_tokens: u32,
        /// Tokens that were answered.
        #[serde(default)]
        output_tokens: u32,
        /// What that cost, where the runtime knows the prices.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cost: Option<f64>,
        /// How long it took, in milliseconds.
        #[serde(default)]
        took_ms: u64,
        /// Why there is no answer, in one stable word: `timed_out`, `rate_limited`, …
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<String>,
    },
    /// A step gave its result.
    StepCompleted {
        /// Which.
        step: StepPath,
        /// Satisfies the operation's output schema.
        result: Arc<Value>,
        /// It was known from an earlier call of the same pure operation with the same input.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cached: bool,
    },
    /// A step failed for good.
    StepFailed {
        /// Which.
        step: StepPath,
        /// Why.
        failure: Failure,
    },
    /// An attempt failed, and another will follow.
    StepRetryScheduled {
        /// Which.
        step: StepPath,
        /// The attempt to come.
        attempt: u32,
        /// When it comes. Recorded under a name of its own: the event has an `at` already.
        #[serde(rename = "retry_at")]
        at: Timestamp,
        /// Why the last one failed.
        failure: Failure,
    },
    /// A step is not run: its `when` was false, or an operator decided so.
    StepSkipped {
        /// Which.
        step: StepPath,
        /// What counts as its result, when an operator gave one.
        #[serde(
            default,
            deserialize_with = "crate::recorded::present",
            skip_serializing_if = "Option::is_none"
        )]
        result: Option<Arc<Value>>,
        /// Why, in the words of whoever did it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The host stopped while an effectful step was at work.
    StepInterrupted {
        /// Which.
        step: StepPath,
        /// The attempt that was cut off.
        attempt: u32,
    },
    /// Somebody must answer.
    InterventionRequired {
        /// What is asked.
        intervention: Intervention,
    },
    /// Somebody answered.
    InterventionResolved {
        /// Which question.
        intervention: InterventionId,
        /// The step that waited.
        step: StepPath,
        /// The answer.
        response: Arc<Value>,
        /// What the answerer wrote beside it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notes: Option<String>,
    },
    /// One of several people who must approve did.
    InterventionApproved {
        /// Which question.
        intervention: InterventionId,
        /// The step that waits.
        step: StepPath,
        /// The answer.
        response: Arc<Value>,
        /// What the answerer wrote beside it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notes: Option<String>,
    },
    /// Whoever should answer is reminded.
    InterventionReminded {
        /// Which question.
        intervention: InterventionId,
        /// The step that waits.
        step: StepPath,
    },
    /// The question is no longer of use: another step failed beside it.
    InterventionWithdrawn {
        /// Which question.
        intervention: InterventionId,
        /// The step that waited.
        step: StepPath,
    },
    /// Nobody answered in time; the question's `on_deadline` says what that does.
    InterventionExpired {
        /// Which question.
        intervention: InterventionId,
        /// The step that waited.
        step: StepPath,
    },
    /// Nothing new starts until it is resumed.
    ExecutionPaused {
        /// Why, in the words of whoever did it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// It goes on.
    ExecutionResumed {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// An operator lets an execution that failed go on: this step begins anew.
    ExecutionRetried {
        /// Which.
        step: StepPath,
        /// What it is given instead of what the playbook says.
        #[serde(
            default,
            deserialize_with = "crate::recorded::present",
            skip_serializing_if = "Option::is_none"
        )]
        input: Option<Arc<Value>>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Somebody stops it while others run for its steps: they are stopped first. It goes on if it was paused.
    CancellationRequested {
        /// Completed steps are to be undone.
        compensate: bool,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Completed steps are undone, newest first. Nothing else happens any more.
    CompensationStarted {
        /// Why.
        #[serde(flatten)]
        cause: Cause,
    },
    /// An attempt to undo a step began.
    StepCompensationStarted {
        /// Which.
        step: StepPath,
        /// 1 for the first.
        attempt: u32,
        /// What it runs.
        operation: OperationName,
        /// What the operation was given.
        input: Arc<Value>,
    },
    /// An attempt to undo a step failed, and another will follow.
    StepCompensationRetryScheduled {
        /// Which.
        step: StepPath,
        /// The attempt to come.
        attempt: u32,
        /// When it comes.
        #[serde(rename = "retry_at")]
        at: Timestamp,
        /// Why the last one failed.
        failure: Failure,
    },
    /// A step is undone, or somebody says that it is.
    StepCompensated {
        /// Which.
        step: StepPath,
    },
    /// A step could not be undone: an operator is asked.
    StepCompensationFailed {
        /// Which.
        step: StepPath,
        /// Why.
        failure: Failure,
    },
    /// An end: everything that could be undone is.
    ExecutionCompensated {},
    /// An end: an operator gave up undoing.
    CompensationFailed {
        /// The step that could not be undone.
        step: StepPath,
        /// Why.
        failure: Failure,
    },
    /// An end: somebody stopped it.
    ExecutionCancelled {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// An end: it took longer than its playbook allows.
    ExecutionTimedOut {},
    /// An end: a step failed.
    ExecutionFailed {
        /// Which, unless the playbook's own output could not be computed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<StepPath>,
        /// Why.
        failure: Failure,
    },
    /// An end: all went well.
    ExecutionCompleted {
        /// The playbook's output.
        output: Arc<Value>,
    },
}
