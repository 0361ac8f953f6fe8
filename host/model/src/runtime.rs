//! A runtime: a named set of playbooks, operations, roles and grants, living in one environment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{PluginName, RoleName, RuntimeId, SecretName};
use crate::sampling::ModelSource;

/// Where a runtime lives, and so how careful the host is with it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Live business.
    Production,
    /// The last test before it.
    Staging,
    /// Effects are replaced.
    Simulation,
    /// A developer's own.
    #[default]
    Development,
}

impl Environment {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Production, Self::Staging, Self::Simulation, Self::Development];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Simulation => "simulation",
            Self::Development => "development",
        }
    }
}

/// What an operator says of a runtime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Runtime {
    /// Its name.
    pub id: RuntimeId,
    /// Where it lives.
    #[serde(default)]
    pub environment: Environment,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The plugins whose operations its playbooks may use. Absent: all that are loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugins: Option<Vec<PluginName>>,
    /// What each plugin may reach.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub grants: BTreeMap<PluginName, Grants>,
    /// Values that `config.get` gives to each plugin.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<PluginName, BTreeMap<String, serde_json::Value>>,
    /// What is known of roles beyond what playbooks say.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<RoleName, Role>,
    /// The AI model that plugins may ask, where `grants` let them. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelSource>,
}

impl Runtime {
    /// A runtime with defaults alone.
    pub fn new(id: RuntimeId, environment: Environment) -> Self {
        Self {
            id,
            environment,
            description: None,
            plugins: None,
            grants: BTreeMap::new(),
            config: BTreeMap::new(),
            roles: BTreeMap::new(),
            model: None,
        }
    }

    /// Whether its playbooks may use this plugin.
    pub fn offers(&self, plugin: &PluginName) -> bool {
        self.plugins.as_ref().is_none_or(|plugins| plugins.contains(plugin))
    }
}

/// What an operator lets one plugin reach in one runtime. Nothing, unless said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grants {
    /// Hosts with ports, `api.example.com:443`; a leading `*.` matches one or more labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network: Vec<String>,
    /// Hosts among `network` may resolve to private, loopback and link-local addresses.
    #[serde(default)]
    pub private_addresses: bool,
    /// Secrets that it may read, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretName>,
    /// It may keep state of its own that lasts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kv: bool,
    /// It may ask the AI model that the runtime configures.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub model: bool,
}

/// What is known of a role beyond the playbooks that mention it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Role {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Operations that steps of this role may run, `plugin/operation` or `plugin/*`. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<Vec<String>>,
}
