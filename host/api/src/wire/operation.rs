//! Operations as clients see them.

use orgata_model::operation::{Example, Operation};
use orgata_model::{Digest, OperationName, PluginName};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One operation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationView<'a> {
    /// `plugin/operation`.
    #[schema(value_type = String, example = "kitchen/gather-ingredients")]
    pub name: &'a OperationName,
    /// The plugin that exports it.
    #[schema(value_type = String)]
    pub plugin: &'a PluginName,
    /// The digest of that plugin's file.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<&'a str>,
    /// What it does.
    pub description: &'a str,
    /// `pure`, `observing` or `effectful`: what the sandbox lets it do to the outside.
    #[schema(value_type = EffectView)]
    pub effect: &'static str,
    /// Twice does no more than once.
    pub idempotent: bool,
    /// Free words to find it by.
    pub tags: &'a [String],
    /// JSON Schema 2020-12 of its input.
    pub input_schema: &'a Value,
    /// JSON Schema 2020-12 of its output.
    pub output_schema: &'a Value,
    /// Inputs with the outputs that they give.
    pub examples: Vec<ExampleView<'a>>,
}

/// An input and the output that it gives.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExampleView<'a> {
    /// What it shows.
    pub name: &'a str,
    /// What goes in.
    pub input: &'a Value,
    /// What comes out.
    pub output: &'a Value,
}

impl<'a> From<&'a Operation> for OperationView<'a> {
    fn from(operation: &'a Operation) -> Self {
        Self {
            name: &operation.name,
            plugin: &operation.name.plugin,
            digest: operation.digest,
            title: operation.title.as_deref(),
            description: &operation.description,
            effect: operation.effect.as_str(),
            idempotent: operation.idempotent,
            tags: &operation.tags,
            input_schema: &operation.input_schema,
            output_schema: &operation.output_schema,
            examples: operation.examples.iter().map(ExampleView::from).collect(),
        }
    }
}

impl<'a> From<&'a Example> for ExampleView<'a> {
    fn from(example: &'a Example) -> Self {
        Self { name: &example.name, input: &example.input, output: &example.output }
    }
}

// Only its schema is used: the model's `EffectClass` knows nothing of OpenAPI.
/// What an operation may do to the outside.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "only its schema is used")]
pub enum EffectView {
    /// It computes.
    Pure,
    /// It sees the outside and cannot change it.
    Observing,
    /// It may change the outside.
    Effectful,
}
