//! What kind of fact a fact is: its name, the step that it is about, and whether it ends something.

use crate::step_path::StepPath;

use super::event::Cause;
use super::fact::Fact;

impl Fact {
    /// The step that it is about, if it is about one.
    pub fn step(&self) -> Option<&StepPath> {
        match self {
            Self::StepAdopted { step, .. }
            | Self::StepEntered { step, .. }
            | Self::LoopStarted { step, .. }
            | Self::StepWaiting { step, .. }
            | Self::ChildStarted { step, .. }
            | Self::StepStarted { step, .. }
            | Self::StepResumed { step, .. }
            | Self::StepProgress { step, .. }
            | Self::ModelAsked { step, .. }
            | Self::StepCompleted { step, .. }
            | Self::StepFailed { step, .. }
            | Self::StepRetryScheduled { step, .. }
            | Self::StepSkipped { step, .. }
            | Self::StepInterrupted { step, .. }
            | Self::InterventionResolved { step, .. }
            | Self::InterventionApproved { step, .. }
            | Self::InterventionReminded { step, .. }
            | Self::InterventionWithdrawn { step, .. }
            | Self::InterventionExpired { step, .. }
            | Self::ExecutionRetried { step, .. }
            | Self::StepCompensationStarted { step, .. }
            | Self::StepCompensationRetryScheduled { step, .. }
            | Self::StepCompensated { step }
            | Self::StepCompensationFailed { step, .. }
            | Self::CompensationFailed { step, .. } => Some(step),
            Self::InterventionRequired { intervention } => Some(&intervention.step),
            Self::ExecutionFailed { step, .. }
            | Self::CompensationStarted { cause: Cause::Failed { step, .. } } => step.as_ref(),
            _ => None,
        }
    }

    /// Nothing happens after it, unless an operator lets the execution go on.
    pub const fn is_end(&self) -> bool {
        matches!(
            self,
            Self::ExecutionCancelled { .. }
                | Self::ExecutionTimedOut {}
                | Self::ExecutionFailed { .. }
                | Self::ExecutionCompleted { .. }
                | Self::ExecutionCompensated {}
                | Self::CompensationFailed { .. }
        )
    }

    /// Whatever questions were open are closed by it.
    pub const fn closes_questions(&self) -> bool {
        self.is_end() || matches!(self, Self::CompensationStarted { .. })
    }

    /// The event's name on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ExecutionStarted { .. } => "execution_started",
            Self::StepAdopted { .. } => "step_adopted",
            Self::StepEntered { .. } => "step_entered",
            Self::LoopStarted { .. } => "loop_started",
            Self::StepWaiting { .. } => "step_waiting",
            Self::ChildStarted { .. } => "child_started",
            Self::EventReceived { .. } => "event_received",
            Self::StepStarted { .. } => "step_started",
            Self::StepResumed { .. } => "step_resumed",
            Self::StepProgress { .. } => "step_progress",
            Self::ModelAsked { .. } => "model_asked",
            Self::StepCompleted { .. } => "step_completed",
            Self::StepFailed { .. } => "step_failed",
            Self::StepRetryScheduled { .. } => "step_retry_scheduled",
            Self::StepSkipped { .. } => "step_skipped",
            Self::StepInterrupted { .. } => "step_interrupted",
            Self::InterventionRequired { .. } => "intervention_required",
            Self::InterventionResolved { .. } => "intervention_resolved",
            Self::InterventionApproved { .. } => "intervention_approved",
            Self::InterventionReminded { .. } => "intervention_reminded",
            Self::InterventionWithdrawn { .. } => "intervention_withdrawn",
            Self::InterventionExpired { .. } => "intervention_expired",
            Self::ExecutionPaused { .. } => "execution_paused",
            Self::ExecutionResumed { .. } => "execution_resumed",
            Self::ExecutionRetried { .. } => "execution_retried",
            Self::CancellationRequested { .. } => "cancellation_requested",
            Self::CompensationStarted { .. } => "compensation_started",
            Self::StepCompensationStarted { .. } => "step_compensation_started",
            Self::StepCompensationRetryScheduled { .. } => "step_compensation_retry_scheduled",
            Self::StepCompensated { .. } => "step_compensated",
            Self::StepCompensationFailed { .. } => "step_compensation_failed",
            Self::ExecutionCompensated {} => "execution_compensated",
            Self::CompensationFailed { .. } => "compensation_failed",
            Self::ExecutionCancelled { .. } => "execution_cancelled",
            Self::ExecutionTimedOut {} => "execution_timed_out",
            Self::ExecutionFailed { .. } => "execution_failed",
            Self::ExecutionCompleted { .. } => "execution_completed",
        }
    }
}
