//! Putting the engine together, starting it and stopping it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use orgata_model::ExecutionId;
use orgata_model::execution::Seq;
use orgata_model::playbook::{Playbook, Priority};
use orgata_model::runtime::Runtime;
use tokio::sync::broadcast;
use tracing::{error, info, warn};

use crate::access::{self, rules};
use crate::audit;
use crate::driver;
use crate::error::EngineError;
use crate::feed::Notice;
use crate::grants;
use crate::host::{Host, RuntimeEntry};
use crate::notices::Notices;
use crate::ports::{Clock, Operations, Plugins, Store, StoreSize};
use crate::principal::Principal;
use crate::retention;
use crate::schedules;
use crate::secrets;
use crate::settings::Settings;
use crate::timekeeper;
use crate::watch::Watch;

/// How long drivers that were cut off may take to leave.
const CUT_OFF: Duration = Duration::from_secs(1);
/// Executions that recovery brings back at a time.
const RECOVERY_PAGE: usize = 500;

/// The door to everything that the host does. Cheap to clone.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Host>);

impl Engine {
    /// Starts the engine: reads runtimes and playbooks, and brings back every execution that was at work.
    /// `configured` runtimes win over stored ones of the same name.
    pub async fn open(
        store: Arc<dyn Store>,
        operations: Arc<dyn Operations>,
        plugins: Arc<dyn Plugins>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        configured: Vec<Runtime>,
    ) -> Result<Self, EngineError> {
        let engine = Self(Arc::new(Host::new(store, operations, plugins, clock, settings)));
        secrets::recall(&engine.0).await?;
        engine.bring_runtimes(configured).await?;
        grants::recall(&engine.0).await?;
        schedules::recall(&engine.0).await?;
        access::recall(&engine.0).await?;
        tokio::spawn(pass_on_plugin_changes(Arc::clone(&engine.0)));
        tokio::spawn(grants::run(Arc::clone(&engine.0)));
        if !engine.0.settings.quiet {
            tokio::spawn(recover(Arc::clone(&engine.0)));
            tokio::spawn(timekeeper::run(Arc::clone(&engine.0)));
            tokio::spawn(schedules::run(Arc::clone(&engine.0)));
            tokio::spawn(retention::run(engine.clone()));
            tokio::spawn(audit::trim(Arc::clone(&engine.0)));
        }
        Ok(engine)
    }

    async fn bring_runtimes(&self, configured: Vec<Runtime>) -> Result<(), EngineError> {
        let mut runtimes: BTreeMap<_, _> =
            self.0.store.runtimes().await?.into_iter().map(|runtime| (runtime.id.clone(), runtime)).collect();
        for runtime in configured {
            if runtimes.get(&runtime.id) != Some(&runtime) {
                self.0.store.put_runtime(&runtime).await?;
            }
            runtimes.insert(runtime.id.clone(), runtime);
        }
        let entries: BTreeMap<_, _> = runtimes
            .into_iter()
            .map(|(id, runtime)| (id, Arc::new(RuntimeEntry::new(runtime, Some(self.0.witness())))))
            .collect();
        for published in self.0.store.current_playbooks().await? {
            let Some(entry) = entries.get(&published.runtime) else { continue };
            match Playbook::parse(&format!("{}.yaml", published.name), &published.source) {
                Ok(playbook) => {
                    let playbook = Arc::new(playbook);
                    self.0.remember(&playbook);
                    let mut playbooks = entry.playbooks.write().unwrap_or_else(PoisonError::into_inner);
                    playbooks.insert(published.name, playbook);
                }
                // A version that this host cannot read stays in the store, for the one that can.
                Err(diagnostics) => {
                    warn!(playbook = %published.name, %diagnostics, "a stored playbook cannot be read")
                }
            }
        }
        *self.0.runtimes.write().unwrap_or_else(PoisonError::into_inner) = entries;
        Ok(())
    }

    /// Stops: admits nothing new, lets running steps finish within the grace period, keeps the rest for
    /// the next start. Returns whether everything finished in time; what did not is cut off.
    pub async fn stop(&self) -> bool {
        let host = &self.0;
        host.stopping.cancel();
        host.drivers.close();
        let until = host.clock.now() + host.settings.grace.0;
        tokio::select! {
            biased;
            () = host.drivers.wait() => true,
            () = host.clock.sleep_until(until) => {
                host.given_up.cancel();
                // What hangs in the store or in a plugin must not hold the host up for ever.
                tokio::select! {
                    biased;
                    () = host.drivers.wait() => {}
                    () = host.clock.sleep_until(until + CUT_OFF) => {}
                }
                false
            }
        }
    }

    /// Whether the host takes work: it is not stopping, and its store can be written.
    pub async fn ready(&self) -> Result<(), EngineError> {
        if self.0.stopping.is_cancelled() {
            return Err(EngineError::Draining);
        }
        Ok(self.0.store.ready().await?)
    }

    /// The present, by the host's clock.
    pub fn now(&self) -> jiff::Timestamp {
        self.0.clock.now()
    }

    /// How much room the store takes: for metrics.
    pub async fn store_size(&self) -> Result<StoreSize, EngineError> {
        Ok(self.0.store.size().await?)
    }

    /// The events of one execution with `from <= seq`: those stored, then those to come.
    pub async fn watch(&self, who: &Principal, id: ExecutionId, from: Seq) -> Result<Watch, EngineError> {
        self.0.look_at(who, &rules::LOOK, id).await?;
        self.stored(id).await?;
        Ok(Watch::new(Arc::clone(&self.0), who.clone(), id, from))
    }

    /// What happens in the host from now on, as far as the caller may look at it.
    pub fn notices(&self, who: &Principal) -> Notices {
        Notices::new(Arc::clone(&self.0), who.clone())
    }

    /// Executions that have a driver now: for metrics.
    pub fn active(&self) -> usize {
        self.0.residents().len()
    }
}

async fn recover(host: Arc<Host>) {
    let mut count = 0;
    // One round for each priority that there is: what the host cannot take at once stays in the store.
    for priority in host.priorities() {
        match recover_these(&host, priority).await {
            Some(found) => count += found,
            None => return,
        }
    }
    if count > 0 {
        info!(count, "executions that were at work go on");
    }
}

/// Brings back those of a priority, or all of them; nothing when the host stops.
async fn recover_these(host: &Arc<Host>, priority: Option<Priority>) -> Option<usize> {
    let mut after = None;
    let mut count = 0usize;
    loop {
        match host.store.unfinished(after, RECOVERY_PAGE).await {
            Ok(page) if page.is_empty() => return Some(count),
            Ok(page) => {
                after = page.last().copied();
                for id in page {
                    let own = match priority {
                        Some(_) => host.priority_of(id).await,
                        None => Priority::Normal,
                    };
                    if priority.is_some_and(|priority| priority != own) {
                        continue;
                    }
                    count += 1;
                    if !driver::wake(host, id, own).await {
                        return None;
                    }
                }
            }
            Err(error) => {
                error!(%error, "unfinished executions cannot be read; trying again");
                let later = host.clock.now() + Duration::from_secs(1);
                tokio::select! {
                    () = host.clock.sleep_until(later) => {}
                    () = host.stopping.cancelled() => return None,
                }
            }
        }
    }
}

async fn pass_on_plugin_changes(host: Arc<Host>) {
    let mut changes = host.plugins.changes();
    loop {
        let change = tokio::select! {
            biased;
            change = changes.recv() => change,
            () = host.stopping.cancelled() => return,
        };
        match change {
            Ok(change) => host.feed.tell(Notice::Plugin(change)),
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}
