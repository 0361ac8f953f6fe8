//! What a person is asked, with everything computed.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::expression::{EvalError, Scope};
use crate::failure::Failure;
use crate::ids::RoleName;
use crate::intervention::{OnDeadline, Origin};
use crate::playbook::{Ask, Step};
use crate::step_path::StepPath;

use super::begin::text;
use super::step_state::Attempt;

/// What a step asks, or the host because of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The step that asks.
    pub step: StepPath,
    /// `human_decision`, `approval`, …
    pub kind: String,
    /// What to decide.
    pub prompt: String,
    /// Choices to offer.
    pub options: Vec<String>,
    /// What an answer must satisfy.
    pub response_schema: Option<Arc<Value>>,
    /// Who may answer.
    pub assignee_role: Option<RoleName>,
    /// Shown beside it.
    pub context: Option<Value>,
    /// When to stop waiting, and what then.
    pub deadline: Option<(Duration, OnDeadline)>,
    /// How long after asking, and after each reminder, comes another.
    pub reminders: Option<Duration>,
    /// How many different people must approve.
    pub approvals: u32,
    /// Whoever started the execution may answer too.
    pub self_approval: bool,
    /// A person must answer: no AI assistant may.
    pub humans_only: bool,
    /// Who asks, and so what an answer is for.
    pub origin: Origin,
}

impl Question {
    /// What the playbook asks.
    pub(super) fn of_step(
        step: &Step,
        path: StepPath,
        ask: &Ask,
        scope: &Scope<'_>,
    ) -> Result<Self, EvalError> {
        let (approvals, approvers) = &ask.approvals;
        Ok(Self {
            step: path,
            kind: ask.kind.clone(),
            prompt: text(&ask.prompt, scope)?,
            options: ask.options.clone(),
            response_schema: ask.response_schema.clone(),
            assignee_role: approvers.clone().or_else(|| step.role.clone()),
            context: ask.context.as_ref().map(|context| context.eval(scope)).transpose()?,
            deadline: ask.deadline.clone(),
            reminders: ask.reminders,
            approvals: *approvals,
            self_approval: ask.self_approval,
            humans_only: ask.humans_only,
            origin: Origin::Step,
        })
    }

    /// What to do about a step that failed.
    pub(super) fn after_failure(
        step: &Step,
        path: StepPath,
        failure: &Failure,
        attempt: Option<&Attempt>,
    ) -> Self {
        let prompt = format!(
            "Step `{path}` failed: {} `retry` runs it again (with `input`, if you give one), `skip` goes on with the \
             `result` that you give, `abort` lets it fail.",
            sentence(&failure.message)
        );
        let context = json!({ "failure": failure, "attempt": attempt.map(|attempt| attempt.number),
            "input": attempt.map(|attempt| &*attempt.input) });
        Self::of_host(step, path, prompt, context, Origin::Failed { failure: failure.clone() })
    }

    /// What to do about a step that could not be undone.
    pub(super) fn after_compensation(step: &Step, path: StepPath, failure: &Failure, attempt: u32) -> Self {
        let prompt = format!(
            "Step `{path}` could not be undone: {} `retry` tries again, `skip` says that it was undone by hand, \
             `abort` leaves it and everything before it as they are.",
            sentence(&failure.message)
        );
        let context = json!({ "failure": failure, "attempt": attempt });
        Self::of_host(step, path, prompt, context, Origin::Compensation { failure: failure.clone() })
    }

    fn of_host(step: &Step, path: StepPath, prompt: String, context: Value, origin: Origin) -> Self {
        let options = ["retry", "skip", "abort"];
        Self {
            step: path,
            kind: "failure_handling".to_owned(),
            prompt,
            options: options.map(str::to_owned).to_vec(),
            response_schema: Some(Arc::new(json!({
                "type": "object",
                "properties": {
                    "decision": { "enum": options },
                    "input": { "description": "what it is given instead, when the decision is `retry`" },
                    "result": { "description": "the step's result, when the decision is `skip`" },
                    "reason": { "type": "string" },
                },
                "required": ["decision"],
                "additionalProperties": false,
            }))),
            assignee_role: step.role.clone(),
            context: Some(context),
            deadline: None,
            reminders: None,
            approvals: 1,
            self_approval: true,
            humans_only: false,
            origin,
        }
    }
}

fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}
