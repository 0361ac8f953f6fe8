//! Questions and answers as clients see them.

use jiff::Timestamp;
use orgata_engine::ports::PendingIntervention;
use orgata_engine::{AnswerRequest, Principal, Taken, Way};
use orgata_model::execution::{Status, Summary};
use orgata_model::intervention::Intervention;
use orgata_model::{ExecutionId, InterventionId, PlaybookName, RoleName, RuntimeId, StepPath};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A question, as events show it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "int_0195f3a000007000800000000000002b",
    "type": "human_decision",
    "prompt": "Which jelly flavor?",
    "options": ["grape", "strawberry", "apricot"]
}))]
pub struct InterventionView<'a> {
    /// Under which it is answered.
    #[schema(value_type = String)]
    pub id: InterventionId,
    /// `human_decision`, `approval`, `data_entry`, `review`, `failure_handling`, … An open set.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// What to decide.
    pub prompt: &'a str,
    /// Choices to offer. Empty when the answer is free.
    pub options: &'a [String],
    /// JSON Schema that an answer must satisfy: for a form.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub response_schema: Option<&'a Value>,
    /// Who may answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub assignee_role: Option<&'a RoleName>,
    /// How many different people must approve, when more than one must.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvals: Option<u32>,
    /// How many did so far; beside `approvals`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved: Option<usize>,
    /// Who they are, for those who may look at the execution.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub approved_by: Vec<&'a str>,
    /// A person must answer: no AI assistant may, unless its client shows the question to one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub humans_only: bool,
    /// When it stops waiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deadline: Option<Timestamp>,
    /// What a person needs to know to decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub context: Option<&'a Value>,
}

impl<'a> From<&'a Intervention> for InterventionView<'a> {
    fn from(asked: &'a Intervention) -> Self {
        Self {
            id: asked.id,
            kind: &asked.kind,
            prompt: &asked.prompt,
            options: &asked.options,
            response_schema: asked.response_schema.as_ref(),
            assignee_role: asked.assignee_role.as_ref(),
            approvals: Some(asked.approvals).filter(|approvals| *approvals > 1),
            approved: Some(asked.approved.len()).filter(|_| asked.approvals > 1),
            approved_by: asked
                .approved
                .iter()
                .map(|approved| approved.by.as_str())
                .filter(|by| !by.is_empty())
                .collect(),
            humans_only: asked.humans_only,
            deadline: asked.deadline,
            context: asked.context.as_ref(),
        }
    }
}

/// An open question, and where it stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingView<'a> {
    /// What is asked.
    #[serde(flatten)]
    pub intervention: InterventionView<'a>,
    /// The execution that waits.
    #[schema(value_type = String)]
    pub execution_id: ExecutionId,
    /// The runtime that it lives in.
    #[schema(value_type = String)]
    pub runtime_id: &'a RuntimeId,
    /// What it runs.
    #[schema(value_type = String)]
    pub playbook_name: &'a PlaybookName,
    /// The step that waits.
    #[schema(value_type = String)]
    pub step: &'a StepPath,
    /// When it was asked.
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
}

impl<'a> From<&'a PendingIntervention> for PendingView<'a> {
    fn from(pending: &'a PendingIntervention) -> Self {
        Self {
            intervention: (&pending.intervention).into(),
            execution_id: pending.execution,
            runtime_id: &pending.runtime,
            playbook_name: &pending.playbook,
            step: &pending.intervention.step,
            opened_at: pending.opened_at,
        }
    }
}

/// An answer to a question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "response": { "jelly_flavor": "grape" }, "notes": "Customer preference" }))]
pub struct AnswerBody {
    /// What is answered: it must satisfy the question's `responseSchema`.
    pub response: Value,
    /// What the answerer wants to add.
    pub notes: Option<String>,
}

impl From<AnswerBody> for AnswerRequest {
    fn from(body: AnswerBody) -> Self {
        Self { response: body.response, notes: body.notes, way: Way::Direct }
    }
}

/// An answer that was taken.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnsweredView<'a> {
    /// The question.
    #[schema(value_type = String)]
    pub intervention_id: InterventionId,
    /// The execution that waited.
    #[schema(value_type = String)]
    pub execution_id: ExecutionId,
    /// It is durable in either case. `answered`: no other answer will be taken. `approved`: others must approve too.
    #[schema(example = "answered")]
    pub status: &'static str,
    /// How many must approve, when more must than did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvals: Option<u32>,
    /// How many did, this answer counted; beside `approvals`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved: Option<usize>,
    /// Who answered.
    pub answered_by: &'a str,
    /// Where the execution stood right after, for those who may look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub execution_status: Option<Status>,
}

impl<'a> AnsweredView<'a> {
    /// What came of an answer of `who`.
    pub fn new(
        execution: ExecutionId,
        intervention: InterventionId,
        who: &'a Principal,
        taken: Taken,
        summary: Option<&Summary>,
    ) -> Self {
        let (status, counted) = match taken {
            Taken::Answered => ("answered", None),
            Taken::Approved { so_far, needed } => ("approved", Some((so_far, needed))),
        };
        Self {
            intervention_id: intervention,
            execution_id: execution,
            status,
            approvals: counted.map(|(_, needed)| needed),
            approved: counted.map(|(so_far, _)| so_far),
            answered_by: who.name(),
            execution_status: summary.map(|summary| summary.status),
        }
    }
}
