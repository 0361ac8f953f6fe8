//! What Orgata talks about: playbooks, executions, interventions, operations and their names.
//!
//! Everything here is a value. Nothing here reads a clock, a file, a socket or a database; parsing,
//! checking and folding are functions of their arguments alone. That is what lets recovery, history,
//! tests and live work share one fold ([`execution::State`]).
//!
//! Not here: who performs actions (`engine`), how operations run (`sandbox`), wire formats (`api::wire`).

pub mod access;
pub mod diagnostic;
pub mod duration;
pub mod execution;
pub mod expression;
pub mod failure;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod ids;
pub mod intervention;
pub mod operation;
pub mod playbook;
mod recorded;
pub mod retention;
pub mod retry;
pub mod runtime;
pub mod sampling;
pub mod schema;
pub mod signature;
pub mod step_path;
pub mod text;

pub use failure::{Failure, FailureKind};
pub use ids::{
    Digest, ExecutionId, InterventionId, KeyId, OperationName, PlaybookName, PluginName, RoleName, RuntimeId,
    SecretName, StepName,
};
pub use step_path::StepPath;
