//! `orgata://…`: what a resource is called.
//!
//! Names and ids have no character that a URI would write in another way, but for the slash inside of an operation's
//! name: it may be written as it is, or as `%2F`, as clients do that fill a template in.

use std::fmt;
use std::str::FromStr;

use orgata_model::{ExecutionId, OperationName, PlaybookName, RoleName, RuntimeId};

/// A kind of resource: what its template is, and what it is for.
pub(super) struct Kind {
    /// The first part of its path.
    pub(super) name: &'static str,
    /// RFC 6570.
    pub(super) template: &'static str,
    /// For people.
    pub(super) title: &'static str,
    /// For assistants.
    pub(super) about: &'static str,
    /// What a read gives.
    pub(super) media_type: &'static str,
}

/// Every kind there is.
pub(super) const KINDS: [Kind; 5] = [
    Kind {
        name: "runtime",
        template: "orgata://runtime/{runtime}",
        title: "Runtime",
        about: "A named set of playbooks, operations, roles and grants, living in one environment",
        media_type: "application/json",
    },
    Kind {
        name: "playbook",
        template: "orgata://playbook/{runtime}/{playbook}",
        title: "Playbook",
        about: "A workflow definition: the YAML that it was published as",
        media_type: "application/yaml",
    },
    Kind {
        name: "role",
        template: "orgata://role/{runtime}/{role}",
        title: "Role",
        about: "What a role does in a runtime: operations, questions that it answers, playbooks",
        media_type: "application/json",
    },
    Kind {
        name: "operation",
        template: "orgata://operation/{runtime}/{operation}",
        title: "Operation",
        about: "One thing that a plugin can do: its schemas, examples and effect. Its name is `plugin/operation`",
        media_type: "application/json",
    },
    Kind {
        name: "execution",
        template: "orgata://execution/{execution}",
        title: "Execution",
        about: "One run of a playbook: its status, input, steps, their results, and the questions that are open",
        media_type: "application/json",
    },
];

/// What a URI names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Address {
    /// A runtime.
    Runtime(RuntimeId),
    /// A playbook of a runtime.
    Playbook(RuntimeId, PlaybookName),
    /// A role of a runtime.
    Role(RuntimeId, RoleName),
    /// An operation of a runtime.
    Operation(RuntimeId, OperationName),
    /// An execution.
    Execution(ExecutionId),
}

impl Address {
    /// Its kind.
    pub(super) fn kind(&self) -> &'static Kind {
        let [runtime, playbook, role, operation, execution] = &KINDS;
        match self {
            Self::Runtime(_) => runtime,
            Self::Playbook(..) => playbook,
            Self::Role(..) => role,
            Self::Operation(..) => operation,
            Self::Execution(_) => execution,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "orgata://{}/", self.kind().name)?;
        match self {
            Self::Runtime(runtime) => write!(f, "{runtime}"),
            Self::Playbook(runtime, name) => write!(f, "{runtime}/{name}"),
            Self::Role(runtime, name) => write!(f, "{runtime}/{name}"),
            Self::Operation(runtime, name) => write!(f, "{runtime}/{name}"),
            Self::Execution(id) => write!(f, "{id}"),
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(uri: &str) -> Result<Self, String> {
        let wrong = |why: &dyn fmt::Display| {
            let shown: String = uri.chars().take(100).collect();
            let templates: Vec<&str> = KINDS.iter().map(|kind| kind.template).collect();
            format!("`{shown}` names no resource: {why}. A resource is one of {}", templates.join(", "))
        };
        let rest = uri.strip_prefix("orgata://").ok_or_else(|| wrong(&"it does not begin with orgata://"))?;
        let (kind, path) = rest.split_once('/').ok_or_else(|| wrong(&"a part is missing"))?;
        let path = path.replace("%2F", "/").replace("%2f", "/");
        let (first, second) = path.split_once('/').map_or((path.as_str(), None), |(a, b)| (a, Some(b)));
        let runtime = || first.parse::<RuntimeId>().map_err(|error| wrong(&error));
        match (kind, second) {
            ("runtime", None) => Ok(Self::Runtime(runtime()?)),
            ("execution", None) => Ok(Self::Execution(first.parse().map_err(|error| wrong(&error))?)),
            ("playbook", Some(name)) => {
                Ok(Self::Playbook(runtime()?, name.parse().map_err(|error| wrong(&error))?))
            }
            ("role", Some(name)) => Ok(Self::Role(runtime()?, name.parse().map_err(|error| wrong(&error))?)),
            ("operation", Some(name)) => {
                Ok(Self::Operation(runtime()?, name.parse().map_err(|error| wrong(&error))?))
            }
            _ => Err(wrong(&"there is no such kind, or its path has another number of parts")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_as_it_is_written() {
        for uri in [
            "orgata://runtime/kitchen-v1",
            "orgata://playbook/kitchen-v1/pbj-sandwich",
            "orgata://role/kitchen-v1/chef",
            "orgata://operation/kitchen-v1/kitchen/spread",
            "orgata://execution/exec_0195f3a0000070008000000000000001",
        ] {
            let address: Address = uri.parse().unwrap();
            assert_eq!(address.to_string(), uri);
            let kind = address.kind();
            assert!(uri.starts_with(&format!("orgata://{}/", kind.name)), "{uri}");
            assert!(kind.template.starts_with(&format!("orgata://{}/{{", kind.name)), "{uri}");
        }
    }

    #[test]
    fn a_slash_that_a_template_wrote_is_a_slash() {
        let filled: Address = "orgata://operation/kitchen-v1/kitchen%2Fspread".parse().unwrap();
        assert_eq!(filled.to_string(), "orgata://operation/kitchen-v1/kitchen/spread");
    }

    #[test]
    fn what_names_nothing_is_told_with_what_there_is() {
        for uri in [
            "",
            "file:///etc/passwd",
            "orgata://",
            "orgata://runtime/",
            "orgata://runtime/a/b",
            "orgata://playbook/kitchen-v1",
            "orgata://playbook/kitchen-v1/../x",
            "orgata://role/kitchen-v1/a%2F..%2Fb",
            "orgata://operation/kitchen-v1/spread",
            "orgata://execution/17",
            "orgata://secret/kitchen-v1",
        ] {
            let told = uri.parse::<Address>().unwrap_err();
            assert!(told.contains("orgata://execution/{execution}"), "{told}");
        }
    }
}
