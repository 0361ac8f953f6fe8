//! Tools: what an assistant can do.
//!
//! A tool takes its arguments apart, asks the engine and converts the answer, as its REST twin does, with the same wire
//! types. A tool is registered here, by one line; its schemas come from its types.
//!
//! Not here: rules. A tool that needs one needs a method of the engine.

mod authoring;
mod catalog;
mod events;
mod execute;
mod fork;
mod interventions;
mod look;
mod mend;
mod plugins;
mod publish;
mod simulate;
mod steer;

use std::pin::Pin;
use std::sync::LazyLock;

use rmcp::model::{CallToolRequestParams, CallToolResponse, JsonObject, ToolAnnotations};
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use super::call::Call;
use super::reply::{self, Reply};
use super::schema;
use crate::error::ApiError;

/// Every tool there is, in the order in which an assistant should see them.
static TOOLS: LazyLock<Vec<Registered>> = LazyLock::new(|| {
    vec![
        Registered::of::<catalog::ListRuntimes>(),
        Registered::of::<catalog::ListPlaybooks>(),
        Registered::of::<catalog::ListOperations>(),
        Registered::of::<execute::ExecutePlaybook>(),
        Registered::of::<look::GetExecution>(),
        Registered::of::<look::GetExecutionState>(),
        Registered::of::<look::GetExecutionHistory>(),
        Registered::of::<look::GetExecutionTimeline>(),
        Registered::of::<look::ListExecutions>(),
        Registered::of::<interventions::GetPendingInterventions>(),
        Registered::of::<interventions::InterveneExecution>(),
        Registered::of::<steer::PauseExecution>(),
        Registered::of::<steer::ResumeExecution>(),
        Registered::of::<steer::CancelExecution>(),
        Registered::of::<mend::RetryExecution>(),
        Registered::of::<mend::SkipStep>(),
        Registered::of::<fork::ForkExecution>(),
        Registered::of::<events::SendEvent>(),
        Registered::of::<publish::CheckPlaybook>(),
        Registered::of::<publish::PublishPlaybook>(),
        Registered::of::<simulate::SimulatePlaybook>(),
        Registered::of::<authoring::ScaffoldOperation>(),
        Registered::of::<authoring::BuildOperation>(),
        Registered::of::<authoring::ValidateOperation>(),
        Registered::of::<authoring::TestOperation>(),
        Registered::of::<authoring::LoadOperation>(),
        Registered::of::<plugins::ListPlugins>(),
        Registered::of::<plugins::RollbackPlugin>(),
    ]
});

/// One tool.
pub(super) trait Tool: 'static {
    /// What it is called: a verb and a noun.
    const NAME: &'static str;
    /// The same for people.
    const TITLE: &'static str;
    /// What it does, for an assistant that has seen nothing else.
    const ABOUT: &'static str;
    /// What it may change.
    const EFFECT: Effect;
    /// Its arguments. Unknown ones are refused.
    type Input: DeserializeOwned + ToSchema + Send;
    /// The wire type that it gives; only its schema is used.
    type Output: ToSchema;

    /// Does it.
    fn call(call: &Call, input: Self::Input) -> impl Future<Output = Result<Reply, ApiError>> + Send;
}

/// What a tool may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    Looks,
    /// It adds something, or lets something go on.
    Adds,
    /// The same; asked twice, it does no more than once.
    AddsOnce,
    /// It ends or replaces something.
    Replaces,
    /// The same; asked twice, it does no more than once.
    ReplacesOnce,
}

impl Effect {
    fn annotations(self, title: &str) -> ToolAnnotations {
        let hints = ToolAnnotations::with_title(title).read_only(self == Self::Looks);
        match self {
            Self::Looks => hints.destructive(false).idempotent(true).open_world(false),
            Self::Adds => hints.destructive(false).idempotent(false).open_world(true),
            Self::AddsOnce => hints.destructive(false).idempotent(true).open_world(true),
            Self::Replaces => hints.destructive(true).idempotent(false).open_world(true),
            Self::ReplacesOnce => hints.destructive(true).idempotent(true).open_world(true),
        }
    }
}

type Answer<'c> = Pin<Box<dyn Future<Output = Result<Reply, ApiError>> + Send + 'c>>;

