//! Tasks: executions, under the names that the protocol has for long runs.
//!
//! A task's id is the execution's, so it lives as long as that does: through restarts, and whoever asks. Nothing is kept
//! here. What an execution asks is a task's `input_required`, keyed by the intervention, and `tasks/update` answers it.
//! Clients that know no tasks never see one; a client that cannot show forms is told in words that an answer is
//! waited for.
//!
//! Rejected: rmcp's own task manager, which keeps tasks in memory, knows no principal and ends them after minutes.

use orgata_engine::Control;
use orgata_engine::ports::PendingIntervention;
use orgata_model::execution::{Status, Summary};
use orgata_model::{ExecutionId, Failure, failure};
use rmcp::ErrorData;
use rmcp::model::{DetailedTask, InputResponses, JsonObject, Task, TaskPayload, TaskStatus};
use serde::Serialize;
use serde_json::Value;

use super::address::Address;
use super::call::Call;
use super::questions;
use super::reply::{parameter_error, protocol_error, result};
use crate::error::{ApiError, internal};
use crate::wire::execution::ExecutionHandle;

/// How often a client should ask, in milliseconds.
const POLL_EVERY: u64 = 1_000;

/// What a client is told of an execution when it becomes a task.
pub(super) fn seed(summary: &Summary) -> Task {
    let (started, updated) = (summary.started_at.to_string(), summary.updated_at.to_string());
    let task = Task::new(summary.id.to_string(), TaskStatus::Working, started, updated);
    task.with_poll_interval_ms(POLL_EVERY).with_status_message(words(summary))
}

/// `tasks/get`.
pub(super) async fn get(call: &Call, id: &str) -> Result<DetailedTask, ErrorData> {
    let found = find(call, id).await?;
    let open = questions::open(call, found.id).await.map_err(|error| protocol_error(call, &error))?;
    describe(call, &found, &open).map_err(|error| protocol_error(call, &error))
}

/// `tasks/update`: answers questions. What is closed by now, or was never asked, is passed over.
pub(super) async fn update(call: &Call, id: &str, answers: InputResponses) -> Result<(), ErrorData> {
    let found = find(call, id).await?;
    questions::answer_all(call, found.id, &answers).await.map_err(|error| protocol_error(call, &error))
}

/// `tasks/cancel`: completed steps are undone, where they say how. One that has ended stays as it is.
pub(super) async fn cancel(call: &Call, id: &str) -> Result<(), ErrorData> {
    let found = find(call, id).await?;
    let control = Control::Cancel { compensate: true };
    let reason = Some("the task was cancelled".to_owned());
    match call.engine().control(&call.who, found.id, control, reason).await.map_err(ApiError::from) {
        Err(error) if error.code() != "EXECUTION_ENDED" => Err(protocol_error(call, &error)),
        _ => Ok(()),
    }
}

async fn find(call: &Call, id: &str) -> Result<Summary, ErrorData> {
    let unknown = |error: &ApiError| parameter_error(call, error);
    let id: ExecutionId = id
        .parse()
        .map_err(|error| unknown(&ApiError::bad_request(format!("there is no such task: {error}"))))?;
    call.engine().execution(&call.who, id).await.map_err(|error| unknown(&error.into()))
}

fn describe(call: &Call, found: &Summary, open: &[PendingIntervention]) -> Result<DetailedTask, ApiError> {
    let payload = match found.status {
        Status::Cancelled => TaskPayload::Cancelled,
        _ if broke(found).is_some() => TaskPayload::Failed { error: error(found)? },
        status if status.is_end() => TaskPayload::Completed { result: ended(found)? },
        _ if call.shows_forms() && !open.is_empty() => {
            TaskPayload::InputRequired { input_requests: questions::forms(open)? }
        }
        _ => TaskPayload::Working,
    };
    let mut task = seed(found);
    if let Some(pending) = open.first() {
        let words = format!("waits for an answer: {}", pending.intervention.prompt);
        task = task.with_status_message(words);
    }
    Ok(DetailedTask::new(task, payload))
}

/// What went wrong in the host itself. The protocol tells that apart from a run that ended in a failure, which is a result.
fn broke(found: &Summary) -> Option<&Failure> {
    found.failure.as_ref().filter(|failure| failure.code == failure::code::INTERNAL)
}

/// What the call that started it would have been answered with.
fn error(found: &Summary) -> Result<JsonObject, ApiError> {
    let message = broke(found).map(|failure| failure.message.clone()).unwrap_or_default();
    let handle = serde_json::to_value(ExecutionHandle::from(found)).map_err(|error| internal(&error))?;
    object(&ErrorData::internal_error(message, Some(handle)))
}

/// The result of the call that started it.
fn ended(found: &Summary) -> Result<JsonObject, ApiError> {
    let handle = serde_json::to_value(ExecutionHandle::from(found)).map_err(|error| internal(&error))?;
    let mut result = result(handle, &[Address::Execution(found.id)]);
    result.is_error = Some(found.status != Status::Succeeded);
    object(&result)
}

fn object(value: &impl Serialize) -> Result<JsonObject, ApiError> {
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(internal(&"what a task ends with is no object")),
        Err(error) => Err(internal(&error)),
    }
}

fn words(found: &Summary) -> String {
    let status = found.status.as_str();
    match &found.current_step {
        Some(step) => format!("{status} at step {step}: {} of {} done", found.steps_done, found.steps_total),
        None => format!("{status}: {} of {} steps done", found.steps_done, found.steps_total),
    }
}
