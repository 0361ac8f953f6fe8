//! A question that stops a step until somebody answers.
//!
//! Not here: who may answer (the engine's doors), and what an answer does to the execution
//! ([`crate::execution::State`]).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::duration::DurationText;
use crate::failure::Failure;
use crate::ids::{InterventionId, RoleName};
use crate::step_path::StepPath;

/// An open question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intervention {
    /// Its id, under which it is answered.
    pub id: InterventionId,
    /// The step that waits.
    pub step: StepPath,
    /// `human_decision`, `approval`, `data_entry`, `review`, … An open set.
    pub kind: String,
    /// What to decide.
    pub prompt: String,
    /// Choices to offer. Empty when the answer is free.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// JSON Schema that an answer must satisfy.
    #[serde(default, deserialize_with = "crate::recorded::present", skip_serializing_if = "Option::is_none")]
    pub response_schema: Option<Value>,
    /// Who may answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_role: Option<RoleName>,
    /// What a person needs to know to decide.
    #[serde(default, deserialize_with = "crate::recorded::present", skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
    /// When it stops waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// What the deadline does.
    #[serde(default)]
    pub on_deadline: OnDeadline,
    /// When whoever should answer is reminded next, and how often from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminder: Option<Reminder>,
    /// How many different people must approve; 1 for most.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub approvals: u32,
    /// Those who approved so far, when more than one must.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved: Vec<Resolution>,
    /// Whoever started the execution may answer too.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub self_approval: bool,
    /// A person must answer: no AI assistant may.
    #[serde(default, skip_serializing_if = "is_no")]
    pub humans_only: bool,
    /// Who asked, and so what an answer is for.
    pub origin: Origin,
}

impl Intervention {
    /// A question that anybody may answer in any way, with nothing beside it and without end.
    pub fn new(id: InterventionId, step: StepPath, kind: &str, prompt: String, origin: Origin) -> Self {
        Self {
            id,
            step,
            kind: kind.to_owned(),
            prompt,
            options: Vec::new(),
            response_schema: None,
            assignee_role: None,
            context: None,
            deadline: None,
            on_deadline: OnDeadline::Fail,
            reminder: None,
            approvals: one(),
            approved: Vec::new(),
            self_approval: yes(),
            humans_only: false,
            origin,
        }
    }
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_one(approvals: &u32) -> bool {
    *approvals == 1
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_yes(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_no(value: &bool) -> bool {
    !*value
}

/// When to remind whoever should answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reminder {
    /// The next one.
    pub next: Timestamp,
    /// How long after each comes another.
    pub every: DurationText,
}

/// What happens when nobody answered in time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDeadline {
    /// The step fails.
    #[default]
    Fail,
    /// This answer is taken.
    Answer(Value),
    /// Another role is asked instead, without a deadline.
    Escalate(RoleName),
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Origin {
    /// The playbook: the answer is the step's result.
    Step,
    /// The operation itself: the answer goes back into it.
    Operation {
        /// Handed back on resume.
        resume_state: Value,
    },
    /// The host: it stopped while the step was at work, and cannot know whether the effect happened.
    /// The answer is one of `retry`, `complete` (with a result), `fail`.
    Interrupted,
    /// The playbook, because the step failed (`onFailure: intervene`). The answer is one of `retry` (also with
    /// changed input), `skip` (with a result), `abort`.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// The host: undoing the step failed. The answer is one of `retry`, `skip` (somebody undid it by hand),
    /// `abort`.
    Compensation {
        /// Why.
        failure: Failure,
    },
    /// An operator, before the step begins. The answer is one of `proceed`, `fail`, unless the operator asked
    /// for something else.
    Operator,
}

/// How a question ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    /// The answer that was taken.
    pub response: Value,
    /// What the answerer wrote beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Who answered. Empty for a caller who may not know.
    pub by: String,
    /// When.
    pub at: Timestamp,
}
