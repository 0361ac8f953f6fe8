//! What a list of executions shows of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
use crate::ids::{Digest, ExecutionId, PluginName, RuntimeId, StepName};

use super::event::{PlaybookRef, Seq};

/// Where an execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
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

impl Status {
    /// Every status, in the order of life.
    pub const ALL: [Self; 11] = [
        Self::Pending,
        Self::Running,
        Self::Waiting,
        Self::Paused,
        Self::Compensating,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::TimedOut,
        Self::Compensated,
        Self::CompensationFailed,
    ];

    /// The word on the wire and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Compensating => "compensating",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Compensated => "compensated",
            Self::CompensationFailed => "compensation_failed",
        }
    }

    /// The status that this word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Nothing will happen any more.
    pub const fn is_end(self) -> bool {
        !matches!(self, Self::Pending | Self::Running | Self::Waiting | Self::Paused | Self::Compensating)
    }
}

/// An execution, without its context.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Which.
    pub id: ExecutionId,
    /// The runtime that it lives in.
    pub runtime: RuntimeId,
    /// What it runs.
    pub playbook: PlaybookRef,
    /// Where it stands.
    pub status: Status,
    /// The seq of its last event: how often it changed.
    pub version: Seq,
    /// The step that is at work or waits.
    pub current_step: Option<StepName>,
    /// How many steps ended, and how many there are.
    pub steps_done: u32,
    /// How many steps there are.
    pub steps_total: u32,
    /// When it was accepted.
    pub started_at: Timestamp,
    /// When its last event was recorded.
    pub updated_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When time alone moves it on: a retry, a question's deadline, its own.
    pub wakes_at: Option<Timestamp>,
    /// What it gave.
    pub output: Option<Arc<Value>>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Free words of the caller.
    pub labels: BTreeMap<String, String>,
    /// The version of each plugin that it keeps.
    pub plugins: BTreeMap<PluginName, Digest>,
}
