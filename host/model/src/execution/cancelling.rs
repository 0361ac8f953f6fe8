//! An execution that somebody stops while others run for its steps.
//!
//! What was wanted is recorded before any child is stopped: whoever dies in between would find a child that was stopped,
//! and take it for a step that failed.

use super::event::{Actor, Cause};
use super::fact::Fact;
use super::ready::Action;
use super::state::State;

/// What somebody wants who stops an execution.
#[derive(Debug, Clone, PartialEq)]
pub struct Cancelling {
    /// Completed steps are to be undone.
    pub compensate: bool,
    /// Why, in their words.
    pub reason: Option<String>,
    /// Who.
    pub by: Actor,
}

impl State {
    /// Children are stopped one after the other, and then the execution ends, or undoes what it did.
    pub(super) fn cancel_ready(&self, cancelling: &Cancelling) -> Action {
        if let Some((step, execution)) = self.children().into_iter().next() {
            return Action::StopChild { step, execution };
        }
        Action::Record(self.cancelled(cancelling.compensate, cancelling.reason.clone()))
    }

    /// What cancelling comes to when nothing runs for its steps: the end, unless there is something to undo first.
    pub fn cancelled(&self, compensate: bool, reason: Option<String>) -> Fact {
        match compensate && !self.unwinding.steps.is_empty() {
            true => Fact::CompensationStarted { cause: Cause::Cancelled { reason } },
            false => Fact::ExecutionCancelled { reason },
        }
    }
}
