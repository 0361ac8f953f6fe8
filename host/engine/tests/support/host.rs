//! The host of a story, and the words that stories are told in.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use orgata_engine::ports::PendingIntervention;
use orgata_engine::{
    AnswerRequest, Control, Engine, EngineError, Principal, PrincipalKind, Settings, StartRequest, Started,
    Way,
};
use orgata_model::execution::{Event, Fact, Status, Summary};
use orgata_model::intervention::Origin;
use orgata_model::playbook::Playbook;
use orgata_model::runtime::{Environment, Runtime};
use orgata_model::{ExecutionId, RuntimeId};
use serde_json::Value;

use super::clock::VirtualClock;
use super::life::Life;
use super::operations::World;
use super::plugins::GivenPlugins;
use super::store::MemoryStore;

/// Turns of the scheduler after which a condition will not come any more.
const PATIENCE: usize = 200_000;
/// Whether every execution of these stories leaves memory after every step, and comes back from the store.
pub const FORGETFUL: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"forgetful");
/// Turns without a change after which nothing moves any more.
const QUIET: usize = 60;

/// A host, life after life.
pub struct TestHost {
    pub store: MemoryStore,
    pub world: World,
    pub clock: VirtualClock,
    pub settings: Settings,
    pub life: Life,
    pub engine: Engine,
}

/// Whoever asks in stories.
pub fn ada() -> Principal {
    Principal::trusted("ada", PrincipalKind::User)
}

/// The one runtime of stories.
pub fn runtime() -> RuntimeId {
    "test".parse().unwrap()
}

