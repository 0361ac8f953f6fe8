//! `execute_playbook`: starts an execution, and waits for it as far as the client can.
//!
//! | the client | gets |
//! |---|---|
//! | says nothing of waiting | the execution's handle at once; with tasks, a task of the same id |
//! | waits, and has tasks | the result if it comes in time, else a task |
//! | waits, and shows forms, with a session | a form for every question that comes up, then the result |
//! | waits, and shows forms, without a session | `input_required`, to call again with the answers |
//! | waits, and lends its model, with a session | what operations ask a model of provider `client`, on the way |
//! | waits, and can do neither | where the execution stands when it ends, asks, or time runs out |
//!
//! What a client brings back of an `input_required` is the execution's id and nothing else. It gives no power: the
//! execution must be of this playbook and input, the engine asks whether the caller may answer, and the first answer
//! wins, as everywhere. Rejected: a sealed state, which would not outlive the host as the question does.

use std::collections::BTreeMap;

use orgata_engine::StartRequest;
use orgata_engine::ports::PendingIntervention;
use orgata_model::duration::DurationText;
use orgata_model::execution::{Fact, Summary};
use orgata_model::{ExecutionId, PlaybookName, RuntimeId};
use rmcp::model::{CreateTaskResult, InputRequiredResult};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::Instant;
use utoipa::ToSchema;

use super::super::address::Address;
use super::super::call::Call;
use super::super::following::{Following, Halt, closed};
use super::super::lending::Lending;
use super::super::reply::Reply;
use super::super::{questions, tasks};
use super::{Effect, Tool};
use crate::error::ApiError;
use crate::wire::execution::ExecutionHandle;

/// How often a person may answer one form wrongly before the tool gives up.
const TRIES: usize = 3;

/// What to start.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Start {
    /// The runtime, as `list_runtimes` names it.
    #[schema(value_type = String, example = "kitchen-v1")]
    runtime_id: RuntimeId,
    /// Which playbook of the runtime.
    #[schema(value_type = String, example = "pbj-sandwich")]
    playbook_name: PlaybookName,
    /// Must satisfy the playbook's input schema. An empty object when absent.
    #[serde(default = "empty")]
    #[schema(value_type = Option<Value>)]
    input: Value,
    /// The same key starts one execution only: 1 to 200 characters, unique in the runtime. Give one if you may call again.
    idempotency_key: Option<String>,
    /// Free words to find it by: 20 at most.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Wait until it ends or needs a person, so long at most: `30s`, `2m`. Absent: answer at once.
    #[schema(value_type = Option<String>, example = "30s")]
    wait: Option<DurationText>,
}

fn empty() -> Value {
    Value::Object(Map::new())
}

/// See the module.
pub(super) struct ExecutePlaybook;

impl Tool for ExecutePlaybook {
    const NAME: &'static str = "execute_playbook";
    const TITLE: &'static str = "Execute a playbook";
    const ABOUT: &'static str = "Starts an execution of a playbook. It is durable once this answers, and goes on by itself, whoever \
        watches. Without `wait` its id comes back at once: follow it with `get_execution`. With `wait`, the answer is held until \
        it ends, a person must answer, or time runs out: `status` says which. When it is `waiting`, see \
        `get_pending_interventions`. The playbook's YAML (resource `orgata://playbook/{runtime}/{playbook}`) has the schema of \
        `input`.";
    const EFFECT: Effect = Effect::Adds;
    type Input = Start;
    type Output = ExecutionHandle<'static>;

    async fn call(call: &Call, start: Start) -> Result<Reply, ApiError> {
        let mut lending = Lending::of(call).filter(|_| start.wait.is_some());
        let summary = match &call.state {
            Some(state) => take_answers(call, state, &start).await?,
            None => begin(call, &start, lending.as_ref()).await?,
        };
        let Some(wait) = start.wait else {
            return if call.takes_tasks() { Ok(task(&summary)) } else { handle(&summary) };
        };
        let wait = wait.0.min(call.app.settings().mcp.longest_wait.0);
        let waiting = wait_for(call, &summary, Instant::now() + wait);
        match &mut lending {
            None => waiting.await,
            Some(lending) => tokio::select! {
                reply = waiting => reply,
                never = lending.serve(call) => match never {},
            },
        }
    }
}

