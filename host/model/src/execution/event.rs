//! The facts of an execution's history.
//!
//! The serde form here is the *recorded* one: histories written by every released version must be read
//! for ever, so fields are added with defaults and never renamed. What clients see is made by hand in
//! `api::wire`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
use crate::ids::{Digest, InterventionId, OperationName, PlaybookName, PluginName, RuntimeId, StepName};
use crate::intervention::Intervention;
use crate::runtime::Environment;

/// Position of an event in its execution's history: 1, 2, 3, … without a gap.
pub type Seq = u64;

/// Who caused an event.
pub type Actor = Arc<str>;

/// One immutable fact, with its place and time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// 1 for the first.
    pub seq: Seq,
    /// When the host recorded it.
    pub at: Timestamp,
    /// A principal's name, or `engine`.
    pub actor: Actor,
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
}

/// Which version of which playbook an execution runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaybookRef {
    /// Its name.
    pub name: PlaybookName,
    /// Its version text.
    pub version: String,
    /// The digest of its source.
    pub digest: Digest,
}

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
    },
    /// An attempt of a step began.
    StepStarted {
        /// Which.
        step: StepName,
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
        step: StepName,
        /// The attempt that goes on.
        attempt: u32,
    },
    /// The operation told how far it has come.
    StepProgress {
        /// Which.
        step: StepName,
        /// From 0 to 1.
        fraction: f64,
        /// For people.
        message: String,
    },
    /// A step gave its result.
    StepCompleted {
        /// Which.
        step: StepName,
        /// Satisfies the operation's output schema.
        result: Arc<Value>,
    },
    /// A step failed for good.
    StepFailed {
        /// Which.
        step: StepName,
        /// Why.
        failure: Failure,
    },
    /// An attempt failed, and another will follow.
    StepRetryScheduled {
        /// Which.
        step: StepName,
        /// The attempt to come.
        attempt: u32,
        /// When it comes. Recorded under a name of its own: the event has an `at` already.
        #[serde(rename = "retry_at")]
        at: Timestamp,
        /// Why the last one failed.
        failure: Failure,
    },
    /// A step's `when` was false.
    StepSkipped {
        /// Which.
        step: StepName,
    },
    /// The host stopped while an effectful step was at work.
    StepInterrupted {
        /// Which.
        step: StepName,
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
        step: StepName,
        /// The answer.
        response: Arc<Value>,
        /// What the answerer wrote beside it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notes: Option<String>,
    },
    /// Nobody answered in time; the question's `on_deadline` says what that does.
    InterventionExpired {
        /// Which question.
        intervention: InterventionId,
        /// The step that waited.
        step: StepName,
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
        step: Option<StepName>,
        /// Why.
        failure: Failure,
    },
    /// An end: all went well.
    ExecutionCompleted {
        /// The playbook's output.
        output: Arc<Value>,
    },
}

impl Fact {
    /// The step that it is about, if it is about one.
    pub fn step(&self) -> Option<&StepName> {
        match self {
            Self::StepStarted { step, .. }
            | Self::StepResumed { step, .. }
            | Self::StepProgress { step, .. }
            | Self::StepCompleted { step, .. }
            | Self::StepFailed { step, .. }
            | Self::StepRetryScheduled { step, .. }
            | Self::StepSkipped { step }
            | Self::StepInterrupted { step, .. }
            | Self::InterventionResolved { step, .. }
            | Self::InterventionExpired { step, .. } => Some(step),
            Self::InterventionRequired { intervention } => Some(&intervention.step),
            Self::ExecutionFailed { step, .. } => step.as_ref(),
            _ => None,
        }
    }

    /// The event's name on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ExecutionStarted { .. } => "execution_started",
            Self::StepStarted { .. } => "step_started",
            Self::StepResumed { .. } => "step_resumed",
            Self::StepProgress { .. } => "step_progress",
            Self::StepCompleted { .. } => "step_completed",
            Self::StepFailed { .. } => "step_failed",
            Self::StepRetryScheduled { .. } => "step_retry_scheduled",
            Self::StepSkipped { .. } => "step_skipped",
            Self::StepInterrupted { .. } => "step_interrupted",
            Self::InterventionRequired { .. } => "intervention_required",
            Self::InterventionResolved { .. } => "intervention_resolved",
            Self::InterventionExpired { .. } => "intervention_expired",
            Self::ExecutionPaused { .. } => "execution_paused",
            Self::ExecutionResumed { .. } => "execution_resumed",
            Self::ExecutionCancelled { .. } => "execution_cancelled",
            Self::ExecutionTimedOut {} => "execution_timed_out",
            Self::ExecutionFailed { .. } => "execution_failed",
            Self::ExecutionCompleted { .. } => "execution_completed",
        }
    }
}
