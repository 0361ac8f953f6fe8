//! From where a step stands to where it stands next: the table of legal moves.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::intervention::Origin;
use crate::playbook::{OnFailure, Step, Work};

use super::fact::Fact;
use super::step_state::{Attempt, Loop, Resumption, StepState};

/// What a paused execution does not do. What was at work before goes on to its end, its questions included.
pub(super) fn starts_something(before: &StepState, fact: &Fact) -> bool {
    match fact {
        Fact::StepStarted { .. }
        | Fact::StepResumed { .. }
        | Fact::StepEntered { .. }
        | Fact::LoopStarted { .. }
        | Fact::ChildStarted { .. }
        | Fact::StepWaiting { .. } => true,
        // What a step computes by itself.
        Fact::StepCompleted { .. } => matches!(before, StepState::Pending),
        // An operator may decide that a step is not run while the execution rests.
        Fact::StepSkipped { result: None, reason: None, .. } => true,
        Fact::InterventionRequired { intervention } => {
            matches!(before, StepState::Pending) && intervention.origin != Origin::Operator
        }
        _ => false,
    }
}

/// What a step does only when its turn has come: it begins, or turns out not to.
pub(super) fn wants_its_turn(before: &StepState, fact: &Fact) -> bool {
    let rests = match before {
        StepState::Pending => true,
        StepState::Answered { intervention, .. } => intervention.origin == Origin::Operator,
        _ => false,
    };
    let begins = match fact {
        Fact::StepStarted { .. }
        | Fact::StepEntered { .. }
        | Fact::LoopStarted { .. }
        | Fact::StepWaiting { .. }
        | Fact::ChildStarted { .. }
        | Fact::StepCompleted { .. }
        | Fact::StepFailed { .. }
        | Fact::StepSkipped { result: None, reason: None, .. } => true,
        Fact::InterventionRequired { intervention } => intervention.origin == Origin::Step,
        _ => false,
    };
    rests && begins
}

/// Whether the step can begin from here: its turn has come, or somebody said that it should begin now or again.
fn may_begin(before: &StepState) -> bool {
    match before {
        StepState::Pending => true,
        StepState::Answered { intervention, answer: Some(_), .. } => {
            matches!(intervention.origin, Origin::Operator | Origin::Failed { .. })
        }
        _ => false,
    }
}