/// A tool, its type forgotten.
struct Registered {
    definition: rmcp::model::Tool,
    run: for<'c> fn(&'c Call, JsonObject) -> Answer<'c>,
}

impl Registered {
    fn of<T: Tool>() -> Self {
        let definition = rmcp::model::Tool::new(T::NAME, T::ABOUT, schema::of::<T::Input>())
            .with_title(T::TITLE)
            .with_raw_output_schema(schema::of::<T::Output>())
            .with_annotations(T::EFFECT.annotations(T::TITLE));
        Self { definition, run: |call, arguments| Box::pin(run::<T>(call, arguments)) }
    }
}

async fn run<T: Tool>(call: &Call, arguments: JsonObject) -> Result<Reply, ApiError> {
    let input = serde_json::from_value(Value::Object(arguments)).map_err(|error| {
        ApiError::bad_request(format!("the arguments of {} do not fit: {error}", T::NAME))
    })?;
    T::call(call, input).await
}

/// Every tool, as clients are told of it.
pub(super) fn definitions() -> Vec<rmcp::model::Tool> {
    TOOLS.iter().map(|tool| tool.definition.clone()).collect()
}

/// One tool, as clients are told of it.
pub(super) fn definition(name: &str) -> Option<rmcp::model::Tool> {
    TOOLS.iter().find(|tool| tool.definition.name == name).map(|tool| tool.definition.clone())
}

/// Calls a tool. What it refuses is a result that says so; nothing when there is no such tool.
pub(super) async fn call(call: &Call, request: CallToolRequestParams) -> Option<CallToolResponse> {
    let tool = TOOLS.iter().find(|tool| tool.definition.name == request.name)?;
    let answer = (tool.run)(call, request.arguments.unwrap_or_default()).await;
    Some(answer.map_or_else(|error| reply::refusal(call, &error).into(), Into::into))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_says_what_it_is_for_and_what_it_takes_and_gives() {
        for tool in definitions() {
            let about = tool.description.as_deref().unwrap_or_default();
            assert!(about.len() > 40, "{}: {about:?}", tool.name);
            assert!(tool.title.is_some() && tool.annotations.is_some(), "{}", tool.name);
            assert_eq!(tool.input_schema["additionalProperties"], false, "{}", tool.name);
            assert_eq!(tool.output_schema.unwrap()["type"], "object", "{}", tool.name);
        }
    }

    #[test]
    fn every_schema_stands_alone() {
        for tool in definitions() {
            for schema in [tool.input_schema, tool.output_schema.unwrap()] {
                let text = serde_json::to_string(&*schema).unwrap();
                assert!(!text.contains("#/components/"), "{}: {text}", tool.name);
                for (_, rest) in
                    text.match_indices("#/$defs/").map(|(at, mark)| text.split_at(at + mark.len()))
                {
                    let name = rest.split('"').next().unwrap();
                    assert!(schema["$defs"].get(name).is_some(), "{} says nothing of {name}", tool.name);
                }
            }
        }
    }

    #[test]
    fn no_two_tools_have_one_name() {
        let names: std::collections::BTreeSet<_> = definitions().into_iter().map(|tool| tool.name).collect();
        assert_eq!(names.len(), TOOLS.len());
    }

    #[test]
    fn what_tools_there_are() {
        let shown = definitions().into_iter().map(|tool| {
            let hints = tool.annotations.unwrap();
            let mut words = vec![tool.name.into_owned()];
            let hint = |word: &str, said: Option<bool>| said.unwrap().then(|| word.to_owned());
            words.extend(hint("reads", hints.read_only_hint));
            words.extend(hint("destroys", hints.destructive_hint));
            words.extend(hint("idempotent", hints.idempotent_hint));
            words.extend(
                tool.input_schema.get("properties").and_then(Value::as_object).into_iter().flatten().map(
                    |(name, _)| {
                        let required = tool.input_schema.get("required").and_then(Value::as_array);
                        let must = required.is_some_and(|required| required.iter().any(|it| it == name));
                        if must { format!("{name}!") } else { name.clone() }
                    },
                ),
            );
            words.join(" ")
        });
        insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"));
    }
}
