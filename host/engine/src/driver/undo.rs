//! Attempts to undo completed steps.

use std::sync::Arc;

use orgata_model::execution::{Fact, Stage};
use orgata_model::failure::code;
use orgata_model::playbook::Step;
use orgata_model::{Failure, StepPath};
use serde_json::Value;

use crate::ports::Outcome;

use super::Driver;
use super::calls::{Planned, Purpose};
use super::commit::Stop;

impl Driver {
    /// Plans an attempt to undo a step.
    pub(super) async fn undo(
        &mut self,
        at: usize,
        step: StepPath,
        attempt: u32,
        input: Arc<Value>,
    ) -> Result<(), Stop> {
        let Some(name) = self.undo_operation(at) else {
            let failure =
                Failure::permanent(code::NOT_AVAILABLE, "tools of MCP servers are not available yet");
            return self.note(Fact::StepCompensationFailed { step, failure });
        };
        let operation = match self.operation(&name).await {
            Ok(operation) => operation,
            Err(failure) => return self.note(Fact::StepCompensationFailed { step, failure }),
        };
        let operation_name = operation.name.clone();
        self.note(Fact::StepCompensationStarted {
            step: step.clone(),
            attempt,
            operation: operation_name,
            input,
        })?;
        self.planned.push(Planned { at, step, purpose: Purpose::Undo(attempt), operation, kept_by: None });
        Ok(())
    }

    /// An attempt to undo that was at work when the host stopped is made again, with the same idempotency key: what
    /// undoes must bear to be done twice.
    pub(super) async fn pick_up_undo(&mut self) -> Result<(), Stop> {
        let Stage::Running { attempt } = self.state.unwinding.stage else { return Ok(()) };
        let Some(undoing) = self.state.unwinding.current().cloned() else { return Ok(()) };
        let Ok(input) = undoing.input else { return Ok(()) };
        self.undo(undoing.at, undoing.step, attempt + 1, input).await
    }

    /// What came of an attempt.
    pub(super) fn undone(
        &mut self,
        step: &Step,
        path: StepPath,
        attempt: u32,
        outcome: Result<Outcome, Failure>,
    ) -> Result<(), Stop> {
        let failure = match outcome {
            Ok(Outcome::Done(_)) => return self.note(Fact::StepCompensated { step: path }),
            Ok(Outcome::Ask(_)) => {
                Failure::permanent(code::CANNOT_ASK, "an operation cannot ask while it undoes a step")
            }
            Err(failure) => failure,
        };
        let policy = step.compensation.as_ref().map(|compensation| &compensation.retries);
        let of = format!("{path}/compensation");
        match policy.and_then(|policy| self.next_try(policy, &of, attempt, &failure)) {
            Some(at) => self.note(Fact::StepCompensationRetryScheduled {
                step: path,
                attempt: attempt + 1,
                at,
                failure,
            }),
            None => self.note(Fact::StepCompensationFailed { step: path, failure }),
        }
    }
}
