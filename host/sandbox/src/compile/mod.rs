//! From a component's bytes to code: bounded in time, memory and number, and done once for each digest.
//!
//! What compiles is not trusted to compile quickly: with a `compiler` set, it is done by a process that can
//! be killed ([`child`]); without, in a thread of its own, whose place stays taken until it is done.

mod cache;
mod child;

pub(crate) use cache::Cache;
pub use child::compile_child_main;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use orgata_engine::ports::LoadError;
use orgata_model::Digest;
use orgata_model::duration::DurationText;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::refusal::{Refusal as _, refuse};
use crate::settings::Settings;

/// Compiles components, and remembers them.
pub(crate) struct Compiler {
    engine: Engine,
    settings: Arc<Settings>,
    pub(crate) cache: Cache,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// A component ready to be linked.
pub(crate) struct Compiled {
    pub(crate) component: Component,
    /// Absent when it came from the cache.
    pub(crate) millis: Option<u64>,
}

impl Compiler {
    pub(crate) fn new(engine: &Engine, settings: &Arc<Settings>, cache: Cache) -> Self {
        Self {
            engine: engine.clone(),
            settings: Arc::clone(settings),
            cache,
            places: Arc::new(Semaphore::new(settings.compile_concurrency)),
            waiting: AtomicUsize::new(0),
        }
    }

    /// The compiled form of these bytes, from the cache where it is there.
    pub(crate) async fn compiled(&self, digest: Digest, bytes: &Arc<[u8]>) -> Result<Compiled, LoadError> {
        if let Some(component) = self.cache.load(&self.engine, digest) {
            return Ok(Compiled { component, millis: None });
        }
        let place = self.place().await?;
        let began = Instant::now();
        let artifact = match &self.settings.compiler {
            Some(program) => {
                let _place = place;
                child::compile(program, &self.settings, bytes).await?
            }
            None => self.compile_here(place, bytes).await?,
        };
        let took = began.elapsed();
        metrics::histogram!("orgata_sandbox_compile_seconds").record(took.as_secs_f64());
        let component =
            self.cache.keep(&self.engine, digest, &artifact).map_err(|error| self.unloadable(&error))?;
        Ok(Compiled { component, millis: Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)) })
    }

    /// What is compiled and still cannot be loaded asks for more than the pool of instances has.
    fn unloadable(&self, error: &wasmtime::Error) -> LoadError {
        let message =
            format!("it needs more from the start than the limit `memory` ({}) allows", self.settings.memory);
        refuse("TOO_LARGE", message, "see the cause; make it need less, or raise sandbox.memory")
            .because_wasm(error)
    }

    /// A place to compile in; refuses when too many wait already.
    async fn place(&self) -> Result<OwnedSemaphorePermit, LoadError> {
        let places = Arc::clone(&self.places);
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            return Ok(place);
        }
        let _waiting = Waiting::new(&self.waiting);
        let busy = || {
            let message = format!("{} components wait to be compiled already", self.settings.compile_queue);
            refuse("BUSY", message, "try again later, or raise sandbox.compileQueue")
        };
        if self.waiting.load(Ordering::Relaxed) > self.settings.compile_queue {
            return Err(busy());
        }
        // Without a process to kill, a place may be taken for good: do not wait for it for ever.
        let patience = self.settings.compile_time.saturating_mul(2);
        match tokio::time::timeout(patience, places.acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(busy()),
        }
    }

    async fn compile_here(
        &self,
        place: OwnedSemaphorePermit,
        bytes: &Arc<[u8]>,
    ) -> Result<Vec<u8>, LoadError> {
        let (done, result) = oneshot::channel();
        let (engine, bytes) = (self.engine.clone(), Arc::clone(bytes));
        let work = move || {
            let _place = place;
            let _ = done.send(engine.precompile_component(&bytes));
        };
        std::thread::Builder::new()
            .name("orgata-compile".to_owned())
            .spawn(work)
            .map_err(|error| crate::refusal::io("no thread to compile in", &error))?;
        match tokio::time::timeout(self.settings.compile_time, result).await {
            Err(_) => Err(over_limit("compileTime", &DurationText(self.settings.compile_time).to_string())),
            Ok(Ok(Ok(artifact))) => Ok(artifact),
            Ok(Ok(Err(error))) => Err(invalid().because_wasm(&error)),
            Ok(Err(gone)) => Err(invalid().because(&gone)),
        }
    }
}

fn over_limit(limit: &str, maximum: &str) -> LoadError {
    let message = format!("compiling it reached the limit `{limit}` ({maximum})");
    refuse("COMPILE_LIMIT", message, format!("make the component smaller, or raise sandbox.{limit}"))
}

fn invalid() -> LoadError {
    refuse("COMPILE_FAILED", "it cannot be compiled", "see the cause; `wasm-tools validate` tells the same")
}

/// Counts those that wait, also when one gives up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
