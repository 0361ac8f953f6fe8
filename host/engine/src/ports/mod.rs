//! What the engine needs from the outside, as promises.
//!
//! The engine knows no database, no sandbox, no clock but these. Each trait states what holds after a
//! crash; implementations live in the sibling crates, fakes beside the tests.

mod audit;
mod clock;
mod grants;
mod in_memory;
mod models;
mod operations;
mod secrets;
mod state;
mod store;
mod workshop;

pub use audit::{AuditLog, AuditQuery};
pub use clock::{Clock, SystemClock};
pub use grants::GrantStore;
pub use in_memory::InMemory;
pub use models::{ModelAnswer, ModelClient, ModelError, ModelMessage, ModelRequest, Models, Speaker};
pub use operations::{
    Call, CallReport, Catalog, LoadError, LogLevel, LogLine, Operations, Outcome, PluginChange, PluginEntry,
    PluginState, Plugins, Progress, Question, Resume, Session, SessionContext, Source,
};
pub use secrets::{SealedSecret, SecretStore};
pub use state::{StateOwner, StateSize, StateStore};
pub use store::{
    Append, ExecutionQuery, Found, InboxQuery, KeyRecord, Page, PendingIntervention, PublishedPlaybook,
    ScheduleMark, Store, StoreError, StoreSize, StoredExecution,
};
pub use workshop::{Blueprint, BuildError, Built, Language, Schemas, SourceFile, SourceProblem, Workshop};
