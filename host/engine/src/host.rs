//! What the doors, the drivers and the timekeeper share.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};

use orgata_model::playbook::{Playbook, Priority};
use orgata_model::runtime::Runtime;
use orgata_model::{Digest, ExecutionId, PlaybookName, PluginName, RuntimeId};
use serde_json::Value;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::access::{Keys, Matrix};
use crate::authoring::Drafts;
use crate::driver::{Command, Turns};
use crate::error::{EngineError, Thing};
use crate::feed::Feed;
use crate::grants::{RuntimeGrants, Witness};
use crate::places::Places;
use crate::pool::{Lane, Pool};
use crate::ports::{Clock, Operations, Plugins, Store, Workshop};
use crate::results::Results;
use crate::sampling::{Lent, Means};
use crate::schedules::Schedules;
use crate::secrets::Vault;
use crate::settings::Settings;
use crate::simulate;
use crate::states::PluginStates;

/// Earlier versions of playbooks that are held.
const RECENT: usize = 64;

pub(crate) struct Host {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) operations: Arc<dyn Operations>,
    pub(crate) plugins: Arc<dyn Plugins>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    /// Who may do what where.
    pub(crate) matrix: Matrix,
    /// With what callers prove who they are.
    pub(crate) keys: Keys,
    pub(crate) vault: Arc<Vault>,
    /// Assistants that lend their model.
    pub(crate) lent: Arc<Lent>,
    /// Where plugins keep state.
    pub(crate) plugin_states: Arc<PluginStates>,
    pub(crate) feed: Feed,
    pub(crate) runtimes: RwLock<BTreeMap<RuntimeId, Arc<RuntimeEntry>>>,
    /// Compiled playbooks that somebody runs; the current ones are held by their runtime.
    pub(crate) compiled: Mutex<HashMap<Digest, Weak<Playbook>>>,
    /// Earlier versions that executions came back with lately: held, so that each is read once and not each time.
    pub(crate) recent: Mutex<VecDeque<Arc<Playbook>>>,
    /// Held while an earlier version is read.
    pub(crate) reading: tokio::sync::Mutex<()>,
    /// Held while runtimes or playbooks change, so that memory and store agree on the last one.
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// Executions that have a driver now, and how to reach it.
    pub(crate) residents: Mutex<HashMap<ExecutionId, mpsc::UnboundedSender<Command>>>,
    /// Places for executions at work.
    pub(crate) places: Arc<Places>,
    /// Set when the host stops.
    pub(crate) stopping: CancellationToken,
    /// Set when it has waited long enough for what runs.
    pub(crate) given_up: CancellationToken,
    /// Every driver that has not ended.
    pub(crate) drivers: TaskTracker,
    /// Where they run.
    pub(crate) pool: Pool,
    /// When the timekeeper will look next, in microseconds; and how to wake it earlier.
    pub(crate) next_look: AtomicI64,
    pub(crate) look_earlier: Notify,
    pub(crate) results: Results,
    /// Told when playbooks change, and with them how long executions are kept.
    pub(crate) rules_changed: Notify,
    /// Told when it changed which versions of plugins runtimes offer.
    pub(crate) grants_changed: Notify,
    pub(crate) schedules: Schedules,
    pub(crate) turns: Turns,
    /// Places for simulations.
    pub(crate) simulations: Arc<Semaphore>,
    /// Where plugins are made of source text; a host need not have one.
    pub(crate) workshop: OnceLock<Arc<dyn Workshop>>,
    pub(crate) drafts: Drafts,
}

/// A runtime, with everything that starting an execution needs at hand.
pub(crate) struct RuntimeEntry {
    pub(crate) runtime: Runtime,
    /// What plugins may reach in it now.
    pub(crate) grants: Arc<RuntimeGrants>,
    pub(crate) config: Arc<BTreeMap<PluginName, BTreeMap<String, Value>>>,
    pub(crate) playbooks: RwLock<BTreeMap<PlaybookName, Arc<Playbook>>>,
}

impl RuntimeEntry {
    pub(crate) fn new(runtime: Runtime, witness: Option<Witness>) -> Self {
        Self {
            grants: Arc::new(RuntimeGrants::of(&runtime, witness)),
            config: Arc::new(runtime.config.clone()),
            runtime,
            playbooks: RwLock::default(),
        }
    }

    /// The current playbooks, by name.
    pub(crate) fn current(&self) -> Vec<Arc<Playbook>> {
        self.playbooks.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(crate) fn playbook(&self, name: &PlaybookName) -> Result<Arc<Playbook>, EngineError> {
        let playbooks = self.playbooks.read().unwrap_or_else(PoisonError::into_inner);
        playbooks.get(name).cloned().ok_or_else(|| {
            EngineError::not_found_among(Thing::Playbook, name, playbooks.keys().map(PlaybookName::as_str))
        })
    }
}

impl Host {
    /// A host over these ports, in which nothing has happened yet and nothing goes on by itself. Its drivers run in the
    /// present tokio runtime.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        operations: Arc<dyn Operations>,
        plugins: Arc<dyn Plugins>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Self {
        Self {
            places: Places::new(settings.active_executions),
            results: Results::new(settings.result_cache_bytes),
            plugin_states: Arc::new(PluginStates::new(Arc::clone(&store))),
            store,
            operations,
            plugins,
            clock,
            matrix: Matrix::new(&settings.access),
            keys: Keys::default(),
            vault: Arc::new(Vault::new(settings.secret_keys.clone())),
            lent: Arc::default(),
            settings,
            feed: Feed::new(),
            runtimes: RwLock::default(),
            compiled: Mutex::default(),
            recent: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            residents: Mutex::new(HashMap::new()),
            stopping: CancellationToken::new(),
            given_up: CancellationToken::new(),
            drivers: TaskTracker::new(),
            pool: Pool::begin(),
            next_look: AtomicI64::new(i64::MAX),
            look_earlier: Notify::new(),
            rules_changed: Notify::new(),
            grants_changed: Notify::new(),
            schedules: Schedules::default(),
            turns: Turns::default(),
            workshop: OnceLock::new(),
            drafts: Drafts::default(),
            simulations: Arc::new(Semaphore::new(simulate::AT_ONCE)),
        }
    }

