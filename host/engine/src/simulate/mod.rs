//! Doors: simulating a playbook.
//!
//! The engine itself plays it, over ports of its own: a store in memory, a clock that moves on when nothing is to do
//! (a wait of thirty days is over at once), and operations of which none that sees or changes the outside is ever called.
//! Questions, outside events and what operations give come from a [scenario](orgata_model::playbook::scenario), from
//! recorded executions and from the operations' own examples. Nothing of it is kept, and everything is bounded
//! (`limits`).
//!
//! - `script`: what calls give; `recorded`: what recorded executions know; `operations`: the port; `people`: who answers;
//!   `clock`, `store`, `idle`: the other ports, and when time moves on; `play`: playing it; `report`, `expect`: what came
//!   of it.
//!
//! Not here: reading files, and telling people of it (`api`, `orgata`).

mod clock;
mod expect;
mod idle;
mod limits;
mod operations;
mod people;
mod play;
mod recorded;
mod report;
mod script;
mod store;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use metrics::NoopRecorder;
use orgata_model::playbook::Playbook;
use orgata_model::playbook::scenario::Scenario;
use orgata_model::runtime::Environment;
use orgata_model::{PlaybookName, RuntimeId};
use serde_json::Value;
use tokio::runtime::{Builder, Handle};
use tracing::info_span;

use crate::access::{Place, Subject, rules};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::executions::StartRequest;
use crate::host::{Host, RuntimeEntry};
use crate::ports::{Catalog, Clock as _, Operations, Plugins};
use crate::principal::Principal;
use crate::settings::Settings;

use clock::VirtualClock;
use expect::Found;
use operations::{Simulated, Stage};
use play::Play;
use report::in_order;
use script::Script;

pub(crate) use limits::AT_ONCE;
pub use recorded::Recorded;
pub use report::{Happened, Problem, Simulation};
pub use script::Provenance;

/// When a simulation begins unless its scenario says: always the same, so that it tells the same every time.
const BEGIN: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// A text with the name that mistakes in it are told under.
#[derive(Debug, Clone)]
pub struct Document {
    /// What diagnostics call it.
    pub file: String,
    /// The YAML.
    pub text: String,
}

/// What to simulate.
#[derive(Debug, Clone)]
pub struct SimulationRequest {
    /// Which playbook of the runtime.
    pub playbook: PlaybookName,
    /// What it says, instead of its current version.
    pub source: Option<Document>,
    /// What it meets, and what should come of it.
    pub scenario: Option<Document>,
    /// What it is given, instead of what the scenario says.
    pub input: Option<Value>,
    /// Executions to take results from.
    pub recorded: Vec<Recorded>,
}

/// A simulation, ready to be played.
struct Prepared {
    real: Arc<dyn Operations>,
    /// What the real runtime offers.
    catalog: Arc<Catalog>,
    plugins: Arc<dyn Plugins>,
    entry: RuntimeEntry,
    playbook: Arc<Playbook>,
    script: Script,
    request: StartRequest,
    outside: Handle,
}

impl Engine {
    /// Plays a playbook as it would go in this runtime, without doing anything: effects are told, time is virtual. What
    /// is not as the scenario expects is in the report; `Err` is what could not be played at all.
    pub async fn simulate(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        request: SimulationRequest,
    ) -> Result<Simulation, EngineError> {
        let entry = self.0.look_into(who, &rules::PLAYBOOKS, runtime)?;
        let place = Place::In(entry.runtime.environment);
        let within = format!("{runtime}/{}", request.playbook);
        let subject = Subject { thing: Thing::Runtime, name: &within };
        self.0.guarded(who, &rules::SIMULATE, place, subject, self.played(runtime, request)).await
    }

    async fn played(
        &self,
        runtime: &RuntimeId,
        request: SimulationRequest,
    ) -> Result<Simulation, EngineError> {
        let place = Arc::clone(&self.0.simulations).try_acquire_owned().map_err(|_| {
            EngineError::TooManySimulations { limit: AT_ONCE, retry_after: Duration::from_secs(1) }
        })?;
        let prepared = self.prepare(runtime, request)?;
        let stopping = self.0.stopping.clone();
        // A thread of its own: its scheduler must have nothing else to do, or nobody could say when it has nothing.
        let played = tokio::task::spawn_blocking(move || {
            let _place = place;
            let _span = info_span!("simulation", playbook = %prepared.playbook.name).entered();
            // What is simulated did not happen: it counts nowhere.
            metrics::with_local_recorder(&NoopRecorder, || prepared.play(stopping))
        });
        played.await.map_err(|error| EngineError::Internal(format!("the simulation broke off: {error}")))?
    }

    fn prepare(&self, runtime: &RuntimeId, request: SimulationRequest) -> Result<Prepared, EngineError> {
        let SimulationRequest { playbook, source, scenario, input, recorded } = request;
        let real = self.0.runtime(runtime)?;
        let playbook = self.simulated(&real, playbook, source)?;
        let scenario = match scenario {
            Some(Document { file, text }) => Scenario::parse(&file, &text)
                .map_err(|diagnostics| EngineError::BadScenario(Box::new(diagnostics)))?,
            None => Scenario::default(),
        };
        if let Some(misfits) = scenario.misfits(&playbook, |name| real.playbook(name).ok()) {
            return Err(EngineError::BadScenario(Box::new(misfits)));
        }
        check_recorded(&scenario, &recorded)?;
        let catalog = self.0.catalog_of(&real);
        let mut entry = RuntimeEntry::new(simulated_runtime(&real), None);
        let others = real.playbooks.read().unwrap_or_else(PoisonError::into_inner).clone();
        let playbooks = entry.playbooks.get_mut().unwrap_or_else(PoisonError::into_inner);
        playbooks.extend(others);
        playbooks.insert(playbook.name.clone(), Arc::clone(&playbook));
        let script = Script::new(scenario, playbook.name.clone(), &recorded);
        let recorded_input = || script.own_record().and_then(|record| record.input.as_deref().cloned());
        let input = input.or_else(|| script.scenario.input.clone()).or_else(recorded_input);
        let request = StartRequest {
            playbook: playbook.name.clone(),
            input: input.unwrap_or_else(|| Value::Object(serde_json::Map::new())),
            idempotency_key: None,
            labels: BTreeMap::new(),
            wait: None,
        };
        let (real, plugins) = (Arc::clone(&self.0.operations), Arc::clone(&self.0.plugins));
        Ok(Prepared { real, catalog, plugins, entry, playbook, script, request, outside: Handle::current() })
    }

