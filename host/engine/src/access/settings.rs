//! What an operator says of permissions.

use std::collections::BTreeMap;

use orgata_model::access::Permissions;
use orgata_model::runtime::Environment;
use orgata_model::{RoleName, RuntimeId};
use serde::{Deserialize, Serialize};

/// Who may do what where.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessSettings {
    /// What everybody may do who may enter an environment. Those that are not named have their defaults.
    pub environments: BTreeMap<Environment, Permissions>,
    /// What holding a role adds to that, by environment.
    pub roles: BTreeMap<RoleName, BTreeMap<Environment, Permissions>>,
    /// Assistants may confirm what versions of plugins reach, if permissions let them. Default no.
    pub assistants_confirm: bool,
}

/// What is said of a runtime that is not a developer's own, where callers need prove nothing.
pub fn without_authentication(runtime: &RuntimeId, environment: Environment) -> String {
    format!(
        "runtime `{runtime}` is in {}, and there is no authentication: set authentication.apiKeys: true and make a key with \
         `orgata key create`, or have the runtime in development",
        environment.as_str()
    )
}

/// The same with the defaults filled in: what decisions are made from.
#[derive(Debug)]
pub(crate) struct Matrix {
    environments: BTreeMap<Environment, Permissions>,
    roles: BTreeMap<RoleName, BTreeMap<Environment, Permissions>>,
}

impl Matrix {
    pub(crate) fn new(settings: &AccessSettings) -> Self {
        let mut environments = settings.environments.clone();
        for environment in Environment::ALL {
            environments.entry(environment).or_insert_with(|| Permissions::of(environment));
        }
        Self { environments, roles: settings.roles.clone() }
    }

    /// What is allowed there to whoever holds these roles, one after the other.
    pub(crate) fn of<'m>(
        &'m self,
        environment: Environment,
        roles: impl Iterator<Item = &'m RoleName>,
    ) -> impl Iterator<Item = &'m Permissions> {
        let added =
            roles.filter_map(move |role| self.roles.get(role).and_then(|there| there.get(&environment)));
        self.environments.get(&environment).into_iter().chain(added)
    }
}
