//! How the engine refuses. Every refusal has a stable code; adapters turn codes into their own words.

use std::fmt;
use std::time::Duration;

use orgata_model::access::Resource;
use orgata_model::diagnostic::Diagnostics;
use orgata_model::execution::{IllegalEvent, Status};
use orgata_model::intervention::Resolution;
use orgata_model::schema::Violation;

use crate::ports::{BuildError, LoadError, StoreError};
use crate::transfer::HistoryFault;

/// Kinds of things that can be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// A runtime.
    Runtime,
    /// A playbook of a runtime.
    Playbook,
    /// An execution.
    Execution,
    /// An intervention of an execution.
    Intervention,
    /// A role of a runtime.
    Role,
    /// An operation of a runtime.
    Operation,
    /// A plugin, or a version of one.
    Plugin,
    /// A step of an execution.
    Step,
    /// A component that was built and not loaded yet.
    Draft,
    /// A key with which callers prove who they are.
    Key,
    /// The audit.
    Audit,
    /// A secret.
    Secret,
}

impl Thing {
    /// The word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Runtime => "runtime",
            Self::Playbook => "playbook",
            Self::Execution => "execution",
            Self::Intervention => "intervention",
            Self::Role => "role",
            Self::Operation => "operation",
            Self::Plugin => "plugin",
            Self::Step => "step",
            Self::Draft => "draft",
            Self::Key => "key",
            Self::Audit => "audit",
            Self::Secret => "secret",
        }
    }

    /// What permissions say of it.
    pub(crate) const fn resource(self) -> Resource {
        match self {
            Self::Runtime => Resource::Runtime,
            Self::Playbook => Resource::Playbook,
            Self::Execution | Self::Step => Resource::Execution,
            Self::Intervention => Resource::Intervention,
            Self::Role => Resource::Role,
            Self::Operation => Resource::Operation,
            Self::Plugin | Self::Draft => Resource::Plugin,
            Self::Key => Resource::Key,
            Self::Audit => Resource::Audit,
            Self::Secret => Resource::Secret,
        }
    }

    /// Whether it is in a runtime, and so not there for those who may not look.
    pub(crate) const fn is_hidden(self) -> bool {
        match self {
            // Who names a runtime has been let into it before.
            Self::Runtime | Self::Plugin | Self::Draft | Self::Key | Self::Audit | Self::Secret => false,
            Self::Playbook
            | Self::Execution
            | Self::Step
            | Self::Intervention
            | Self::Role
            | Self::Operation => true,
        }
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why the engine did not do as asked. Nothing was changed, unless the variant says so.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// There is no such thing, or none that the caller may see.
    #[error("there is no {thing} `{name}`{hint}")]
    NotFound {
        /// What kind of thing.
        thing: Thing,
        /// What it was called.
        name: String,
        /// What there is instead, if that helps; begins with a separator.
        hint: String,
    },
    /// A thing of this name exists and says something else.
    #[error("{thing} `{name}` exists already")]
    Exists {
        /// What kind of thing.
        thing: Thing,
        /// Its name.
        name: String,
    },
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used before, for another playbook or input: use a fresh key")]
    KeyReused,
    /// The question was answered before; the first answer holds.
    #[error("the intervention was answered before, by {}: the first answer holds", .0.by)]
    Answered(Box<Resolution>),
    /// The execution has ended.
    #[error("the execution has ended: {}", .0.as_str())]
    Ended(Status),
    /// It is paused already, or not paused.
    #[error("{0}")]
    Unchanged(&'static str),
    /// What is asked does not go with where the execution stands.
    #[error("that cannot be done now: {0}")]
    Refusal(String),
    /// The caller may not do that.
    #[error("{0}")]
    NotAllowed(String),
    /// A value does not satisfy its schema.
    #[error("the {what} does not fit its schema: {}", violations_text(.violations))]
    Mismatch {
        /// `input` or `response`.
        what: &'static str,
        /// Every way in which it does not.
        violations: Vec<Violation>,
    },
    /// The playbook is wrong.
    #[error("the playbook is not valid: {0}")]
    BadPlaybook(Box<Diagnostics>),
    /// The scenario is wrong, or does not fit to its playbook.
    #[error("the scenario is not valid: {0}")]
    BadScenario(Box<Diagnostics>),
    /// The simulation came to no end within its bounds.
    #[error("the simulation is broken off: {0}; look for loops, retries or reminders without end")]
    Endless(String),
    /// The playbook's name is not the one that it was published under.
    #[error("the playbook calls itself `{own}`, not `{asked}`: publish it under its own name")]
    NameMismatch {
        /// The name in the file.
        own: String,
        /// The name in the request.
        asked: String,
    },
    /// The playbook uses operations that the runtime does not offer.
    #[error("the playbook uses operations that runtime `{runtime}` does not offer: {}", .missing.join(", "))]
    MissingOperations {
        /// The runtime.
        runtime: String,
        /// Their names, each with what to do.
        missing: Vec<String>,
    },
    /// A history that somebody brought cannot be one of ours.
    #[error("the history is not valid: {0}")]
    BadHistory(Box<HistoryFault>),
    /// The request is not one that can be understood.
    #[error("{0}")]
    BadRequest(String),
    /// The plugin was refused.
    #[error(transparent)]
    Refused(#[from] LoadError),
    /// Nothing was built of the sources.
    #[error(transparent)]
    Unbuilt(Box<BuildError>),
    /// Too much is under way.
    #[error("the host is at its limit of {limit} executions at work: try again later")]
    Overloaded {
        /// How many may be at work.
        limit: usize,
        /// When to try again.
        retry_after: Duration,
    },
    /// Too many simulations are under way.
    #[error("the host is at its limit of {limit} simulations at a time: try again later")]
    TooManySimulations {
        /// How many may be.
        limit: usize,
        /// When to try again.
        retry_after: Duration,
    },
    /// As many executions with this key are at work as may be.
    #[error("{max} with the key `{key}` may be at work, and are: try again when one has ended")]
    KeyTaken {
        /// The key.
        key: String,
        /// How many may be at work.
        max: usize,
    },
    /// The host is stopping.
    #[error("the host is stopping: try again when it is back")]
    Draining,
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Secrets that no key of the host opens. Only starting is refused so.
    #[error("{0}")]
    Unsealed(String),
    /// A history is broken.
    #[error("the history is broken: {0}")]
    Broken(#[from] IllegalEvent),
    /// A fault of the host itself.
    #[error("the host is at fault: {0}")]
    Internal(String),
}

impl From<BuildError> for EngineError {
    fn from(error: BuildError) -> Self {
        Self::Unbuilt(Box::new(error))
    }
}

fn violations_text(violations: &[Violation]) -> String {
    let texts: Vec<String> = violations
        .iter()
        .map(|violation| match violation.pointer.as_str() {
            "" => violation.message.clone(),
            pointer => format!("{pointer}: {}", violation.message),
        })
        .collect();
    texts.join("; ")
}

impl EngineError {
    /// Something is absent.
    pub fn not_found(thing: Thing, name: impl fmt::Display) -> Self {
        Self::NotFound { thing, name: name.to_string(), hint: String::new() }
    }

    /// Something is absent, and `names` is what there is.
    pub fn not_found_among<'n>(
        thing: Thing,
        name: impl fmt::Display,
        names: impl Iterator<Item = &'n str>,
    ) -> Self {
        let names: Vec<&str> = names.take(12).collect();
        let hint = match names.as_slice() {
            [] => format!("; there are no {thing}s"),
            names => format!("; there are: {}", names.join(", ")),
        };
        Self::NotFound { thing, name: name.to_string(), hint }
    }

    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { thing, .. } => match thing {
                Thing::Runtime => "RUNTIME_NOT_FOUND",
                Thing::Playbook => "PLAYBOOK_NOT_FOUND",
                Thing::Execution => "EXECUTION_NOT_FOUND",
                Thing::Intervention => "INTERVENTION_NOT_FOUND",
                Thing::Role => "ROLE_NOT_FOUND",
                Thing::Operation => "OPERATION_NOT_FOUND",
                Thing::Plugin => "PLUGIN_NOT_FOUND",
                Thing::Step => "STEP_NOT_FOUND",
                Thing::Draft => "DRAFT_NOT_FOUND",
                Thing::Key => "KEY_NOT_FOUND",
                // There is one, always: who may not see it is told so.
                Thing::Audit => "FORBIDDEN",
                Thing::Secret => "SECRET_NOT_FOUND",
            },
            Self::Exists { .. } => "ALREADY_EXISTS",
            Self::KeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::Answered(_) => "INTERVENTION_ANSWERED",
            Self::Ended(_) => "EXECUTION_ENDED",
            Self::Unchanged(_) | Self::Refusal(_) => "STATE_CONFLICT",
            Self::NotAllowed(_) => "FORBIDDEN",
            Self::Mismatch { what: "input", .. } => "INPUT_INVALID",
            Self::Mismatch { .. } => "RESPONSE_INVALID",
            Self::BadPlaybook(_) | Self::NameMismatch { .. } => "PLAYBOOK_INVALID",
            Self::MissingOperations { .. } => "OPERATION_MISSING",
            Self::BadHistory(_) => "HISTORY_INVALID",
            Self::BadRequest(_) | Self::Store(StoreError::Cursor) => "BAD_REQUEST",
            Self::Refused(_) => "PLUGIN_REFUSED",
            Self::BadScenario(_) => "SCENARIO_INVALID",
            Self::Endless(_) => "SIMULATION_ENDLESS",
            Self::Overloaded { .. } | Self::TooManySimulations { .. } => "OVERLOADED",
            Self::Unbuilt(_) => "BUILD_FAILED",
            Self::KeyTaken { .. } => "CONCURRENCY_LIMIT",
            Self::Draining => "DRAINING",
            Self::Store(StoreError::Conflict) => "STATE_CONFLICT",
            Self::Store(StoreError::Unavailable(_)) => "STORE_UNAVAILABLE",
            Self::Store(StoreError::Broken { .. })
            | Self::Broken(_)
            | Self::Internal(_)
            | Self::Unsealed(_) => "INTERNAL",
        }
    }
}
