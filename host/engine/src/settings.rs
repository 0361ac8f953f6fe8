//! How much the engine does at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orgata_model::RuntimeId;
use orgata_model::duration::DurationText;
use serde::{Deserialize, Serialize};

use crate::access::AccessSettings;
use crate::ports::Models;
use crate::secrets::SecretKeys;
use orgata_model::retention::Retention;
use orgata_model::signature::Trust;

/// The engine's limits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// Executions at work at once; more are refused as overloaded. Waiting ones do not count. Default 10000.
    pub active_executions: usize,
    /// Oldest age of an event that is not yet durable. Default 20ms.
    pub flush_after: DurationText,
    /// Waits shorter than this keep the execution in memory. Default 2s.
    pub stay_awake: DurationText,
    /// Room for results of pure operations whose steps say `cache`, in bytes. Default 32 MiB.
    pub result_cache_bytes: u64,
    /// Largest input of a playbook, in bytes of JSON. Default 1 MiB.
    pub input_bytes: usize,
    /// Longest `?wait=`. Default 2m.
    pub longest_wait: DurationText,
    /// How long running steps may finish when the host stops. Default 10s.
    pub grace: DurationText,
    /// Every execution leaves memory as often as it can, and comes back as its durable events tell. Not configurable:
    /// it costs a read and a flush for every step, and shows whoever changes the engine what it must not remember.
    #[serde(skip)]
    pub forgetful: bool,
    /// Nothing happens by itself: what is unfinished is left alone, and no schedule is followed. Not configurable: it is
    /// for a host that is there for one question.
    #[serde(skip)]
    pub quiet: bool,
    /// Executions stay in memory until they end. Not configurable: it is for simulations, where waiting takes no time and
    /// coming back would take all of it.
    #[serde(skip)]
    pub resident: bool,
    /// Who may do what where. Configured beside this: it is not about how much is done.
    #[serde(skip)]
    pub access: AccessSettings,
    /// Callers need prove nothing: then every runtime is a developer's own. Configured beside this.
    #[serde(skip)]
    pub asks_nobody: bool,
    /// Whose plugins may run where. Configured beside this.
    #[serde(skip)]
    pub trust: Trust,
    /// What secrets are sealed with. Configured beside this, and never written anywhere.
    #[serde(skip)]
    pub secret_keys: SecretKeys,
    /// How long lines of the audit are kept. Configured beside this.
    #[serde(skip)]
    pub audit_keep: Retention,
    /// Who asks AI models. Put there by whoever puts the host together: executions that come back may ask at once.
    #[serde(skip)]
    pub models: Option<Arc<dyn Models>>,
    /// How long executions are kept after their end: `30d`, or `forever`. Default forever.
    pub retention: Retention,
    /// The same for single runtimes, by name. Default none: `retention` is for all.
    pub retention_by_runtime: BTreeMap<RuntimeId, Retention>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            active_executions: 10_000,
            flush_after: DurationText(Duration::from_millis(20)),
            stay_awake: DurationText(Duration::from_secs(2)),
            result_cache_bytes: 32 << 20,
            input_bytes: 1 << 20,
            longest_wait: DurationText(Duration::from_mins(2)),
            grace: DurationText(Duration::from_secs(10)),
            forgetful: false,
            quiet: false,
            resident: false,
            access: AccessSettings::default(),
            asks_nobody: false,
            trust: Trust::default(),
            secret_keys: SecretKeys::default(),
            audit_keep: Retention::Forever,
            models: None,
            retention: Retention::Forever,
            retention_by_runtime: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// What is wrong with them, if anything.
    pub fn validate(&self) -> Result<(), String> {
        if self.active_executions == 0 {
            return Err("engine.activeExecutions must be 1 or more".to_owned());
        }
        if self.flush_after.0 > Duration::from_secs(10) {
            return Err("engine.flushAfter must be 10s or less: watchers wait for it".to_owned());
        }
        if !self.retention.is_sensible() || !self.retention_by_runtime.values().all(|it| it.is_sensible()) {
            return Err("engine.retention must be longer than nothing, or forever".to_owned());
        }
        Ok(())
    }
}
