//! The engine: what callers can ask, and what drives executions.
//!
//! [`Engine`] is the one door for every adapter (REST, WebSocket, MCP, command line): each of its methods
//! takes the principal that asks, and adapters add no business logic of their own. Behind it a driver per
//! active execution folds events into state and runs what the state says is ready, through the ports in
//! [`ports`]. What was acknowledged is durable before the acknowledgement; watchers are told after the commit.
//!
//! Not here: SQL (`store-*`), WebAssembly (`sandbox`), status codes (`api`).

pub mod access;
mod answers;
mod audit;
mod authoring;
mod bulk;
mod driver;
mod engine;
mod error;
mod events;
mod executions;
mod feed;
mod forks;
pub mod grants;
mod host;
mod interventions;
mod keys;
mod metering;
mod notices;
mod offer;
mod places;
mod plugins;
pub mod pool;
pub mod ports;
mod principal;
mod results;
mod retention;
mod runtimes;
pub mod sampling;
mod schedules;
pub mod secrets;
mod settings;
mod simulate;
mod starting;
pub mod states;
mod timekeeper;
mod transfer;
mod trials;
mod wants;
mod watch;

pub use audit::AuditCheck;
pub use authoring::{
    Draft, EffectChange, Finding, Loaded, OperationChange, Severity, TestCase, TestRequest, Tested,
    Validation, VersionChange, VersionName,
};
pub use bulk::{Bulk, BulkRequest, Dealt, Deed};
pub use engine::Engine;
pub use error::{EngineError, Thing};
pub use events::{Delivery, OutsideEvent};
pub use executions::{Control, Hold, StartRequest, Started};
pub use feed::Notice;
pub use forks::ForkRequest;
pub use interventions::{AnswerRequest, Taken, Way};
pub use metering::describe_metrics;
pub use notices::Notices;
pub use orgata_model::retention::Retention;
pub use principal::{Identity, Origin, Principal, PrincipalKind, Proof, Reach, Scope};
pub use runtimes::{RoleCapabilities, RuntimeInfo};
pub use schedules::ScheduleInfo;
pub use secrets::{Rotation, SecretInfo};
pub use settings::Settings;
pub use simulate::{Document, Happened, Problem, Provenance, Recorded, Simulation, SimulationRequest};
pub use transfer::{Export, HistoryFault, Import, ImportRequest};
pub use trials::{Case, Difference, Ground, Trial, Tryout, Verdict, question_view};
pub use wants::Want;
pub use watch::Watch;
