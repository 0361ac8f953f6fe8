//! Operations that follow a script, in a world that remembers what was done to it.
//!
//! Plugin `calc` is pure, `look` observes, `mail` has effects. Without a script an operation gives its input back.
//! `mail/send` is not idempotent, `mail/put` is: the world does nothing the second time for the same key.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use orgata_engine::ports::{
    Call, CallReport, Catalog, Operations, Outcome, Progress, Question, Resume, Session, SessionContext,
};
use orgata_model::execution::{Event, Fact};
use orgata_model::operation::{EffectClass, Operation, Plugin};
use orgata_model::{Digest, ExecutionId, Failure, PluginName, StepName};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::clock::VirtualClock;
use super::life::Life;
pub use super::scripts::{CallRecord, Effect, SCRIPTED, Scripted, begins_durably, question};
use super::store::MemoryStore;

/// What an operation does, given what it is resumed with.
type Answers = Box<dyn Fn(Option<&Resume>) -> Scripted + Send>;
/// What an operation does, given the call.
type Decides = Box<dyn FnMut(&Call) -> Scripted + Send>;

#[derive(Default)]
struct Inside {
    plugins: BTreeMap<Digest, Arc<Plugin>>,
    current: BTreeMap<PluginName, Digest>,
    scripts: HashMap<String, VecDeque<Scripted>>,
    answers: HashMap<String, Answers>,
    decides: Option<Decides>,
    held: BTreeSet<String>,
    calls: Vec<CallRecord>,
    effects: Vec<Effect>,
    dropped: usize,
    /// Calls under way, by their place in the record, and the life that they belong to.
    running: BTreeMap<usize, Life>,
}

impl Inside {
    fn running(&self) -> Vec<usize> {
        self.running.iter().filter(|(_, life)| !life.is_over()).map(|(place, _)| *place).collect()
    }

    /// A call begins. Gives its place in the record.
    fn begins(&mut self, mut call: CallRecord, life: &Life) -> usize {
        call.beside = self.running();
        self.calls.push(call);
        let place = self.calls.len() - 1;
        self.running.insert(place, life.clone());
        place
    }
}

/// What operations do, and what was done; for all lives of a host.
#[derive(Clone)]
pub struct World {
    inside: Arc<Mutex<Inside>>,
    released: Arc<Notify>,
    /// Whether calls are recorded: not in benchmarks.
    pub records: bool,
    /// What slow operations sleep by.
    pub clock: VirtualClock,
}

impl Default for World {
    fn default() -> Self {
        Self::by(&VirtualClock::default())
    }
}

impl World {
    /// A world in which time passes by this clock.
    pub fn by(clock: &VirtualClock) -> Self {
        let (inside, released) = (Arc::default(), Arc::default());
        let world = Self { inside, released, records: true, clock: clock.clone() };
        world.load_all(1);
        world
    }

    /// This version of all plugins.
    pub fn load_all(&self, version: u32) {
        let mail = [("send", false), ("put", true), ("confirm", true), ("undo", true)];
        self.load("calc", version, EffectClass::Pure, &[("echo", false), ("ask", false)]);
        self.load("look", version, EffectClass::Observing, &[("see", false)]);
        self.load("mail", version, EffectClass::Effectful, &mail);
    }

    /// Makes this version of a plugin the current one.
    pub fn load(&self, name: &str, version: u32, effect: EffectClass, operations: &[(&str, bool)]) -> Digest {
        self.load_wanting(name, version, effect, operations, &[])
    }

    /// The same with what its component imports.
    pub fn load_wanting(
        &self,
        name: &str,
        version: u32,
        effect: EffectClass,
        operations: &[(&str, bool)],
        imports: &[&str],
    ) -> Digest {
        let digest = Digest::of(format!("{name} {version}").as_bytes());
        let any = Arc::new(json!({}));
        let operations = operations.iter().map(|(operation, idempotent)| {
            Arc::new(Operation {
                name: format!("{name}/{operation}").parse().unwrap(),
                title: None,
                description: String::new(),
                input_schema: Arc::clone(&any),
                output_schema: Arc::clone(&any),
                idempotent: *idempotent,
                tags: Vec::new(),
                examples: Vec::new(),
                effect,
                digest,
            })
        });
        let plugin = Plugin {
            digest,
            name: name.parse().unwrap(),
            version: version.to_string(),
            description: String::new(),
            effect,
            imports: imports.iter().map(|&import| import.to_owned()).collect(),
            size: 1,
            compile_ms: None,
            signers: Vec::new(),
            operations: operations.collect(),
        };
        let mut inside = self.inside.lock().unwrap();
        inside.current.insert(plugin.name.clone(), digest);
        inside.plugins.insert(digest, Arc::new(plugin));
        digest
    }

