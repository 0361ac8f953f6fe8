//! Undoing completed steps, newest first.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::failure::Failure;
use crate::ids::InterventionId;
use crate::intervention::Intervention;
use crate::step_path::StepPath;

use super::event::Cause;

/// How completed steps are undone, and how far that has come.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Unwinding {
    /// Why they are undone; `None` while they are not.
    pub cause: Option<Cause>,
    /// Completed steps that can be undone, the newest last; those that are undone are gone.
    pub steps: Vec<Undoing>,
    /// Where the newest stands.
    pub stage: Stage,
}

/// A completed step that can be undone.
#[derive(Debug, Clone, PartialEq)]
pub struct Undoing {
    /// Which.
    pub step: StepPath,
    /// Its place in the playbook.
    pub at: usize,
    /// What its compensation is given, as it was when the step completed; or why that could not be computed.
    pub input: Result<Arc<Value>, Failure>,
}

/// Where the step that is undone stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Stage {
    /// Its turn has come.
    #[default]
    Ready,
    /// An attempt is at work, or was when the host stopped.
    Running {
        /// 1 for the first.
        attempt: u32,
    },
    /// An attempt failed, and another comes.
    Retrying {
        /// The attempt to come.
        attempt: u32,
        /// When.
        at: Timestamp,
    },
    /// It could not be undone: an operator is to be asked.
    Failed {
        /// The last attempt.
        attempt: u32,
        /// Why.
        failure: Failure,
    },
    /// An operator is asked.
    Waiting {
        /// The last attempt.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// The question.
        intervention: InterventionId,
    },
    /// The operator said what to do.
    Answered {
        /// The last attempt.
        attempt: u32,
        /// Why it could not be undone.
        failure: Failure,
        /// The question.
        intervention: Box<Intervention>,
        /// The answer.
        answer: Option<Arc<Value>>,
    },
}

impl Unwinding {
    /// The step that is undone now or next.
    pub fn current(&self) -> Option<&Undoing> {
        self.steps.last()
    }

    /// When time alone moves it on.
    pub(super) fn wakes_at(&self) -> Option<Timestamp> {
        match &self.stage {
            Stage::Retrying { at, .. } => Some(*at),
            _ => None,
        }
    }
}
