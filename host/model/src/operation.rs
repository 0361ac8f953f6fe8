//! What is known of an operation before it runs.
//!
//! Everything here was read from the plugin's own component, never from a file beside it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{Digest, OperationName, PluginName};
use crate::signature::SignerKey;

/// What the sandbox lets an operation do to the outside, derived from its component's imports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectClass {
    /// It computes: running it again changes nothing and gives the same.
    Pure,
    /// It sees the outside and cannot change it.
    Observing,
    /// It may change the outside: durable before, idempotency key, durable after.
    Effectful,
}

impl EffectClass {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pure => "pure",
            Self::Observing => "observing",
            Self::Effectful => "effectful",
        }
    }
}

/// One operation of one version of a plugin.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// `plugin/operation`.
    pub name: OperationName,
    /// A name for people.
    pub title: Option<String>,
    /// What it does.
    pub description: String,
    /// JSON Schema 2020-12 of its input.
    pub input_schema: Arc<Value>,
    /// JSON Schema 2020-12 of its output.
    pub output_schema: Arc<Value>,
    /// Twice does no more than once.
    pub idempotent: bool,
    /// Free words to find it by.
    pub tags: Vec<String>,
    /// Inputs with the outputs that they give.
    pub examples: Vec<Example>,
    /// The class of its plugin.
    pub effect: EffectClass,
    /// The version of the plugin that this was read from.
    pub digest: Digest,
}

/// An input and the output that it gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// Satisfies the input schema.
    pub input: Value,
    /// Satisfies the output schema.
    pub output: Value,
}

/// One version of a plugin, as the host knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plugin {
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Its own name.
    pub name: PluginName,
    /// Its own version text.
    pub version: String,
    /// What it says of itself.
    pub description: String,
    /// Derived from `imports`.
    pub effect: EffectClass,
    /// The interfaces that the component imports, sorted, such as `wasi:http/outgoing-handler@0.2.0`.
    pub imports: Vec<String>,
    /// Bytes of the file.
    pub size: u64,
    /// How long compiling it took; absent when it came from the cache.
    pub compile_ms: Option<u64>,
    /// Sorted by name.
    pub operations: Vec<Arc<Operation>>,
    /// Whose signatures it has, as far as they fit. Whether they are believed is another matter.
    pub signers: Vec<SignerKey>,
}

impl Plugin {
    /// The operation of this name, without the plugin's.
    pub fn operation(&self, name: &str) -> Option<&Arc<Operation>> {
        self.operations.iter().find(|operation| &*operation.name.operation == name)
    }
}
