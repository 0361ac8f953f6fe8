//! The events of an execution's history, and what they refer to.
//!
//! The serde form here is the *recorded* one: histories written by every released version must be read
//! for ever, so fields are added with defaults and never renamed. What clients see is made by hand in
//! `api::wire`.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::ids::{Digest, ExecutionId, PlaybookName};
use crate::step_path::StepPath;

use super::fact::Fact;

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

/// The step that runs an execution as its child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The execution.
    pub execution: ExecutionId,
    /// Its step.
    pub step: StepPath,
}

/// The execution that another was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The earlier execution.
    pub execution: ExecutionId,
    /// The step from which it runs anew.
    pub step: StepPath,
}

/// Why completed steps are undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// A step failed, or the output could not be computed.
    Failed {
        /// Which, unless it was the output.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<StepPath>,
        /// Why.
        failure: Failure,
    },
    /// Somebody stopped it.
    Cancelled {
        /// Why, in their words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// It took longer than its playbook allows.
    TimedOut,
}
