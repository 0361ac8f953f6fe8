//! Runtimes as clients see them.

use std::collections::BTreeMap;

use orgata_engine::RuntimeInfo;
use orgata_model::runtime::{Environment, Grants, Role, Runtime};
use orgata_model::{OperationName, PlaybookName, PluginName, RoleName, RuntimeId, SecretName};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::model::ModelBody;

/// A runtime, and what is in it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeView {
    /// Its name.
    #[schema(value_type = String)]
    pub runtime_id: RuntimeId,
    /// `production`, `staging`, `simulation` or `development`.
    #[schema(value_type = EnvironmentView)]
    pub environment: &'static str,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its playbooks.
    #[schema(value_type = Vec<String>)]
    pub playbooks: Vec<PlaybookName>,
    /// The roles that take part in them.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<RoleName>,
    /// The operations that they may use.
    #[schema(value_type = Vec<String>)]
    pub operations: Vec<OperationName>,
}

impl From<RuntimeInfo> for RuntimeView {
    fn from(info: RuntimeInfo) -> Self {
        Self {
            runtime_id: info.runtime.id,
            environment: info.runtime.environment.as_str(),
            description: info.runtime.description,
            playbooks: info.playbooks,
            roles: info.roles,
            operations: info.operations,
        }
    }
}

/// A runtime, with what its operator said of it. What plugins are given as configuration is not shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeDetails {
    /// The runtime, and what is in it.
    #[serde(flatten)]
    pub runtime: RuntimeView,
    /// The plugins whose operations its playbooks may use. Absent: all that are loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub plugins: Option<Vec<PluginName>>,
    /// What each plugin may reach.
    #[schema(value_type = BTreeMap<String, GrantsBody>)]
    pub grants: BTreeMap<PluginName, GrantsBody>,
    /// The AI model that plugins may ask, where `grants` let them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelBody>,
}

impl From<RuntimeInfo> for RuntimeDetails {
    fn from(mut info: RuntimeInfo) -> Self {
        let plugins = info.runtime.plugins.take();
        let model = info.runtime.model.take().map(ModelBody::from);
        let grants = std::mem::take(&mut info.runtime.grants);
        let grants = grants.into_iter().map(|(plugin, grants)| (plugin, grants.into())).collect();
        Self { runtime: info.into(), plugins, grants, model }
    }
}

/// A runtime to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "runtimeId": "kitchen-v1", "environment": "development" }))]
pub struct CreateRuntimeBody {
    /// Its name: letters, digits, `-`, `_` and `.`, 100 at most.
    #[schema(value_type = String)]
    pub runtime_id: RuntimeId,
    /// Where it lives. `development` when absent.
    #[serde(default)]
    #[schema(value_type = EnvironmentView, required = false)]
    pub environment: Environment,
    /// For people.
    pub description: Option<String>,
    /// The plugins whose operations its playbooks may use. Absent: all that are loaded.
    #[schema(value_type = Option<Vec<String>>)]
    pub plugins: Option<Vec<PluginName>>,
    /// What each plugin may reach. Nothing, unless said.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, GrantsBody>)]
    pub grants: BTreeMap<PluginName, GrantsBody>,
    /// Values that each plugin is given.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, BTreeMap<String, Value>>)]
    pub config: BTreeMap<PluginName, BTreeMap<String, Value>>,
    /// What is known of roles beyond what playbooks say.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, RoleBody>)]
    pub roles: BTreeMap<RoleName, RoleBody>,
    /// The AI model that plugins may ask, where `grants` let them. Absent: none.
    pub model: Option<ModelBody>,
}

impl From<CreateRuntimeBody> for Runtime {
    fn from(body: CreateRuntimeBody) -> Self {
        Self {
            id: body.runtime_id,
            environment: body.environment,
            description: body.description,
            plugins: body.plugins,
            grants: body.grants.into_iter().map(|(plugin, grants)| (plugin, grants.into())).collect(),
            config: body.config,
            roles: body.roles.into_iter().map(|(name, role)| (name, role.into())).collect(),
            model: body.model.map(ModelBody::into),
        }
    }
}

/// What one plugin may reach in one runtime.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantsBody {
    /// Hosts with ports, such as `api.example.com:443`; a leading `*.` matches one or more labels.
    #[serde(default)]
    pub network: Vec<String>,
    /// Hosts among `network` may resolve to private, loopback and link-local addresses.
    #[serde(default)]
    pub private_addresses: bool,
    /// Secrets that it may read, by name. Whoever grants one must be allowed to set it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub secrets: Vec<SecretName>,
    /// It may keep state of its own that lasts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kv: bool,
    /// It may ask the AI model that the runtime configures.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub model: bool,
}

impl From<Grants> for GrantsBody {
    fn from(Grants { network, private_addresses, secrets, kv, model }: Grants) -> Self {
        Self { network, private_addresses, secrets, kv, model }
    }
}

impl From<GrantsBody> for Grants {
    fn from(GrantsBody { network, private_addresses, secrets, kv, model }: GrantsBody) -> Self {
        Self { network, private_addresses, secrets, kv, model }
    }
}

/// What is known of a role beyond the playbooks that mention it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleBody {
    /// For people.
    pub description: Option<String>,
    /// Operations that steps of this role may run, `plugin/operation` or `plugin/*`. Absent: any.
    pub operations: Option<Vec<String>>,
}

impl From<RoleBody> for Role {
    fn from(RoleBody { description, operations }: RoleBody) -> Self {
        Self { description, operations }
    }
}

// Only its schema is used: the model's `Environment` knows nothing of OpenAPI.
/// Where a runtime lives.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "only its schema is used")]
pub enum EnvironmentView {
    /// Live business.
    Production,
    /// The last test before it.
    Staging,
    /// Effects are replaced.
    Simulation,
    /// A developer's own.
    Development,
}
