//! `get_pending_interventions`, `intervene_execution`: questions and their answers.

use orgata_engine::ports::InboxQuery;
use orgata_engine::{AnswerRequest, Way};
use orgata_model::{ExecutionId, InterventionId, RoleName, RuntimeId};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::address::Address;
use super::super::call::Call;
use super::super::questions;
use super::super::reply::Reply;
use super::super::roots;
use super::look::within;
use super::{Effect, Tool};
use crate::error::ApiError;
use crate::wire::intervention::{AnsweredView, PendingView};
use crate::wire::page::PageView;

/// Which open questions.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Pending {
    /// Only of this execution, `exec_…`.
    #[schema(value_type = Option<String>)]
    execution_id: Option<ExecutionId>,
    /// Only of this runtime.
    #[schema(value_type = Option<String>)]
    runtime_id: Option<RuntimeId>,
    /// Only for this role.
    #[schema(value_type = Option<String>)]
    role: Option<RoleName>,
    /// At most so many, 1 to 200; 20 when absent.
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// An answer to a question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Answer {
    /// The execution that waits, `exec_…`.
    #[schema(value_type = String)]
    execution_id: ExecutionId,
    /// The question, `int_…`, as `get_pending_interventions` names it.
    #[schema(value_type = String)]
    intervention_id: InterventionId,
    /// What is answered: it must satisfy the question's `responseSchema`.
    response: Value,
    /// What the answerer wants to add.
    notes: Option<String>,
}

/// See the module.
pub(super) struct GetPendingInterventions;

impl Tool for GetPendingInterventions {
    const NAME: &'static str = "get_pending_interventions";
    const TITLE: &'static str = "See what waits for an answer";
    const ABOUT: &'static str = "Lists the open questions (interventions) of one execution, of a runtime or of the whole host, oldest \
        first: what is to be decided, the options, the JSON Schema of an answer, who should answer and until when, and where several \
        must approve, how many did (`approved` of `approvals`). Show them to \
        the person whose decision it is; answer with `intervene_execution`.";
    const EFFECT: Effect = Effect::Looks;
    type Input = Pending;
    type Output = PageView<PendingView<'static>>;

    async fn call(call: &Call, pending: Pending) -> Result<Reply, ApiError> {
        let engine = call.engine();
        if let Some(execution) = pending.execution_id {
            engine.execution(&call.who, execution).await?;
        }
        let query = InboxQuery {
            runtime: pending.runtime_id,
            runtimes: roots::only(call).await,
            role: pending.role,
            execution: pending.execution_id,
            cursor: pending.cursor,
            limit: within(pending.limit)?,
            ..InboxQuery::default()
        };
        let page = engine.inbox(&call.who, &query).await?;
        Reply::of(&PageView::<PendingView>::of(&page))
    }
}

/// See the module.
pub(super) struct InterveneExecution;

impl Tool for InterveneExecution {
    const NAME: &'static str = "intervene_execution";
    const TITLE: &'static str = "Answer a question";
    const ABOUT: &'static str = "Answers an open question of an execution, which then goes on. The first valid answer wins and is \
        durable; `status` is `approved` where others must approve too. `response` must satisfy the question's `responseSchema`. Answer for a person only with what that person said: \
        never decide in their place. A question that is `humansOnly` is not answered this way.";
    const EFFECT: Effect = Effect::Replaces;
    type Input = Answer;
    type Output = AnsweredView<'static>;

    async fn call(call: &Call, answer: Answer) -> Result<Reply, ApiError> {
        let Answer { execution_id, intervention_id, response, notes } = answer;
        let request = AnswerRequest { response, notes, way: Way::Assistant };
        let taken = questions::answer(call, execution_id, intervention_id, request).await?;
        // The answer is taken: that its giver may not look at the execution does not undo it.
        let summary = call.engine().execution(&call.who, execution_id).await.ok();
        let answered = AnsweredView::new(execution_id, intervention_id, &call.who, taken, summary.as_ref());
        Ok(Reply::of(&answered)?.linked(Address::Execution(execution_id)))
    }
}
