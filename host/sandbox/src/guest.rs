//! What the host keeps beside one instance: the data of its wasmtime store.
//!
//! Parts that outlive a call (tables, limits, streams that the guest holds) stay; everything that belongs to
//! one call is in [`Scope`] and replaced by [`Guest::begin`], so that an instance which is used again sees
//! nothing of the call before but its own memory.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use orgata_engine::Want;
use orgata_engine::grants::Lease;
use orgata_engine::ports::{Progress, SessionContext};
use orgata_model::runtime::Grants;
use orgata_model::{PluginName, StepName};
use tokio::sync::mpsc;
use wasmtime::component::ResourceTable;

use crate::capability::http::{Http, Trust};
use crate::capability::wasi::{Clock, Random, Wasi};
use crate::given::Given;
use crate::limits::{Limit, LimitReached, Limiter};
use crate::log::Log;
use crate::notes::Notes;
use crate::settings::Settings;

/// Most handles that a guest may hold of what the host keeps for it.
const MAX_RESOURCES: usize = 10_000;

/// What holds for one call.
#[derive(Debug)]
pub(crate) struct Scope {
    /// Which plugin, for grants and configuration.
    pub(crate) plugin: PluginName,
    /// What the call may reach; absent for a plugin that wants nothing.
    pub(crate) lease: Option<Arc<Lease>>,
    /// The execution's context.
    pub(crate) session: Arc<SessionContext>,
    /// What this execution's guests were given, and must not tell.
    pub(crate) given: Arc<Given>,
    /// Which step, for the seed of random numbers.
    pub(crate) step: StepName,
    /// Which iteration of each loop around it.
    pub(crate) iterations: Vec<u32>,
    /// Which attempt, likewise.
    pub(crate) attempt: u32,
    /// What the guest's clocks begin with.
    pub(crate) started_at: Timestamp,
    /// When the guest is stopped.
    pub(crate) deadline: Instant,
    /// Where progress goes.
    pub(crate) progress: Option<mpsc::Sender<Progress>>,
}

impl Scope {
    /// What is granted at this moment.
    pub(crate) fn granted(&self) -> Option<&Grants> {
        self.lease.as_ref()?.granted()
    }

    /// The guest reached this.
    pub(crate) fn reached(&self, want: Want, what: &str) {
        if let Some(lease) = &self.lease {
            lease.reached(want, what);
        }
    }
}

/// The data of one store.
pub(crate) struct Guest {
    pub(crate) settings: Arc<Settings>,
    /// Which servers are believed.
    pub(crate) trust: Arc<Trust>,
    pub(crate) limiter: Limiter,
    pub(crate) table: ResourceTable,
    pub(crate) log: Log,
    pub(crate) notes: Notes,
    pub(crate) wasi: Wasi,
    pub(crate) http: Option<Box<Http>>,
    pub(crate) scope: Scope,
    host_calls: u64,
}

impl Guest {
    /// For a fresh instance, held to `memory` bytes, that begins with the call of `scope`.
    pub(crate) fn new(settings: &Arc<Settings>, trust: &Arc<Trust>, memory: usize, scope: Scope) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        Self {
            limiter: Limiter::new(memory),
            table,
            log: Log::new(settings, Arc::clone(&scope.given)),
            notes: Notes::of(Arc::clone(&scope.given)),
            wasi: Wasi::new(Clock::at(scope.started_at)),
            http: None,
            scope,
            host_calls: 0,
            settings: Arc::clone(settings),
            trust: Arc::clone(trust),
        }
    }

    /// Turns to another call of the same execution.
    pub(crate) fn begin(&mut self, scope: Scope) {
        self.wasi.clock.reset(scope.started_at);
        self.wasi.random = Random::default();
        self.host_calls = 0;
        self.http = None;
        self.scope = scope;
    }

    /// Counts a call into the host. Every function that a guest can reach passes here, as this is how it
    /// gets at its state; who is over the limit is stopped at the next tick or at the end of the call.
    pub(crate) fn entered(&mut self) -> &mut Self {
        self.host_calls = self.host_calls.saturating_add(1);
        self
    }

    /// Whether the guest has used up its time or its calls.
    pub(crate) fn check(&self) -> Result<(), LimitReached> {
        if self.host_calls > self.settings.host_calls {
            return Err(LimitReached(Limit::HostCalls));
        }
        if Instant::now() >= self.scope.deadline {
            return Err(LimitReached(Limit::Time));
        }
        Ok(())
    }

    /// Whether the guest has made too many calls into the host.
    pub(crate) fn check_host_calls(&self) -> Result<(), LimitReached> {
        if self.host_calls > self.settings.host_calls { Err(LimitReached(Limit::HostCalls)) } else { Ok(()) }
    }
}
