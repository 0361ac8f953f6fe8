//! From what is recorded to what clients see.

use orgata_model::execution::{Cause, Event, Fact};

use super::{EventView, What};

impl<'a> From<&'a Event> for EventView<'a> {
    fn from(event: &'a Event) -> Self {
        Self { what: What::from(&event.fact), at: event.at, actor: &event.actor }
    }
}

impl<'a> From<&'a Fact> for What<'a> {
    #[expect(clippy::too_many_lines, reason = "one arm for each event")]
    fn from(fact: &'a Fact) -> Self {
        match fact {
            Fact::ExecutionStarted {
                runtime,
                environment,
                playbook,
                input,
                plugins,
                deadline,
                labels,
                parent,
                fork,
            } => Self::ExecutionStarted {
                runtime_id: runtime,
                environment: environment.as_str(),
                playbook_name: &playbook.name,
                playbook_version: &playbook.version,
                playbook_digest: playbook.digest,
                input,
                plugins,
                deadline: *deadline,
                labels,
                parent_execution_id: parent.as_ref().map(|parent| parent.execution),
                parent_step: parent.as_ref().map(|parent| &parent.step),
                forked_from: fork.as_ref().map(|fork| fork.execution),
            },
            Fact::StepAdopted { step, result } => Self::StepAdopted { step, data: result.as_deref() },
            Fact::StepEntered { step, case } => Self::StepEntered { step, case: *case },
            Fact::LoopStarted { step, items } => Self::LoopStarted { step, items },
            Fact::StepWaiting { step, until, event } => {
                Self::StepWaiting { step, until: *until, event: event.as_deref() }
            }
            Fact::ChildStarted { step, attempt, playbook, execution, input } => Self::ChildStarted {
                step,
                attempt: *attempt,
                playbook_name: playbook,
                child_execution_id: *execution,
                input,
            },
            Fact::EventReceived { event, payload } => Self::EventReceived { event, payload },
            Fact::StepStarted { step, attempt, operation, input } => {
                Self::StepStarted { step, attempt: *attempt, operation, input }
            }
            Fact::StepResumed { step, attempt } => Self::StepResumed { step, attempt: *attempt },
            Fact::StepProgress { step, fraction, message } => {
                Self::StepProgress { step, fraction: *fraction, message }
            }
            Fact::ModelAsked {
                step,
                provider,
                model,
                input_tokens,
                output_tokens,
                cost,
                took_ms,
                failure,
            } => Self::ModelAsked {
                step,
                provider: provider.as_str(),
                model: model.as_deref(),
                input_tokens: *input_tokens,
                output_tokens: *output_tokens,
                cost: *cost,
                took_ms: *took_ms,
                failure: failure.as_deref(),
            },
            Fact::StepCompleted { step, result, cached } => {
                Self::StepCompleted { step, data: result, cached: *cached }
            }
            Fact::StepFailed { step, failure } => Self::StepFailed { step, failure: failure.into() },
            Fact::StepRetryScheduled { step, attempt, at, failure } => {
                Self::StepRetryScheduled { step, attempt: *attempt, retry_at: *at, failure: failure.into() }
            }
            Fact::StepSkipped { step, result, reason } => {
                Self::StepSkipped { step, data: result.as_deref(), reason: reason.as_deref() }
            }
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
            Fact::InterventionApproved { intervention, step, response, notes } => {
                Self::InterventionApproved {
                    step,
                    intervention_id: *intervention,
                    response,
                    notes: notes.as_deref(),
                }
            }
            Fact::InterventionReminded { intervention, step } => {
                Self::InterventionReminded { step, intervention_id: *intervention }
            }
            Fact::InterventionWithdrawn { intervention, step } => {
                Self::InterventionWithdrawn { step, intervention_id: *intervention }
            }
            Fact::InterventionExpired { intervention, step } => {
                Self::InterventionExpired { step, intervention_id: *intervention }
            }
            Fact::ExecutionPaused { reason } => Self::ExecutionPaused { reason: reason.as_deref() },
            Fact::ExecutionResumed { reason } => Self::ExecutionResumed { reason: reason.as_deref() },
            Fact::ExecutionRetried { step, input, reason } => {
                Self::ExecutionRetried { step, input: input.as_deref(), reason: reason.as_deref() }
            }
            Fact::CancellationRequested { compensate, reason } => {
                Self::CancellationRequested { compensate: *compensate, reason: reason.as_deref() }
            }
            Fact::CompensationStarted { cause } => compensation(cause),
            Fact::StepCompensationStarted { step, attempt, operation, input } => {
                Self::StepCompensationStarted { step, attempt: *attempt, operation, input }
            }
            Fact::StepCompensationRetryScheduled { step, attempt, at, failure } => {
                Self::StepCompensationRetryScheduled {
                    step,
                    attempt: *attempt,
                    retry_at: *at,
                    failure: failure.into(),
                }
            }
            Fact::StepCompensated { step } => Self::StepCompensated { step },
            Fact::StepCompensationFailed { step, failure } => {
                Self::StepCompensationFailed { step, failure: failure.into() }
            }
            Fact::ExecutionCompensated {} => Self::ExecutionCompensated {},
            Fact::CompensationFailed { step, failure } => {
                Self::CompensationFailed { step, failure: failure.into() }
            }
            Fact::ExecutionCancelled { reason } => Self::ExecutionCancelled { reason: reason.as_deref() },
            Fact::ExecutionTimedOut {} => Self::ExecutionTimedOut {},
            Fact::ExecutionFailed { step, failure } => {
                Self::ExecutionFailed { step: step.as_ref(), failure: failure.into() }
            }
            Fact::ExecutionCompleted { output } => Self::ExecutionCompleted { output },
        }
    }
}

fn compensation(cause: &Cause) -> What<'_> {
    let (word, step, failure, reason) = match cause {
        Cause::Failed { step, failure } => ("failed", step.as_ref(), Some(failure.into()), None),
        Cause::Cancelled { reason } => ("cancelled", None, None, reason.as_deref()),
        Cause::TimedOut => ("timed_out", None, None, None),
    };
    What::CompensationStarted { cause: word, step, failure, reason }
}
