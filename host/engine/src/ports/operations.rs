//! Running operations, and the life of the plugins that hold them.
//!
//! Two promises kept apart: [`Operations`] is what the driver needs at every step, [`Plugins`] is what
//! an operator does now and then. The sandbox keeps both.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orgata_model::operation::{Operation, Plugin};
use orgata_model::runtime::Environment;
use orgata_model::{Digest, ExecutionId, Failure, OperationName, PluginName, RoleName, RuntimeId, StepName};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{broadcast, mpsc};

use crate::grants::RuntimeGrants;
use crate::sampling::Sampling;
use crate::secrets::Vault;
use crate::states::PluginStates;

/// The plugins that new executions start on: one immutable snapshot, swapped whole.
#[derive(Debug, Default)]
pub struct Catalog {
    /// The current version of each plugin.
    pub plugins: BTreeMap<PluginName, Arc<Plugin>>,
}

impl Catalog {
    /// The operation of this name in the current version of its plugin.
    pub fn operation(&self, name: &OperationName) -> Option<&Arc<Operation>> {
        self.plugins.get(&name.plugin)?.operation(&name.operation)
    }
}

/// Runs operations.
#[async_trait::async_trait]
pub trait Operations: Send + Sync + 'static {
    /// What is published now. Cheap: called for every start.
    fn catalog(&self) -> Arc<Catalog>;

    /// What the version `digest` of a plugin holds, current or not; loads it back when it was dropped
    /// from memory. `PLUGIN_GONE` when its file can no longer be had.
    async fn plugin(&self, digest: Digest) -> Result<Arc<Plugin>, Failure>;

    /// Opens a place for the calls of one execution. Instances are shared inside a session at most,
    /// never between two; dropping it drops them.
    fn open(&self, context: SessionContext) -> Box<dyn Session>;
}

/// What holds for every call of one execution.
#[derive(Debug, Clone)]
pub struct SessionContext {
    /// Which execution.
    pub execution: ExecutionId,
    /// The runtime that it lives in.
    pub runtime: RuntimeId,
    /// That runtime's environment.
    pub environment: Environment,
    /// What each plugin may reach here.
    pub grants: Arc<RuntimeGrants>,
    /// What `config.get` gives to each plugin here.
    pub config: Arc<BTreeMap<PluginName, BTreeMap<String, Value>>>,
    /// Where the secrets are that `grants` name.
    pub secrets: Arc<Vault>,
    /// Where plugins keep state, if `grants` let them; nowhere when absent.
    pub states: Option<Arc<PluginStates>>,
    /// The AI model to ask, if `grants` let them; none when absent.
    pub model: Option<Arc<Sampling>>,
}

/// The calls of one execution.
#[async_trait::async_trait]
pub trait Session: Send + Sync {
    /// Runs one operation to its outcome. It always ends: by its own, by `deadline`, or by a limit of the
    /// sandbox. Dropping the future stops the guest.
    async fn call(&self, call: Call) -> CallReport;
}

/// One call of one operation.
#[derive(Debug)]
pub struct Call {
    /// The pinned version of the plugin.
    pub digest: Digest,
    /// Which operation.
    pub operation: OperationName,
    /// The step that it is for.
    pub step: StepName,
    /// Which iteration of each loop around it, the outermost first. Empty outside of loops.
    pub iterations: Vec<u32>,
    /// It undoes the step.
    pub undoes: bool,
    /// 1 for the first.
    pub attempt: u32,
    /// The same for every attempt of the step.
    pub idempotency_key: String,
    /// Who performs the step.
    pub role: Option<RoleName>,
    /// When the step started: what the guest's clocks show.
    pub started_at: Timestamp,
    /// How long it may take; the sandbox's own limit holds besides.
    pub timeout: Option<Duration>,
    /// What it is given; for a resumed call, what it was given first.
    pub input: Arc<Value>,
    /// Present when a person answered the operation's question.
    pub resume: Option<Resume>,
    /// Where progress goes. Full: the report is dropped.
    pub progress: Option<mpsc::Sender<Progress>>,
}

/// An answered question, on its way back into the operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Resume {
    /// What the operation handed out.
    pub state: Value,
    /// What the person said.
    pub answer: Arc<Value>,
}

/// How far an operation has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// From 0 to 1.
    pub fraction: f64,
    /// For people.
    pub message: String,
}

/// How a call ended, and what it took.
#[derive(Debug)]
pub struct CallReport {
    /// How it ended. A result satisfies the operation's output schema.
    pub outcome: Result<Outcome, Failure>,
    /// What the guest logged and printed, capped.
    pub log: Vec<LogLine>,
    /// Lines that were over the cap.
    pub log_dropped: u64,
    /// Wall time.
    pub took: Duration,
    /// The most that its memories and tables held together, in bytes.
    pub memory: u64,
}