/// One arm per legal move of a step; everything else is refused, with the word for where the step stands.
pub(super) fn moved(step: &Step, before: StepState, fact: &Fact) -> Result<StepState, &'static str> {
    use StepState as S;
    let begins = may_begin(&before);
    let word = before.as_str();
    Ok(match (before, fact) {
        // ---- it begins ----
        (_, Fact::StepEntered { case, .. }) if begins => {
            S::Entered { case: case.and_then(|case| usize::try_from(case).ok()) }
        }
        (_, Fact::LoopStarted { items, .. }) if begins => S::Looping(Box::new(Loop::over(Arc::clone(items)))),
        (_, Fact::StepWaiting { until, event, .. }) if begins => {
            S::Waiting { until: *until, event: event.clone() }
        }
        (before, Fact::StepStarted { attempt, input, .. }) if begins || begins_again(&before) => {
            S::Running(Attempt { number: *attempt, input: Arc::clone(input), resumption: None })
        }
        (before, Fact::ChildStarted { attempt, input, execution, .. }) if begins || begins_again(&before) => {
            S::Child {
                attempt: Attempt { number: *attempt, input: Arc::clone(input), resumption: None },
                execution: *execution,
            }
        }
        (S::Pending, Fact::StepSkipped { result: None, reason: None, .. }) => S::Skipped,
        (S::Answered { intervention, .. }, Fact::StepSkipped { result: None, reason: None, .. })
            if begins && intervention.origin == Origin::Operator =>
        {
            S::Skipped
        }
        (S::Pending, Fact::StepAdopted { result, .. }) => match result {
            Some(_) => S::Succeeded,
            None => S::Skipped,
        },

        // ---- it goes on ----
        (
            S::Answered { attempt: Some(attempt), intervention, answer: Some(answer) },
            Fact::StepResumed { attempt: number, .. },
        ) => {
            let resumption = match intervention.origin {
                Origin::Operation { resume_state } => Some(Resumption { state: resume_state, answer }),
                // An attempt that was cut off, or failed, goes on with the answer that it had before.
                _ => attempt.resumption,
            };
            S::Running(Attempt {
                number: *number,
                input: attempt.input,
                resumption: Some(resumption.ok_or(word)?),
            })
        }
        (
            S::Interrupted(attempt) | S::Retrying { attempt, .. },
            Fact::StepResumed { attempt: number, .. },
        ) if attempt.resumption.is_some() => S::Running(Attempt { number: *number, ..attempt }),
        (running @ S::Running(_), Fact::StepProgress { .. }) => running,
        (S::Running(attempt), Fact::StepInterrupted { .. }) => S::Interrupted(attempt),
        (
            S::Running(attempt) | S::Child { attempt, .. },
            Fact::StepRetryScheduled { attempt: number, at, failure, .. },
        ) => {
            S::Retrying { attempt: Attempt { number: *number, ..attempt }, at: *at, failure: failure.clone() }
        }

        // ---- somebody is asked ----
        (before, Fact::InterventionRequired { intervention }) => {
            let attempt = match (before, &intervention.origin) {
                (S::Pending, Origin::Step | Origin::Operator) => None,
                (S::Answered { .. }, Origin::Step) if begins => None,
                (S::Running(attempt), Origin::Operation { .. }) => Some(attempt),
                (S::Interrupted(attempt), Origin::Interrupted) => Some(attempt),
                (S::Failed { attempt, given_up: false, .. }, Origin::Failed { .. })
                    if step.on_failure == OnFailure::Intervene =>
                {
                    attempt
                }
                _ => return Err(word),
            };
            S::WaitingForAnswer { attempt, intervention: intervention.id }
        }
        // The question is no longer of use; if the step is tried again, it asks again.
        (S::WaitingForAnswer { .. }, Fact::InterventionWithdrawn { .. }) => S::Pending,

        // ---- it ends ----
        (
            S::Running(_)
            | S::Child { .. }
            | S::Entered { .. }
            | S::Looping(_)
            | S::Waiting { .. }
            | S::Answered { answer: Some(_), .. },
            Fact::StepCompleted { .. },
        ) => S::Succeeded,
        (S::Pending, Fact::StepCompleted { .. }) if matches!(step.work, Work::Set(_)) => S::Succeeded,
        // An operator said that it need not run.
        (
            S::Pending
            | S::Retrying { .. }
            | S::Interrupted(_)
            | S::Waiting { .. }
            | S::Answered { .. }
            | S::Failed { .. },
            Fact::StepSkipped { result, .. },
        ) => match result {
            Some(_) => S::Succeeded,
            None => S::Skipped,
        },
        (
            before @ (S::Pending
            | S::Running(_)
            | S::Child { .. }
            | S::Retrying { .. }
            | S::Interrupted(_)
            | S::Waiting { .. }
            | S::Answered { .. }
            | S::Entered { .. }
            | S::Looping(_)),
            Fact::StepFailed { failure, .. },
        ) => failed(before, failure.clone()),
        _ => return Err(word),
    })
}

/// From where another attempt follows an earlier one.
fn begins_again(before: &StepState) -> bool {
    match before {
        StepState::Retrying { .. } | StepState::Interrupted(_) => true,
        // An operator let an interrupted attempt run again.
        StepState::Answered { intervention, answer: Some(_), .. } => {
            intervention.origin == Origin::Interrupted
        }
        _ => false,
    }
}

fn failed(before: StepState, failure: crate::Failure) -> StepState {
    let attempt = before.attempt().cloned();
    let given_up = match &before {
        // Whoever wants it tried again is asked again.
        StepState::Answered { intervention, answer, .. } => {
            let decision = answer.as_ref().and_then(|answer| answer.get("decision")).and_then(Value::as_str);
            matches!(intervention.origin, Origin::Failed { .. }) && decision != Some("retry")
        }
        // Its iterations failed, and each asked if it was to ask.
        StepState::Looping(_) => true,
        _ => false,
    };
    let inner = match before {
        before @ (StepState::Entered { .. } | StepState::Looping(_)) => Some(Box::new(before)),
        _ => None,
    };
    StepState::Failed { failure, attempt, given_up, inner }
}

/// Where a step stands again that failed, when an operator lets its execution go on. `given`: what it is given
/// instead of what the playbook says, and when somebody said so.
pub(super) fn reopened(
    before: StepState,
    given: Option<(Arc<Value>, Timestamp)>,
) -> Result<StepState, &'static str> {
    let word = before.as_str();
    let StepState::Failed { inner, attempt, failure, .. } = before else { return Err(word) };
    Ok(match (inner, given) {
        (Some(inner), _) => *inner,
        (None, None) => StepState::Pending,
        (None, Some((input, at))) => {
            let number = attempt.map_or(1, |attempt| attempt.number + 1);
            StepState::Retrying { attempt: Attempt { number, input, resumption: None }, at, failure }
        }
    })
}
