//! Plugins as clients see them.

use jiff::Timestamp;
use orgata_engine::ports::{PluginEntry, PluginState, Source};
use orgata_model::operation::Plugin;
use orgata_model::signature::SignerKey;
use orgata_model::{Digest, OperationName, PluginName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operation::EffectView;

/// One version of a plugin: what it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginView<'a> {
    /// Its own name.
    #[schema(value_type = String)]
    pub name: &'a PluginName,
    /// Its own version text.
    pub version: &'a str,
    /// SHA-256 of its file: the identity of this version.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// What it says of itself.
    pub description: &'a str,
    /// `pure`, `observing` or `effectful`: derived from `imports`.
    #[schema(value_type = EffectView)]
    pub effect: &'static str,
    /// The interfaces that it imports.
    #[schema(example = json!(["wasi:http/outgoing-handler@0.2.0"]))]
    pub imports: &'a [String],
    /// Bytes of its file.
    pub size: u64,
    /// How long compiling it took; absent when it came from the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compile_ms: Option<u64>,
    /// What it can do.
    #[schema(value_type = Vec<String>)]
    pub operations: Vec<&'a OperationName>,
    /// The public keys of those who signed it, `ed25519:` and 64 hex digits. Whether they are believed is the operator's.
    #[schema(value_type = Vec<String>)]
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub signers: &'a [SignerKey],
}

impl<'a> From<&'a Plugin> for PluginView<'a> {
    fn from(plugin: &'a Plugin) -> Self {
        Self {
            name: &plugin.name,
            version: &plugin.version,
            digest: plugin.digest,
            description: &plugin.description,
            effect: plugin.effect.as_str(),
            imports: &plugin.imports,
            size: plugin.size,
            compile_ms: plugin.compile_ms,
            operations: plugin.operations.iter().map(|operation| &operation.name).collect(),
            signers: &plugin.signers,
        }
    }
}

/// One version of a plugin, and where it stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginEntryView<'a> {
    /// What it is.
    #[serde(flatten)]
    pub plugin: PluginView<'a>,
    /// `current`: new executions start on it. `earlier`: kept for those that have it, and for rollback.
    /// `retired`: withdrawn.
    #[schema(value_type = PluginStateView)]
    pub state: &'static str,
    /// When it was loaded first.
    #[schema(value_type = String, format = DateTime)]
    pub loaded_at: Timestamp,
    /// Where it came from.
    pub source: SourceView<'a>,
}

impl<'a> From<&'a PluginEntry> for PluginEntryView<'a> {
    fn from(entry: &'a PluginEntry) -> Self {
        let state = match entry.state {
            PluginState::Current => "current",
            PluginState::Earlier => "earlier",
            PluginState::Retired => "retired",
        };
        Self {
            plugin: (&*entry.plugin).into(),
            state,
            loaded_at: entry.loaded_at,
            source: (&entry.source).into(),
        }
    }
}

/// Where a plugin came from.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SourceView<'a> {
    /// A file of the plugin folder.
    File {
        /// Its name.
        file: String,
    },
    /// Somebody uploaded it.
    Upload {
        /// Who.
        by: &'a str,
    },
}

impl<'a> From<&'a Source> for SourceView<'a> {
    fn from(source: &'a Source) -> Self {
        match source {
            // Where the folder lies on the machine is nobody's business.
            Source::File(path) => {
                Self::File { file: path.file_name().unwrap_or_default().to_string_lossy().into_owned() }
            }
            Source::Upload { by } => Self::Upload { by },
        }
    }
}

// Only its schema is used.
/// The bytes of a component.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary, min_length = 1)]
pub struct ComponentBody(#[allow(dead_code, reason = "only its schema is used")] Vec<u8>);

/// To which version to go back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackBody {
    /// The version; absent: the one before the present.
    #[schema(value_type = Option<String>)]
    pub digest: Option<Digest>,
}

// Only its schema is used: the engine's `PluginState` knows nothing of OpenAPI.
/// Where a version of a plugin stands.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "only its schema is used")]
pub enum PluginStateView {
    /// New executions start on it.
    Current,
    /// Kept for executions that have it, and for rollback.
    Earlier,
    /// Withdrawn.
    Retired,
}