    /// Every version that was made current and can be had, and whether it still is.
    pub fn plugins(&self) -> Vec<(Arc<Plugin>, bool)> {
        let inside = self.inside.lock().unwrap();
        let is_current = |plugin: &Plugin| inside.current.get(&plugin.name) == Some(&plugin.digest);
        inside.plugins.values().map(|plugin| (Arc::clone(plugin), is_current(plugin))).collect()
    }

    /// Whether this version was ever made current.
    pub fn knows(&self, digest: Digest) -> bool {
        self.inside.lock().unwrap().plugins.contains_key(&digest)
    }

    /// This version can no longer be had.
    pub fn lose(&self, digest: Digest) {
        let mut inside = self.inside.lock().unwrap();
        inside.plugins.remove(&digest);
        inside.current.retain(|_, current| *current != digest);
    }

    /// What the operation does at its next calls; afterwards it gives its input back.
    pub fn script(&self, operation: &str, script: impl IntoIterator<Item = Scripted>) {
        self.inside.lock().unwrap().scripts.entry(operation.to_owned()).or_default().extend(script);
    }

    /// What the operation does at every call, given what it is resumed with.
    pub fn answers(&self, operation: &str, answers: impl Fn(Option<&Resume>) -> Scripted + Send + 'static) {
        self.inside.lock().unwrap().answers.insert(operation.to_owned(), Box::new(answers));
    }

    /// What every operation without a script does, given the call.
    pub fn decides(&self, decides: impl FnMut(&Call) -> Scripted + Send + 'static) {
        self.inside.lock().unwrap().decides = Some(Box::new(decides));
    }

    /// Calls of the operation wait before they do anything.
    pub fn hold(&self, operation: &str) {
        self.inside.lock().unwrap().held.insert(operation.to_owned());
    }

    pub fn release(&self, operation: &str) {
        self.inside.lock().unwrap().held.remove(operation);
        self.released.notify_waiters();
    }

    pub fn calls(&self) -> Vec<CallRecord> {
        self.inside.lock().unwrap().calls.clone()
    }

    /// The calls after the first so many.
    pub fn calls_after(&self, count: usize) -> Vec<CallRecord> {
        self.inside.lock().unwrap().calls[count..].to_vec()
    }

    /// One call, by its place in the record.
    pub fn call_at(&self, place: usize) -> CallRecord {
        self.inside.lock().unwrap().calls[place].clone()
    }

    /// How many calls there were of this operation.
    pub fn called(&self, operation: &str) -> usize {
        self.inside.lock().unwrap().calls.iter().filter(|call| call.operation == operation).count()
    }

    pub fn effects(&self) -> Vec<Effect> {
        self.inside.lock().unwrap().effects.clone()
    }

    /// Calls that were stopped before their end.
    pub fn dropped(&self) -> usize {
        self.inside.lock().unwrap().dropped
    }

    /// The calls under way, by their place in the record: none of a host that died.
    pub fn running(&self) -> Vec<usize> {
        self.inside.lock().unwrap().running()
    }

    fn next(&self, operation: &str, call: &Call) -> Option<Scripted> {
        let mut inside = self.inside.lock().unwrap();
        if let Some(scripted) = inside.scripts.get_mut(operation).and_then(VecDeque::pop_front) {
            return Some(scripted);
        }
        if let Some(answers) = inside.answers.get(operation) {
            return Some(answers(call.resume.as_ref()));
        }
        Some(inside.decides.as_mut()?(call))
    }

    async fn unless_held(&self, operation: &str) {
        loop {
            let released = self.released.notified();
            if !self.inside.lock().unwrap().held.contains(operation) {
                return;
            }
            released.await;
        }
    }

    /// The operations as one life sees them.
    pub fn of(&self, life: &Life, store: &MemoryStore) -> Arc<LifeOperations> {
        Arc::new(LifeOperations { world: self.clone(), life: life.clone(), store: store.clone() })
    }
}

/// The operations as one life sees them.
#[derive(Clone)]
pub struct LifeOperations {
    world: World,
    life: Life,
    store: MemoryStore,
}