    /// What asking AI models takes.
    pub(crate) fn means(&self) -> Means<'_> {
        let models = self.settings.models.as_ref();
        Means { models, vault: &self.vault, clock: &self.clock, lent: &self.lent }
    }

    /// A runtime that is there from the beginning, with its playbooks, and that no store knows of.
    pub(crate) fn add_simulated(&self, mut entry: RuntimeEntry) -> RuntimeId {
        let id = entry.runtime.id.clone();
        for playbook in entry.playbooks.get_mut().unwrap_or_else(PoisonError::into_inner).values() {
            self.remember(playbook);
        }
        let mut runtimes = self.runtimes.write().unwrap_or_else(PoisonError::into_inner);
        runtimes.insert(id.clone(), Arc::new(entry));
        id
    }

    pub(crate) fn runtime(&self, id: &RuntimeId) -> Result<Arc<RuntimeEntry>, EngineError> {
        let runtimes = self.runtimes.read().unwrap_or_else(PoisonError::into_inner);
        runtimes.get(id).cloned().ok_or_else(|| {
            EngineError::not_found_among(Thing::Runtime, id, runtimes.keys().map(RuntimeId::as_str))
        })
    }

    /// The version of a playbook that an execution keeps, current or not.
    pub(crate) async fn playbook(&self, digest: Digest) -> Result<Arc<Playbook>, EngineError> {
        if let Some(playbook) = self.compiled_now(digest) {
            return Ok(playbook);
        }
        let _one_at_a_time = self.reading.lock().await;
        if let Some(playbook) = self.compiled_now(digest) {
            return Ok(playbook);
        }
        let source = self.store.playbook_source(digest).await?;
        let source =
            source.ok_or_else(|| EngineError::Internal(format!("the store has no playbook {digest}")))?;
        let playbook = Playbook::parse(&format!("{digest}.yaml"), &source)
            .map_err(|diagnostics| EngineError::BadPlaybook(Box::new(diagnostics)))?;
        let playbook = Arc::new(playbook);
        self.remember(&playbook);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.truncate(RECENT - 1);
        recent.push_front(Arc::clone(&playbook));
        Ok(playbook)
    }

    /// The priorities that current playbooks have, the highest first; `None` alone when all have the usual one.
    pub(crate) fn priorities(&self) -> Vec<Option<Priority>> {
        let runtimes = self.runtimes.read().unwrap_or_else(PoisonError::into_inner);
        let usual = |entry: &Arc<RuntimeEntry>| {
            let playbooks = entry.playbooks.read().unwrap_or_else(PoisonError::into_inner);
            playbooks.values().all(|playbook| playbook.priority == Priority::Normal)
        };
        match runtimes.values().all(usual) {
            true => vec![None],
            false => vec![Some(Priority::High), Some(Priority::Normal), Some(Priority::Low)],
        }
    }

    /// The priority of an execution that has no driver. One that cannot be read is as usual: its driver will tell why.
    pub(crate) async fn priority_of(&self, id: ExecutionId) -> Priority {
        if self.priorities() == [None] {
            return Priority::Normal;
        }
        let Ok(Some(stored)) = self.store.execution(id).await else { return Priority::Normal };
        let playbook = self.playbook(stored.summary.playbook.digest).await;
        playbook.map_or(Priority::Normal, |playbook| playbook.priority)
    }

    /// Executions that have a driver, locked for a moment.
    pub(crate) fn residents(&self) -> MutexGuard<'_, HashMap<ExecutionId, mpsc::UnboundedSender<Command>>> {
        self.residents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs what is about plugins, and may have one compute for long, where it gives way to everybody else.
    pub(crate) async fn in_workshop<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, EngineError> {
        let running = self.pool.run(Lane::WORKSHOP, work.in_current_span());
        let panicked =
            || EngineError::Internal("looking at the plugin ended unexpectedly: see the log".to_owned());
        running.ended().await.ok_or_else(panicked)
    }

    /// Why a driver did not answer.
    pub(crate) fn gone(&self) -> EngineError {
        if self.stopping.is_cancelled() {
            return EngineError::Draining;
        }
        EngineError::Internal("the execution's driver ended unexpectedly; what is durable is kept".to_owned())
    }

    pub(crate) fn remember(&self, playbook: &Arc<Playbook>) {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.retain(|_, playbook| playbook.strong_count() > 0);
        compiled.insert(playbook.digest, Arc::downgrade(playbook));
    }

    fn compiled_now(&self, digest: Digest) -> Option<Arc<Playbook>> {
        let compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.get(&digest)?.upgrade()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.pool.close();
    }
}
