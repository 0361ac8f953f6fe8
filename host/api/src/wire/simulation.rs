//! Simulations: what to play, and what came of it.

use jiff::Timestamp;
use orgata_engine::{
    Document, EngineError, Happened, Problem, Provenance, Recorded, Simulation, SimulationRequest,
};
use orgata_model::execution::{Status, Summary};
use orgata_model::{ExecutionId, PlaybookName, RuntimeId, StepName, duration};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::event::EventView;
use super::execution::StatusView;
use super::failure::FailureView;
use super::transfer::read_whole;

/// What diagnostics call what was sent.
const PLAYBOOK: &str = "playbook.yaml";
const SCENARIO: &str = "scenario.yaml";

/// What to simulate, and with what. The body may be empty.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "scenario": "input: { sandwichType: classic }\ninterventions:\n  choose-jelly: { answer: { jelly_flavor: grape } }\n"
}))]
pub struct SimulateBody {
    /// The playbook's YAML, instead of its current version.
    pub source: Option<String>,
    /// The scenario's YAML: what the playbook meets, and what should come of it.
    pub scenario: Option<String>,
    /// What the playbook is given, instead of what the scenario says.
    #[schema(value_type = Option<Value>)]
    pub input: Option<Value>,
    /// Exported executions to take results, answers and events from: the lines of each as one text.
    #[serde(default)]
    pub recorded: Vec<String>,
}

impl SimulateBody {
    /// What the engine is asked; recorded executions are read and not yet folded. Long ones are read beside the
    /// processor's other work.
    pub async fn request(self, playbook: PlaybookName) -> Result<SimulationRequest, EngineError> {
        let read = tokio::task::spawn_blocking(move || self.read(playbook)).await;
        read.map_err(|error| EngineError::Internal(error.to_string()))?
    }

    fn read(self, playbook: PlaybookName) -> Result<SimulationRequest, EngineError> {
        let document = |file: &str| {
            let file = file.to_owned();
            move |text| Document { file, text }
        };
        let recorded = self.recorded.iter().map(|lines| {
            let (head, events) = read_whole(lines.as_bytes())?;
            Ok(Recorded { playbook: head.playbook.name, events })
        });
        Ok(SimulationRequest {
            playbook,
            source: self.source.map(document(PLAYBOOK)),
            scenario: self.scenario.map(document(SCENARIO)),
            input: self.input,
            recorded: recorded.collect::<Result<_, EngineError>>()?,
        })
    }
}

/// What came of a simulation. Nothing of it happened, and nothing of it is kept.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SimulationView<'a> {
    /// Everything is as the scenario expects; without one, it succeeded.
    pub passed: bool,
    /// The runtime that it was played in.
    #[schema(value_type = String)]
    pub runtime_id: &'a RuntimeId,
    /// What was played.
    #[schema(value_type = String)]
    pub playbook_name: &'a PlaybookName,
    /// In which version.
    pub playbook_version: &'a str,
    /// How it ended, or where it stands when it cannot go on.
    #[schema(value_type = StatusView)]
    pub status: Status,
    /// What it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub output: Option<&'a Value>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView<'a>>,
    /// When it began, in virtual time.
    #[schema(value_type = String, format = DateTime)]
    pub began_at: Timestamp,
    /// How long it took, in virtual time.
    #[schema(example = "2d")]
    pub took: String,
    /// What is not as it should be; empty when it passed.
    pub problems: Vec<ProblemView<'a>>,
    /// What its author may want to know besides.
    pub notes: &'a [String],
    /// Steps of the playbook that never began.
    #[schema(value_type = Vec<String>)]
    pub never_ran: &'a [StepName],
    /// The simulated execution first, then those that it started.
    pub executions: Vec<SimulatedExecution<'a>>,
    /// Everything that happened, in order.
    pub timeline: Vec<HappenedView<'a>>,
}

/// An execution of a simulation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SimulatedExecution<'a> {
    /// What it is called in `timeline`.
    #[schema(value_type = String)]
    pub execution_id: ExecutionId,
    /// What it runs.
    #[schema(value_type = String)]
    pub playbook_name: &'a PlaybookName,
    /// How it ended.
    #[schema(value_type = StatusView)]
    pub status: Status,
}

/// Something that is not as it should be.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemView<'a> {
    /// The part of the scenario that it is about.
    #[schema(example = "expect.status")]
    pub path: &'a str,
    /// What is wrong, and what to do.
    pub message: &'a str,
    /// Where the scenario says so: 1 for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// 1 for the first character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
}

/// One thing that happened in a simulation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HappenedView<'a> {
    /// To which execution.
    #[schema(value_type = String)]
    pub execution_id: ExecutionId,
    /// How long after the beginning, in virtual time.
    #[schema(example = "4h")]
    pub after: String,
    /// What.
    pub event: EventView<'a>,
    /// Where the result came from, when a call ended: `real`, `recorded`, `example`, `scenario`, or `nothing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<&'static str>,
    /// The name of that example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<&'a str>,
}

impl<'a> SimulationView<'a> {
    /// What is shown of it. A simulation in which nothing was played is the host's fault.
    pub fn of(simulation: &'a Simulation) -> Result<Self, EngineError> {
        let nothing = || EngineError::Internal("nothing was simulated".to_owned());
        let own = simulation.own().ok_or_else(nothing)?;
        let began = simulation.began;
        Ok(Self {
            passed: simulation.passed(),
            runtime_id: &own.runtime,
            playbook_name: &own.playbook.name,
            playbook_version: &own.playbook.version,
            status: own.status,
            output: own.output.as_deref(),
            failure: own.failure.as_ref().map(FailureView::from),
            began_at: began,
            took: since(began, own.ended_at.unwrap_or(simulation.ended)),
            problems: simulation.problems.iter().map(ProblemView::from).collect(),
            notes: &simulation.notes,
            never_ran: &simulation.never_ran,
            executions: simulation.executions.iter().map(SimulatedExecution::from).collect(),
            timeline: simulation.happened.iter().map(|happened| HappenedView::of(happened, began)).collect(),
        })
    }
}

impl<'a> From<&'a Summary> for SimulatedExecution<'a> {
    fn from(summary: &'a Summary) -> Self {
        Self { execution_id: summary.id, playbook_name: &summary.playbook.name, status: summary.status }
    }
}

impl<'a> From<&'a Problem> for ProblemView<'a> {
    fn from(problem: &'a Problem) -> Self {
        let place = Some(&problem.mark).filter(|mark| mark.line > 0);
        Self {
            path: &problem.path,
            message: &problem.message,
            line: place.map(|mark| mark.line),
            column: place.map(|mark| mark.column),
        }
    }
}

impl<'a> HappenedView<'a> {
    fn of(happened: &'a Happened, began: Timestamp) -> Self {
        let (from, example) = match &happened.from {
            None => (None, None),
            Some(Provenance::Real) => (Some("real"), None),
            Some(Provenance::Recorded) => (Some("recorded"), None),
            Some(Provenance::Example(name)) => (Some("example"), Some(name.as_str())),
            Some(Provenance::Scenario) => (Some("scenario"), None),
            Some(Provenance::Nothing) => (Some("nothing"), None),
        };
        Self {
            execution_id: happened.execution,
            after: since(began, happened.event.at),
            event: EventView::from(&*happened.event),
            from,
            example,
        }
    }
}

fn since(began: Timestamp, at: Timestamp) -> String {
    duration::format(at.duration_since(began).unsigned_abs())
}