impl TestHost {
    /// A fresh host.
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        Self::with_life(settings, Life::new(0)).await
    }

    pub async fn with_life(settings: Settings, life: Life) -> Self {
        let (store, clock) = (MemoryStore::default(), VirtualClock::default());
        let world = World::by(&clock);
        let settings = Settings { forgetful: settings.forgetful || FORGETFUL, ..settings };
        let engine = open(&store, &world, &clock, &settings, &life).await.unwrap();
        Self { store, world, clock, settings, life, engine }
    }

    /// A crash, and the next life.
    pub async fn crash(&mut self) {
        self.crash_into(Life::new(0)).await;
    }

    pub async fn crash_into(&mut self, life: Life) {
        self.life.kill();
        self.begin(life).await.unwrap();
    }

    /// Begins a life; the one before must be over.
    pub async fn begin(&mut self, life: Life) -> Result<(), EngineError> {
        self.life = life;
        self.engine = open(&self.store, &self.world, &self.clock, &self.settings, &self.life).await?;
        Ok(())
    }

    /// Stops in good order, and the next life.
    pub async fn restart(&mut self) {
        assert!(within(self.engine.stop()).await);
        self.begin(Life::new(0)).await.unwrap();
    }

    /// Publishes a playbook.
    pub async fn publish(&self, source: &str) {
        within(self.try_publish(source)).await.unwrap();
    }

    pub async fn try_publish(&self, source: &str) -> Result<Arc<Playbook>, EngineError> {
        self.engine.publish_playbook(&ada(), &runtime(), None, "story.yaml", source.to_owned()).await
    }

    /// Starts the playbook `story`; returns once it is durable.
    pub async fn start(&self, input: Value) -> ExecutionId {
        within(self.try_start(request(input))).await.unwrap().summary.id
    }

    pub async fn try_start(&self, request: StartRequest) -> Result<Started, EngineError> {
        self.engine.start(&ada(), &runtime(), request).await
    }

    /// Starts it and holds until it settles.
    pub async fn run(&self, input: Value) -> Summary {
        let wait = Some(Duration::from_secs(60));
        within(self.try_start(StartRequest { wait, ..request(input) })).await.unwrap().summary
    }

    pub async fn control(&self, id: ExecutionId, control: Control) -> Result<Summary, EngineError> {
        within(self.engine.control(&ada(), id, control, Some("as told".to_owned()))).await
    }

    /// Answers the open question of an execution.
    pub async fn answer(&self, id: ExecutionId, response: Value) -> Result<(), EngineError> {
        let open = self.question(id).await;
        self.answer_to(&open, response).await
    }

    pub async fn answer_to(&self, open: &PendingIntervention, response: Value) -> Result<(), EngineError> {
        let answer = AnswerRequest { response, notes: None, way: Way::Direct };
        within(self.engine.answer(&ada(), open.execution, open.intervention.id, answer)).await.map(drop)
    }

    /// The open question of an execution; waits for it.
    pub async fn question(&self, id: ExecutionId) -> PendingIntervention {
        self.until(|| self.open(id).is_some()).await;
        self.open(id).unwrap()
    }

    pub fn open(&self, id: ExecutionId) -> Option<PendingIntervention> {
        self.store.open().into_iter().find(|open| open.execution == id)
    }

    pub fn status(&self, id: ExecutionId) -> Option<Status> {
        self.store.summary(id).map(|summary| summary.status)
    }

    pub fn summary(&self, id: ExecutionId) -> Summary {
        self.store.summary(id).unwrap()
    }

    /// Waits until an execution has this status, durably.
    pub async fn until_status(&self, id: ExecutionId, status: Status) {
        for _ in 0..PATIENCE {
            if self.status(id) == Some(status) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("{id} is {:?}, not {status:?}: {:?}", self.status(id), self.store.journal(id));
    }

    /// Waits until it holds.
    pub async fn until(&self, holds: impl Fn() -> bool) {
        for _ in 0..PATIENCE {
            if holds() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("it did not come");
    }

    /// Waits until nothing moves any more, as long as time stands still.
    pub async fn settle(&self) {
        let moved = || (self.store.commits(), self.store.reads(), self.life.crossed(), self.engine.active());
        let mut last = moved();
        let mut quiet = 0;
        for _ in 0..PATIENCE {
            tokio::task::yield_now().await;
            let now = moved();
            quiet = if now == last { quiet + 1 } else { 0 };
            last = now;
            if quiet == QUIET {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// Time passes, and whatever it wakes comes to rest.
    pub async fn advance(&self, by: Duration) {
        self.settle().await;
        self.clock.advance(by);
        self.settle().await;
    }

    /// Lets time run until nothing waits for it before `limit` has passed, answering questions on the way.
    pub async fn play(&self, limit: Duration, mut reply: impl FnMut(&PendingIntervention) -> Option<Value>) {
        let end = self.clock.time() + limit;
        loop {
            self.settle().await;
            if self.life.is_over() {
                return;
            }
            let replies =
                self.store.open().into_iter().filter_map(|open| reply(&open).map(|value| (open, value)));
            let replies: Vec<_> = replies.collect();
            if replies.is_empty() {
                match self.clock.next() {
                    Some(next) if next <= end => self.clock.set(next),
                    _ => return,
                }
            }
            for (open, value) in replies {
                let answer = AnswerRequest { response: value, notes: None, way: Way::Direct };
                let engine = self.engine.clone();
                let told =
                    async move { engine.answer(&ada(), open.execution, open.intervention.id, answer).await };
                // The host may die over it.
                tokio::select! {
                    biased;
                    told = within(told) => drop(told),
                    () = self.life.over() => return,
                }
            }
        }
    }

    pub fn history(&self, id: ExecutionId) -> Vec<Event> {
        self.store.history(id)
    }

    pub fn journal(&self, id: ExecutionId) -> Vec<&'static str> {
        self.store.journal(id)
    }

    /// How many of an execution's events have this name.
    pub fn count(&self, id: ExecutionId, name: &str) -> usize {
        self.journal(id).into_iter().filter(|event| *event == name).count()
    }

    /// Results that are recorded of a step.
    pub fn completed(&self, id: ExecutionId, step: &str) -> usize {
        let of_step = |event: &&Event| matches!(&event.fact, Fact::StepCompleted { step: done, .. } if done.to_string() == step);
        self.history(id).iter().filter(of_step).count()
    }
}

async fn open(
    store: &MemoryStore,
    world: &World,
    clock: &VirtualClock,
    settings: &Settings,
    life: &Life,
) -> Result<Engine, EngineError> {
    let configured = vec![Runtime::new(runtime(), Environment::Development)];
    let operations = world.of(life, store);
    let plugins = Arc::new(GivenPlugins::of(world));
    Engine::open(store.of(life), operations, plugins, clock.of(life), settings.clone(), configured).await
}

/// A request for the playbook `story`.
pub fn request(input: Value) -> StartRequest {
    StartRequest {
        playbook: "story".parse().unwrap(),
        input,
        idempotency_key: None,
        labels: BTreeMap::new(),
        wait: None,
    }
}

/// What a future gives; a failure when it gives nothing within very many turns of the scheduler.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    let patience = async {
        for _ in 0..PATIENCE {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        value = future => value,
        () = patience => panic!("it did not come"),
    }
}

/// Whether a question was asked by the host, about a step that was cut off.
pub fn is_interrupted(open: &PendingIntervention) -> bool {
    open.intervention.origin == Origin::Interrupted
}
