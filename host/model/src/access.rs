//! Who may do what where: kinds of things, what is done with them, and what an environment lets its callers do.
//!
//! These are words and tables. Who a caller is, and the decision itself, are the engine's (`engine::access`).

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::runtime::Environment;

/// A kind of thing that permissions speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// A runtime itself.
    Runtime,
    /// Its playbooks and their schedules.
    Playbook,
    /// Executions, with their events and what they were given.
    Execution,
    /// Questions and their answers.
    Intervention,
    /// Who takes part in playbooks.
    Role,
    /// What plugins can do.
    Operation,
    /// Plugins, their versions and drafts of them.
    Plugin,
    /// Secrets that plugins are granted. Nobody ever reads one's value.
    Secret,
    /// What was allowed and what was denied.
    Audit,
    /// Keys with which callers prove who they are.
    Key,
}

impl Resource {
    /// Every kind, in the order of the enum.
    pub const ALL: [Self; 10] = [
        Self::Runtime,
        Self::Playbook,
        Self::Execution,
        Self::Intervention,
        Self::Role,
        Self::Operation,
        Self::Plugin,
        Self::Secret,
        Self::Audit,
        Self::Key,
    ];

    /// The word in configurations and for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Runtime => "runtime",
            Self::Playbook => "playbook",
            Self::Execution => "execution",
            Self::Intervention => "intervention",
            Self::Role => "role",
            Self::Operation => "operation",
            Self::Plugin => "plugin",
            Self::Secret => "secret",
            Self::Audit => "audit",
            Self::Key => "key",
        }
    }
}

/// What is done with a thing. Each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Looking at it.
    Read,
    /// Making and steering it.
    Write,
    /// What cannot be taken back, or changes what others may do.
    Admin,
}

impl Access {
    /// The word in configurations and for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Resource {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|resource| resource.as_str() == text).ok_or_else(|| UnknownWord::of(text))
    }
}

impl FromStr for Access {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let all = [Self::Read, Self::Write, Self::Admin];
        all.into_iter().find(|access| access.as_str() == text).ok_or_else(|| UnknownWord::of(text))
    }
}

/// A word that names no kind of thing, or nothing that is done with one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no permission: they look like execution:read, with read, write or admin behind the colon"
)]
pub struct UnknownWord(String);

impl UnknownWord {
    /// The text comes from outside: enough of it is kept to recognise it, and no more.
    pub fn of(text: &str) -> Self {
        Self(text.chars().take(60).collect())
    }
}

/// What may be done, by kind of thing. Nothing, unless said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Permissions {
    /// What may be looked at.
    pub read: BTreeSet<Resource>,
    /// What may be made and steered; it may be looked at, too.
    pub write: BTreeSet<Resource>,
    /// Everything may be done.
    pub admin: bool,
}

impl Permissions {
    /// Everything may be done.
    pub fn everything() -> Self {
        Self { admin: true, ..Self::default() }
    }

    /// What an environment lets everybody do who may enter it, unless the operator says otherwise.
    pub fn of(environment: Environment) -> Self {
        use Resource::{Execution, Intervention, Operation, Playbook, Role, Runtime};
        let (read, write, admin): (&[Resource], &[Resource], bool) = match environment {
            Environment::Production => {
                (&[Runtime, Playbook, Execution, Role], &[Execution, Intervention], false)
            }
            Environment::Staging | Environment::Simulation => {
                (&[Runtime, Playbook, Execution, Role, Operation], &[Runtime, Execution, Intervention], false)
            }
            Environment::Development => {
                (&[Runtime, Playbook, Execution, Role, Operation], &[Runtime, Execution, Intervention], true)
            }
        };
        Self { read: read.iter().copied().collect(), write: write.iter().copied().collect(), admin }
    }

    /// Whether this may be done.
    pub fn allow(&self, resource: Resource, access: Access) -> bool {
        self.admin
            || match access {
                Access::Read => self.read.contains(&resource) || self.write.contains(&resource),
                Access::Write => self.write.contains(&resource),
                Access::Admin => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_steered_may_be_looked_at() {
        let production = Permissions::of(Environment::Production);
        assert!(production.allow(Resource::Intervention, Access::Read));
        assert!(production.allow(Resource::Execution, Access::Write));
        assert!(!production.allow(Resource::Execution, Access::Admin));
        assert!(!production.allow(Resource::Playbook, Access::Write));
        assert!(!production.allow(Resource::Operation, Access::Read));
    }

    #[test]
    fn nothing_may_be_done_unless_said() {
        let none: Permissions = serde_json::from_str("{}").unwrap();
        for resource in Resource::ALL {
            assert!(!none.allow(resource, Access::Read), "{resource:?}");
        }
    }
}