/// How a call went well.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Its result.
    Done(Arc<Value>),
    /// A person must answer first.
    Ask(Question),
}

/// What an operation asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// `human_decision`, `approval`, …
    pub kind: String,
    /// What to decide.
    pub prompt: String,
    /// Choices to offer.
    pub options: Vec<String>,
    /// JSON Schema that an answer must satisfy; known to compile.
    pub response_schema: Option<Value>,
    /// Who may answer.
    pub assignee_role: Option<RoleName>,
    /// How long to wait.
    pub timeout: Option<Duration>,
    /// Handed back on resume.
    pub resume_state: Value,
}

/// One line of a guest's log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogLine {
    /// How loud.
    pub level: LogLevel,
    /// The text, control characters escaped.
    pub message: String,
    /// What came with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Value>,
}

/// How loud a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For whoever traces the guest.
    Trace,
    /// For its author.
    Debug,
    /// For everybody.
    Info,
    /// Something is odd.
    Warn,
    /// Something is wrong.
    Error,
}

impl LogLevel {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// The life of plugin files.
#[async_trait::async_trait]
pub trait Plugins: Send + Sync + 'static {
    /// Every version that is known: current, draining, earlier and retired.
    fn list(&self) -> Vec<PluginEntry>;

    /// Checks a component and publishes it as the current version of its plugin, by one swap.
    /// On error nothing changed. After a crash, whatever this returned `Ok` for is current.
    async fn load(&self, bytes: Vec<u8>, source: Source) -> Result<Arc<Plugin>, LoadError>;

    /// Checks a component as `load` would, and tells what it is, without publishing it. Its operations can be called by
    /// its digest for a while: as long as it is among the few versions that were used last.
    async fn inspect(&self, bytes: Vec<u8>, source: Source) -> Result<Arc<Plugin>, LoadError>;

    /// Lets go of whatever `inspect` has kept of a component. Nothing happens to a version that is known.
    async fn discard(&self, digest: Digest);

    /// Makes an earlier version current again: the one named, or the one before the present.
    async fn rollback(&self, name: &PluginName, to: Option<Digest>) -> Result<Arc<Plugin>, LoadError>;

    /// Nothing new starts on this version. When it is the current one, its plugin has none any more.
    async fn retire(&self, digest: Digest) -> Result<(), LoadError>;

    /// Forgets the files of versions that are neither current, nor kept for rollback, nor in `pinned`.
    async fn keep(&self, pinned: &std::collections::BTreeSet<Digest>);

    /// What changes from now on.
    fn changes(&self) -> broadcast::Receiver<PluginChange>;
}

/// A version of a plugin, and where it stands.
#[derive(Debug, Clone)]
pub struct PluginEntry {
    /// What it is.
    pub plugin: Arc<Plugin>,
    /// Where it stands.
    pub state: PluginState,
    /// When it was loaded first.
    pub loaded_at: Timestamp,
    /// Where it came from.
    pub source: Source,
}

/// Where a version of a plugin stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginState {
    /// New executions start on it.
    Current,
    /// Kept for executions that pinned it, and for rollback.
    Earlier,
    /// Withdrawn: what runs on it finishes.
    Retired,
}

/// Where a plugin came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file of a watched folder.
    File(PathBuf),
    /// Somebody uploaded it.
    Upload {
        /// Who.
        by: String,
    },
}

/// Something changed for a plugin.
#[derive(Debug, Clone)]
pub enum PluginChange {
    /// This version is current now.
    Loaded(Arc<Plugin>),
    /// This version was withdrawn.
    Retired(Arc<Plugin>),
    /// A file could not be loaded; what was current stays.
    Refused {
        /// The file, or who uploaded it.
        source: Source,
        /// Why.
        error: Arc<LoadError>,
    },
}

/// Why a component was refused. What was current stays current.
#[derive(Debug, Clone, thiserror::Error, Serialize)]
#[error("{message}")]
pub struct LoadError {
    /// A stable word: `NOT_A_COMPONENT`, `TOO_LARGE`, `COMPILE_FAILED`, `COMPILE_LIMIT`, `WRONG_EXPORTS`,
    /// `DESCRIBE_FAILED`, `BAD_SCHEMA`, `BAD_NAME`, `NAME_CLASH`, `UNKNOWN_PLUGIN`, `NO_EARLIER_VERSION`,
    /// `BUSY`, `IO`.
    pub code: &'static str,
    /// What is wrong, and with which file.
    pub message: String,
    /// What lies behind it, nearest first.
    pub causes: Vec<String>,
    /// What to do.
    pub hint: String,
}