async fn begin(call: &Call, start: &Start, lending: Option<&Lending>) -> Result<Summary, ApiError> {
    let start = start.clone();
    let request = StartRequest {
        playbook: start.playbook_name,
        input: start.input,
        idempotency_key: start.idempotency_key,
        labels: start.labels,
        // Waiting is done here, where questions and progress can be told.
        wait: None,
    };
    let lender = lending.map(Lending::lender);
    Ok(call.engine().start_lending(&call.who, &start.runtime_id, request, lender).await?.summary)
}

async fn wait_for(call: &Call, summary: &Summary, mut until: Instant) -> Result<Reply, ApiError> {
    let id = summary.id;
    // Whoever calls again with answers heard of the rest when it called before.
    let told = if call.state.is_some() { summary.version } else { 0 };
    let mut following = Following::new(call, summary, told).await?;
    while following.until(until).await? == Halt::Asked {
        let open = questions::open(call, id).await?;
        // What the history asked before may be answered by now.
        let Some(pending) = open.first() else { continue };
        if call.takes_tasks() || !call.shows_forms() {
            break;
        }
        if call.is_stateless() {
            let forms = questions::forms(&open)?;
            return Ok(Reply::Input(InputRequiredResult::new(Some(forms), Some(id.to_string()))));
        }
        let began = Instant::now();
        if !ask(call, pending).await? {
            break;
        }
        // People's time does not count.
        until += began.elapsed();
    }
    let summary = call.engine().execution(&call.who, id).await?;
    if call.takes_tasks() && !summary.status.is_end() { Ok(task(&summary)) } else { handle(&summary) }
}

/// Shows a form and takes its answer. False when nobody answered by it.
async fn ask(call: &Call, pending: &PendingIntervention) -> Result<bool, ApiError> {
    let asked = &pending.intervention;
    let mut mistake: Option<ApiError> = None;
    for _ in 0..TRIES {
        let form = questions::form(asked, mistake.as_ref())?;
        let patience = call.app.settings().mcp.answer_within.0;
        let shown = tokio::select! {
            shown = call.context.peer.create_elicitation_with_timeout(form, Some(patience)) => shown,
            () = call.context.ct.cancelled() => return Ok(false),
            () = call.app.closing().cancelled() => return Ok(false),
            // Somebody else was quicker, or it is no longer of use.
            closed = closed(call, pending.execution, asked.id) => return closed.map(|()| true),
        };
        let result = match shown {
            Ok(result) => result,
            Err(error) => {
                tracing::debug!(%error, "a form was not answered");
                return Ok(false);
            }
        };
        match questions::answer_with(call, pending, result).await {
            Err(error) if error.code() == "RESPONSE_INVALID" => mistake = Some(error),
            Err(error) if questions::is_closed(&error) => return Ok(true),
            other => return other,
        }
    }
    Ok(false)
}

/// Goes on with an execution that asked a client without a session.
async fn take_answers(call: &Call, state: &str, start: &Start) -> Result<Summary, ApiError> {
    let unknown = || {
        ApiError::bad_request("the requestState is not one that execute_playbook gave for these arguments")
    };
    let id: ExecutionId = state.parse().map_err(|_| unknown())?;
    let engine = call.engine();
    let first = engine.history(&call.who, id, 0, 1).await.map_err(|_| unknown())?;
    let summary = engine.execution(&call.who, id).await.map_err(|_| unknown())?;
    let same = first.first().is_some_and(
        |event| matches!(&event.fact, Fact::ExecutionStarted { input, .. } if **input == start.input),
    );
    if !same || summary.runtime != start.runtime_id || summary.playbook.name != start.playbook_name {
        return Err(unknown());
    }
    questions::answer_all(call, id, &call.answers).await?;
    Ok(engine.execution(&call.who, id).await?)
}

fn task(summary: &Summary) -> Reply {
    Reply::Task(CreateTaskResult::new(tasks::seed(summary)))
}

fn handle(summary: &Summary) -> Result<Reply, ApiError> {
    Ok(Reply::of(&ExecutionHandle::from(summary))?.linked(Address::Execution(summary.id)))
}
