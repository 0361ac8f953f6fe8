//! Questions to people, on their way into the history.

use std::time::Duration;

use jiff::Timestamp;
use orgata_model::duration::DurationText;
use orgata_model::execution::{Attempt, Fact, Question};
use orgata_model::intervention::{Intervention, OnDeadline, Origin, Reminder};
use orgata_model::operation::Operation;
use orgata_model::playbook::Step;
use orgata_model::{InterventionId, StepPath};

use crate::answers;
use crate::ports;

use super::Driver;
use super::commit::Stop;

impl Driver {
    /// Asks what the playbook asks, or the host because of a step.
    pub(super) fn ask(&mut self, question: Question) -> Result<(), Stop> {
        let (after, on_deadline) = match question.deadline {
            Some((after, then)) => (Some(after), then),
            None => (None, OnDeadline::Fail),
        };
        let reminder = question.reminders.and_then(|every| {
            Some(Reminder { next: self.after_now(Some(every))?, every: DurationText(every) })
        });
        let intervention = Intervention {
            id: self.fresh_intervention(),
            step: question.step,
            kind: question.kind,
            prompt: question.prompt,
            options: question.options,
            response_schema: question.response_schema.map(|schema| (*schema).clone()),
            assignee_role: question.assignee_role,
            context: question.context,
            deadline: self.after_now(after),
            on_deadline,
            reminder,
            approvals: question.approvals,
            approved: Vec::new(),
            self_approval: question.self_approval,
            humans_only: question.humans_only,
            origin: question.origin,
        };
        self.note(Fact::InterventionRequired { intervention })
    }

    /// Asks what an operation asks.
    pub(super) fn ask_for_operation(
        &mut self,
        step: &Step,
        path: StepPath,
        question: ports::Question,
    ) -> Result<(), Stop> {
        let origin = Origin::Operation { resume_state: question.resume_state };
        let id = self.fresh_intervention();
        let intervention = Intervention {
            options: question.options,
            response_schema: question.response_schema,
            assignee_role: question.assignee_role.or_else(|| step.role.clone()),
            deadline: self.after_now(question.timeout),
            ..Intervention::new(id, path, &question.kind, question.prompt, origin)
        };
        self.note(Fact::InterventionRequired { intervention })
    }

    /// Asks an operator whether the effect of an attempt that was cut off happened.
    pub(super) fn ask_after_interruption(
        &mut self,
        step: &Step,
        path: StepPath,
        attempt: &Attempt,
        operation: Option<&Operation>,
    ) -> Result<(), Stop> {
        let (options, origin) = answers::interrupted_options();
        let prompt = format!(
            "The host stopped while step `{path}` was at work, and its operation does not say that running twice is \
             safe. Look whether its effect happened: `retry` runs it again, `complete` takes the `result` that \
             you give, `fail` gives the step up."
        );
        let output = operation.map(|operation| &*operation.output_schema);
        let id = self.fresh_intervention();
        let intervention = Intervention {
            options,
            response_schema: Some(answers::interrupted_schema(output)),
            assignee_role: step.role.clone(),
            context: Some(serde_json::json!({ "input": attempt.input, "attempt": attempt.number })),
            ..Intervention::new(id, path, "failure_handling", prompt, origin)
        };
        self.note(Fact::InterventionRequired { intervention })
    }

    fn after_now(&self, after: Option<Duration>) -> Option<Timestamp> {
        let at = self.host.clock.now().checked_add(after?).ok()?;
        // Stores keep whole microseconds.
        Timestamp::from_microsecond(at.as_microsecond()).ok()
    }

    pub(super) fn fresh_intervention(&self) -> InterventionId {
        InterventionId::new(self.host.clock.fresh_id())
    }
}
