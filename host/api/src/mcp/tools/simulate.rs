//! `simulate_playbook`.

use orgata_model::{PlaybookName, RuntimeId};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::call::Call;
use super::super::reply::Reply;
use super::{Effect, Tool};
use crate::error::ApiError;
use crate::wire::simulation::{SimulateBody, SimulationView};

/// What to simulate, and with what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Simulate {
    /// The runtime whose operations and roles it uses.
    #[schema(value_type = String)]
    runtime_id: RuntimeId,
    /// The playbook.
    #[schema(value_type = String)]
    playbook_name: PlaybookName,
    /// The playbook's YAML, instead of its current version.
    source: Option<String>,
    /// The scenario's YAML: `input`, `operations` (what each gives), `interventions` (how each is answered), `expect`.
    #[schema(
        example = "input: { sandwichType: classic }\ninterventions:\n  choose-jelly: { answer: { jelly_flavor: grape } }\nexpect: { status: succeeded }\n"
    )]
    scenario: Option<String>,
    /// What the playbook is given, instead of what the scenario says.
    #[schema(value_type = Option<Value>)]
    input: Option<Value>,
    /// Exported executions to take results, answers and events from: the lines of each as one text.
    #[serde(default)]
    recorded: Vec<String>,
}

/// See the module.
pub(super) struct SimulatePlaybook;

impl Tool for SimulatePlaybook {
    const NAME: &'static str = "simulate_playbook";
    const TITLE: &'static str = "Simulate a playbook";
    const ABOUT: &'static str = "Plays a playbook as it would run in a runtime, and does nothing: pure operations really run, \
        what others give comes from the scenario, from recorded executions or from their examples. Time is virtual, so a wait \
        of thirty days is over at once, and questions are answered by the scenario. Gives every step in order with where its \
        result came from, and `passed`: whether everything came as the scenario expects. Use it before \
        `publish_playbook`, with `source`, or to see what a change would do.";
    const EFFECT: Effect = Effect::Looks;
    type Input = Simulate;
    type Output = SimulationView<'static>;

    async fn call(call: &Call, input: Simulate) -> Result<Reply, ApiError> {
        let Simulate { runtime_id, playbook_name, source, scenario, input, recorded } = input;
        let body = SimulateBody { source, scenario, input, recorded };
        let request = body.request(playbook_name).await?;
        let simulation = call.engine().simulate(&call.who, &runtime_id, request).await?;
        Reply::of(&SimulationView::of(&simulation)?)
    }
}
