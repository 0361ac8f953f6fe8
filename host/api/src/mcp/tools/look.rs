//! `get_execution`, `get_execution_state`, `get_execution_history`, `list_executions`: what became of what was started.

use jiff::Timestamp;
use orgata_engine::ports::ExecutionQuery;
use orgata_model::execution::{Seq, Status};
use orgata_model::{ExecutionId, PlaybookName, RuntimeId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::address::Address;
use super::super::call::Call;
use super::super::reply::Reply;
use super::super::roots;
use super::{Effect, Tool};
use crate::error::ApiError;
use crate::wire::execution::{ExecutionView, StatusView};
use crate::wire::history::{HistoryPage, RecordedEvent};
use crate::wire::page::PageView;
use crate::wire::state::StateView;
use crate::wire::timeline::TimelineView;

/// Items on one page, unless said, and at most: what an assistant reads costs it room.
const USUAL: usize = 20;
const MOST: usize = 200;

/// Which execution.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct OneExecution {
    /// The execution, `exec_…`.
    #[schema(value_type = String)]
    execution_id: ExecutionId,
}

/// Which events.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Events {
    /// The execution, `exec_…`.
    #[schema(value_type = String)]
    execution_id: ExecutionId,
    /// Only those after this seq: the `nextCursor` of the page before.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    after: Seq,
    /// At most so many, 1 to 200; 20 when absent.
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// Which executions.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Search {
    /// Only of this runtime.
    #[schema(value_type = Option<String>)]
    runtime_id: Option<RuntimeId>,
    /// Only of this playbook.
    #[schema(value_type = Option<String>)]
    playbook_name: Option<PlaybookName>,
    /// Only of these statuses.
    #[serde(default)]
    #[schema(value_type = Vec<StatusView>)]
    statuses: Vec<Status>,
    /// Only started at or after this time (RFC 3339).
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Only started before this time (RFC 3339).
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Only with this label, written `key:value`.
    #[schema(example = "customer:1042")]
    label: Option<String>,
    /// At most so many, 1 to 200; 20 when absent.
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// See the module.
pub(super) struct GetExecution;

impl Tool for GetExecution {
    const NAME: &'static str = "get_execution";
    const TITLE: &'static str = "See where an execution stands";
    const ABOUT: &'static str = "Says where an execution stands: its status, current step, times, output or failure. `waiting` \
        means that a person or an outside event is waited for: see `get_pending_interventions`. For the steps and their \
        results use `get_execution_state`.";
    const EFFECT: Effect = Effect::Looks;
    type Input = OneExecution;
    type Output = ExecutionView<'static>;

    async fn call(call: &Call, OneExecution { execution_id }: OneExecution) -> Result<Reply, ApiError> {
        let summary = call.engine().execution(&call.who, execution_id).await?;
        Ok(Reply::of(&ExecutionView::from(&summary))?.linked(Address::Execution(execution_id)))
    }
}

/// See the module.
pub(super) struct GetExecutionState;

impl Tool for GetExecutionState {
    const NAME: &'static str = "get_execution_state";
    const TITLE: &'static str = "See an execution's steps and their results";
    const ABOUT: &'static str = "Gives an execution with its whole context: input, every step with its status, result or failure, \
        and the questions that are open. The same as the resource `orgata://execution/{execution}`.";
    const EFFECT: Effect = Effect::Looks;
    type Input = OneExecution;
    type Output = StateView<'static>;

    async fn call(call: &Call, OneExecution { execution_id }: OneExecution) -> Result<Reply, ApiError> {
        let state = call.engine().state(&call.who, execution_id).await?;
        Reply::of(&StateView::from(&state))
    }
}

/// See the module.
pub(super) struct GetExecutionHistory;

impl Tool for GetExecutionHistory {
    const NAME: &'static str = "get_execution_history";
    const TITLE: &'static str = "Read what happened in an execution";
    const ABOUT: &'static str = "Lists what happened in an execution, event by event, in order: attempts, results, retries, \
        questions, who answered and when. Give `nextCursor` back as `after` to read on.";
    const EFFECT: Effect = Effect::Looks;
    type Input = Events;
    type Output = HistoryPage<'static>;

    async fn call(call: &Call, Events { execution_id: id, after, limit }: Events) -> Result<Reply, ApiError> {
        let limit = within(limit)?;
        // One more than asked for tells whether there is more.
        let mut events = call.engine().history(&call.who, id, after, limit + 1).await?;
        let more = events.len() > limit;
        events.truncate(limit);
        let next_cursor = events.last().filter(|_| more).map(|event| event.seq.to_string());
        let items = events.iter().map(RecordedEvent::from).collect();
        Reply::of(&HistoryPage { execution_id: id, items, next_cursor })
    }
}

/// See the module.
pub(super) struct GetExecutionTimeline;

impl Tool for GetExecutionTimeline {
    const NAME: &'static str = "get_execution_timeline";
    const TITLE: &'static str = "See when each step did what";
    const ABOUT: &'static str = "Gives, for each step of an execution, the spans of time in which it was at work, waited for \
        something or for a person, or was undone: where the time went, and what ran beside what.";
    const EFFECT: Effect = Effect::Looks;
    type Input = OneExecution;
    type Output = TimelineView<'static>;

    async fn call(call: &Call, OneExecution { execution_id }: OneExecution) -> Result<Reply, ApiError> {
        let timeline = call.engine().timeline(&call.who, execution_id).await?;
        Reply::of(&TimelineView::of(execution_id, &timeline))
    }
}

/// See the module.
pub(super) struct ListExecutions;

impl Tool for ListExecutions {
    const NAME: &'static str = "list_executions";
    const TITLE: &'static str = "Search executions";
    const ABOUT: &'static str = "Finds executions, newest first, by runtime, playbook, status, time and label. Without arguments: \
        the latest ones of the whole host. Give `nextCursor` back as `cursor` for the next page.";
    const EFFECT: Effect = Effect::Looks;
    type Input = Search;
    type Output = PageView<ExecutionView<'static>>;

    async fn call(call: &Call, search: Search) -> Result<Reply, ApiError> {
        let query = ExecutionQuery {
            runtimes: roots::only(call).await,
            runtime: search.runtime_id,
            playbook: search.playbook_name,
            statuses: search.statuses,
            since: search.since,
            until: search.until,
            label: search.label.as_deref().map(label).transpose()?,
            ended_before: None,
            cursor: search.cursor,
            limit: within(search.limit)?,
        };
        let page = call.engine().executions(&call.who, &query).await?;
        Reply::of(&PageView::<ExecutionView>::of(&page))
    }
}

/// How many items a page may have.
pub(super) fn within(limit: Option<usize>) -> Result<usize, ApiError> {
    let limit = limit.unwrap_or(USUAL);
    let fits = (1..=MOST).contains(&limit);
    fits.then_some(limit).ok_or_else(|| ApiError::bad_request(format!("`limit` must be from 1 to {MOST}")))
}

fn label(text: &str) -> Result<(String, String), ApiError> {
    let (key, value) =
        text.split_once(':').ok_or_else(|| ApiError::bad_request("`label` is written key:value"))?;
    Ok((key.to_owned(), value.to_owned()))
}
