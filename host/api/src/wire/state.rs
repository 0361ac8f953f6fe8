//! An execution with its whole context, as clients see it.

use jiff::Timestamp;
use orgata_model::execution::{Frame, Seq, State, Status, StepState};
use orgata_model::expression::Done;
use orgata_model::playbook::{Step, Work};
use orgata_model::{
    Digest, ExecutionId, InterventionId, OperationName, PlaybookName, RoleName, RuntimeId, StepName,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::execution::StatusView;
use super::failure::FailureView;
use super::intervention::InterventionView;
use super::model::ModelTotalsView;

/// An execution with its input, its steps and their results.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StateView<'a> {
    /// Its id.
    #[schema(value_type = String)]
    pub execution_id: ExecutionId,
    /// The runtime that it lives in.
    #[schema(value_type = String)]
    pub runtime_id: &'a RuntimeId,
    /// What it runs.
    #[schema(value_type = String)]
    pub playbook_name: &'a PlaybookName,
    /// In which version.
    pub playbook_version: &'a str,
    /// Of that version's source.
    #[schema(value_type = String)]
    pub playbook_digest: Digest,
    /// Where it stands.
    #[schema(value_type = StatusView)]
    pub status: Status,
    /// The seq of its last event: following from the next one misses nothing.
    #[schema(value_type = u64)]
    pub seq: Seq,
    /// What it was given.
    pub input: &'a Value,
    /// Its steps, in order.
    pub steps: Vec<StepView<'a>>,
    /// Questions that wait for an answer.
    pub interventions: Vec<InterventionView<'a>>,
    /// What its operations asked AI models; absent when they asked nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelTotalsView>,
    /// What it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub output: Option<&'a Value>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView<'a>>,
}

impl<'a> From<&'a State> for StateView<'a> {
    fn from(state: &'a State) -> Self {
        let end = state.end.as_ref();
        let steps = state.playbook.steps.iter().zip(state.frame.slots());
        Self {
            execution_id: state.id,
            runtime_id: &state.runtime,
            playbook_name: &state.playbook.name,
            playbook_version: &state.playbook.version,
            playbook_digest: state.playbook.digest,
            status: state.status(),
            seq: state.version,
            input: &state.input,
            steps: steps.map(|(step, stands)| StepView::new(&state.frame, step, stands)).collect(),
            interventions: state.open.iter().map(InterventionView::from).collect(),
            model: ModelTotalsView::of(&state.model),
            output: end.and_then(|end| end.output.as_deref()),
            failure: end.and_then(|end| end.failure.as_ref()).map(FailureView::from),
        }
    }
}

/// A step, and how far it has come.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepView<'a> {
    /// Which.
    #[schema(value_type = String)]
    pub name: &'a StepName,
    /// `pending`, `running`, `retrying`, `waiting`, `waiting_for_answer`, `interrupted`, `succeeded`, `skipped` or
    /// `failed`.
    pub status: &'static str,
    /// Who performs it, or answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub role: Option<&'a RoleName>,
    /// What it runs; absent when it asks a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub operation: Option<&'a OperationName>,
    /// The attempt at work or to come, 1 for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// When the next attempt comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retry_at: Option<Timestamp>,
    /// The question that it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub intervention_id: Option<InterventionId>,
    /// The execution that runs for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub child_execution_id: Option<ExecutionId>,
    /// The place in this list of the group or switch that it is inside of, 0 for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside_of: Option<usize>,
    /// How far its loop has come: iterations that are over, at work, and in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterations: Option<IterationsView>,
    /// What it waits for: a time, an outside event, or both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<WaitView<'a>>,
    /// What it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub result: Option<&'a Value>,
    /// Why it, or its last attempt, failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView<'a>>,
}

/// How far a loop has come.
#[derive(Debug, Serialize, ToSchema)]
pub struct IterationsView {
    /// How many there are.
    pub total: u32,
    /// How many are over.
    pub done: usize,
    /// How many are at work or wait.
    pub active: usize,
}

/// What a step waits for.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitView<'a> {
    /// Until then at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// The event's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<&'a str>,
}

impl<'a> StepView<'a> {
    fn new(frame: &'a Frame, step: &'a Step, stands: &'a StepState) -> Self {
        let operation = match &step.work {
            Work::Operation { operation, .. } => Some(operation),
            _ => None,
        };
        let result = match frame.level.steps.get(&step.name) {
            Some(Done::Result(result)) => Some(&**result),
            _ => None,
        };
        let mut view = Self {
            name: &step.name,
            status: stands.as_str(),
            role: step.role.as_ref(),
            operation,
            attempt: stands.attempt().map(|attempt| attempt.number),
            retry_at: None,
            intervention_id: None,
            child_execution_id: None,
            inside_of: step.place.parent,
            iterations: None,
            waits_for: None,
            result,
            failure: None,
        };
        match stands {
            StepState::Retrying { at, failure, .. } => {
                view.retry_at = Some(*at);
                view.failure = Some(failure.into());
            }
            StepState::WaitingForAnswer { intervention, .. } => view.intervention_id = Some(*intervention),
            StepState::Answered { intervention, .. } => view.intervention_id = Some(intervention.id),
            StepState::Child { execution, .. } => view.child_execution_id = Some(*execution),
            StepState::Waiting { until, event } => {
                view.waits_for = Some(WaitView { until: *until, event: event.as_deref() });
            }
            StepState::Looping(progress) => {
                let (total, done, active) = (progress.len(), progress.results.len(), progress.active.len());
                view.iterations = Some(IterationsView { total, done, active });
            }
            StepState::Failed { failure, .. } => {
                view.attempt = None;
                view.failure = Some(failure.into());
            }
            _ => {}
        }
        view
    }
}