#[async_trait::async_trait]
impl Operations for LifeOperations {
    fn catalog(&self) -> Arc<Catalog> {
        let inside = self.world.inside.lock().unwrap();
        let plugins =
            inside.current.iter().map(|(name, digest)| (name.clone(), Arc::clone(&inside.plugins[digest])));
        Arc::new(Catalog { plugins: plugins.collect() })
    }

    async fn plugin(&self, digest: Digest) -> Result<Arc<Plugin>, Failure> {
        self.life.alive().await;
        let plugin = self.world.inside.lock().unwrap().plugins.get(&digest).cloned();
        plugin.ok_or_else(|| Failure::permanent("PLUGIN_GONE", format!("the file of {digest} is gone")))
    }

    fn open(&self, context: SessionContext) -> Box<dyn Session> {
        Box::new(FakeSession { operations: self.clone(), execution: context.execution })
    }
}

struct FakeSession {
    operations: LifeOperations,
    execution: ExecutionId,
}

/// Counts calls that are stopped before their end.
struct UnderWay<'w> {
    world: &'w World,
    place: usize,
    finished: bool,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut inside = self.world.inside.lock().unwrap();
        inside.running.remove(&self.place);
        inside.dropped += usize::from(!self.finished);
    }
}

#[async_trait::async_trait]
impl Session for FakeSession {
    async fn call(&self, call: Call) -> CallReport {
        let LifeOperations { world, life, store } = &self.operations;
        if !world.records {
            return report(Ok(Outcome::Done(call.input)));
        }
        let operation = call.operation.to_string();
        life.boundary().await;
        let record = CallRecord {
            execution: self.execution,
            operation: operation.clone(),
            digest: call.digest,
            step: call.step.clone(),
            attempt: call.attempt,
            key: call.idempotency_key.clone(),
            input: (*call.input).clone(),
            resume: call.resume.clone(),
            timeout: call.timeout,
            durable: store.history(self.execution),
            beside: Vec::new(),
        };
        let place = world.inside.lock().unwrap().begins(record, life);
        let mut under_way = UnderWay { world, place, finished: false };
        world.unless_held(&operation).await;
        life.alive().await;
        let mut scripted = world.next(&operation, &call);
        if let (Some(Scripted::Hang), Some(timeout)) = (&scripted, call.timeout) {
            let then = Box::new(Scripted::Hang);
            scripted = Some(Scripted::Slow(timeout + std::time::Duration::from_secs(1), then));
        }
        if let Some(Scripted::Slow(time, then)) = scripted {
            let late = call.timeout.filter(|timeout| *timeout < time);
            world.clock.sleep(world.clock.time() + late.unwrap_or(time)).await;
            life.alive().await;
            let too_slow = || Scripted::Fail(Failure::transient("LIMIT_EXCEEDED", "it took too long"));
            scripted = Some(if late.is_some() { too_slow() } else { *then });
        }
        let outcome = match scripted {
            None => Ok(Outcome::Done(call.input)),
            Some(Scripted::Done(value)) => Ok(Outcome::Done(Arc::new(value))),
            Some(Scripted::Ask(question)) => Ok(Outcome::Ask(question)),
            Some(Scripted::Fail(failure)) => Err(failure),
            Some(Scripted::Progress(steps)) => {
                for (fraction, message) in steps {
                    let report = Progress { fraction, message: message.to_owned() };
                    // A full channel drops the report, as the sandbox does.
                    let _ = call.progress.as_ref().unwrap().try_send(report);
                    tokio::task::yield_now().await;
                }
                Ok(Outcome::Done(call.input))
            }
            Some(Scripted::Hang | Scripted::Slow(..)) => std::future::pending().await,
            Some(Scripted::Panic) => panic!("{SCRIPTED}"),
        };
        if matches!(outcome, Ok(Outcome::Done(_))) && operation.starts_with("mail/") {
            let effect = Effect { operation: operation.clone(), key: call.idempotency_key };
            let mut inside = world.inside.lock().unwrap();
            if operation == "mail/send" || !inside.effects.contains(&effect) {
                inside.effects.push(effect);
            }
        }
        // The effect has happened; whether the host hears of it is another thing.
        life.boundary().await;
        under_way.finished = true;
        report(outcome)
    }
}

fn report(outcome: Result<Outcome, Failure>) -> CallReport {
    CallReport { outcome, log: Vec::new(), log_dropped: 0, took: std::time::Duration::ZERO, memory: 0 }
}