    /// The playbook that is simulated: what the request brings, else the current version.
    fn simulated(
        &self,
        entry: &RuntimeEntry,
        name: PlaybookName,
        source: Option<Document>,
    ) -> Result<Arc<Playbook>, EngineError> {
        let Some(Document { file, text }) = source else { return entry.playbook(&name) };
        let playbook = Playbook::parse(&file, &text)
            .map_err(|diagnostics| EngineError::BadPlaybook(Box::new(diagnostics)))?;
        if playbook.name != name {
            let (own, asked) = (playbook.name.to_string(), name.to_string());
            return Err(EngineError::NameMismatch { own, asked });
        }
        self.0.check_wiring(entry, &file, &playbook)?;
        Ok(Arc::new(playbook))
    }
}

/// The same runtime, in which nothing can be reached.
fn simulated_runtime(real: &RuntimeEntry) -> orgata_model::runtime::Runtime {
    let mut runtime = real.runtime.clone();
    runtime.environment = Environment::Simulation;
    runtime.grants = BTreeMap::new();
    runtime.model = None;
    runtime
}

fn check_recorded(scenario: &Scenario, recorded: &[Recorded]) -> Result<(), EngineError> {
    if !scenario.recorded.is_empty() && recorded.is_empty() {
        return Err(EngineError::BadRequest(format!(
            "the scenario takes results from recorded executions ({}): send them beside it",
            scenario.recorded.join(", ")
        )));
    }
    let events: usize = recorded.iter().map(|one| one.events.len()).sum();
    if events > limits::MAX_RECORDED {
        let most = limits::MAX_RECORDED;
        return Err(EngineError::BadRequest(format!(
            "the recorded executions have {events} events, {most} at most"
        )));
    }
    Ok(())
}

impl Prepared {
    /// Plays it on this thread.
    fn play(self, stopping: tokio_util::sync::CancellationToken) -> Result<Simulation, EngineError> {
        let began = self.script.scenario.starts_at.unwrap_or(BEGIN);
        let stage = Arc::new(Stage::new(self.outside, VirtualClock::starting(began), self.script));
        let idle = Arc::clone(&stage.idle);
        let scheduler = Builder::new_current_thread()
            .enable_time()
            .on_thread_park(move || idle.parks())
            .build()
            .map_err(|error| EngineError::Internal(format!("the simulation has no scheduler: {error}")))?;
        let operations = Simulated { real: self.real, catalog: self.catalog, stage: Arc::clone(&stage) };
        let (store, clock) = (Arc::clone(&stage.store), Arc::clone(&stage.clock));
        let settings = Settings { active_executions: limits::ACTIVE, resident: true, ..Settings::default() };
        let host = {
            let _inside = scheduler.enter();
            Arc::new(Host::new(store, Arc::new(operations), self.plugins, clock, settings))
        };
        let runtime = host.add_simulated(self.entry);
        let mut play = Play::new(Engine(Arc::clone(&host)), Arc::clone(&stage), runtime);
        let own = scheduler.block_on(async {
            let too_long =
                || EngineError::Endless(format!("it takes longer than {} s", limits::WALL.as_secs()));
            tokio::select! {
                biased;
                () = stopping.cancelled() => Err(EngineError::Draining),
                played = tokio::time::timeout(limits::WALL, play.finish(self.request)) => {
                    played.map_err(|_| too_long())?
                }
            }
        });
        scheduler.block_on(leave(&host, &stage));
        let own = own?;
        let Play { problems, notes, .. } = play;
        Ok(told(&stage, &self.playbook, own, problems, notes))
    }
}

/// Has every driver leave: whoever waits for a time that does not come would be kept for ever, and all else with it.
async fn leave(host: &Host, stage: &Stage) {
    host.stopping.cancel();
    host.given_up.cancel();
    stage.clock.stop();
    host.drivers.close();
    let _ = tokio::time::timeout(limits::LEAVING, host.drivers.wait()).await;
    // One whose commit never returns is kept by its own inbox.
    host.residents().clear();
}

fn told(
    stage: &Stage,
    playbook: &Playbook,
    own: orgata_model::ExecutionId,
    mut problems: Vec<Problem>,
    notes: Vec<String>,
) -> Simulation {
    let mut executions = stage.store.summaries();
    executions.sort_by_key(|summary| (summary.id != own, summary.started_at, summary.id));
    let happened = in_order(stage.store.log(), stage.calls());
    problems.extend(stage.unknown().into_iter().map(|message| Problem::of("operations".to_owned(), message)));
    let unmet = Found::of(&executions, &happened).map(|found| found.unmet(&stage.script.scenario.expect));
    problems.extend(unmet.unwrap_or_default());
    Simulation {
        began: executions.first().map_or_else(|| stage.clock.now(), |own| own.started_at),
        ended: stage.clock.now(),
        never_ran: report::never_ran(playbook, own, &happened),
        executions,
        happened,
        problems,
        notes,
    }
}
