//! The wasmtime engine: one configuration, used by every place that compiles, loads or runs.
//!
//! Invariant: what one engine made here compiles, every other accepts, pooled or not, in this process or in
//! the compiling one (tested below). Async component functions stay off: they make every call twice as slow.

use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::capability;
use crate::guest::Guest;
use crate::settings::Settings;

/// How often guests are looked at. A guest overstays its time by this much at most, and has computed for two
/// ticks at most before it takes turns (`turns`): so long may it keep a thread from everybody else.
const TICK: Duration = Duration::from_millis(2);

/// What host functions get of a fiber's stack beyond the guest's own. Overflowing it aborts the process.
const HOST_STACK: usize = 1536 * 1024;

/// Memory of a finished instance that is wiped and kept instead of given back to the system: the pages that
/// a small guest touches. More makes instances cheaper to reuse and the idle host larger.
const KEEP_RESIDENT: usize = 256 * 1024;

/// Memories set aside for each instance; few components have more than one.
const MEMORIES: u32 = 2;

/// Memories that one component may have, as long as there are any left.
const MAX_MEMORIES: u32 = 8;

/// Tables set aside for each instance, and elements in each. Interpreters bring large ones.
const TABLES: u32 = 4;
const TABLE_ELEMENTS: usize = 64 * 1024;

/// Core instances set aside for each instance: a counter, not memory.
const CORE_INSTANCES: u32 = 50;

/// An engine, and a linker with every capability.
pub(crate) struct Machine {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<Guest>,
}

impl Machine {
    /// An engine that can run guests, with instances from a pool where the address space allows.
    pub(crate) fn new(settings: &Settings) -> wasmtime::Result<Self> {
        let engine = match Engine::new(pooled(&mut config(settings), settings)) {
            Ok(engine) => engine,
            Err(error) => {
                tracing::warn!(error = %format!("{error:#}"), "no room for a pool of instances: calls will be slower");
                Engine::new(&config(settings))?
            }
        };
        tick(&engine)?;
        let linker = capability::linker(&engine)?;
        Ok(Self { engine, linker })
    }
}

/// An engine that compiles for [`Machine`] and runs nothing.
pub(crate) fn compiler() -> wasmtime::Result<Engine> {
    Engine::new(&config(&Settings::default()))
}

fn config(settings: &Settings) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(settings.stack.as_usize())
        .async_stack_size(settings.stack.as_usize() + HOST_STACK)
        // The same operation must compute the same on every machine.
        .relaxed_simd_deterministic(true);
    config
}

fn pooled<'a>(config: &'a mut Config, settings: &Settings) -> &'a Config {
    let count = settings.instances.saturating_add(settings.idle_instances);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(count)
        .total_stacks(count)
        .total_core_instances(count.saturating_mul(CORE_INSTANCES))
        .max_core_instances_per_component(CORE_INSTANCES)
        .total_memories(count.saturating_mul(MEMORIES))
        .max_memories_per_module(MAX_MEMORIES)
        .max_memories_per_component(MAX_MEMORIES)
        .max_memory_size(settings.memory.as_usize())
        .total_tables(count.saturating_mul(TABLES))
        .max_tables_per_module(TABLES)
        .table_elements(TABLE_ELEMENTS)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        // Wipes the pages that the guest wrote to, instead of the first ones and giving back the rest: what other
        // processors know of the address space need not be revoked after each call.
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(settings.instances);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
}

/// Moves the epoch on for as long as the engine lives.
fn tick(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new().name("orgata-epoch".to_owned()).spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{DefaultHasher, Hash, Hasher};

    fn compatibility(engine: &Engine) -> u64 {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        hasher.finish()
    }

    #[test]
    fn what_one_engine_compiles_every_other_accepts() {
        let settings = Settings { stack: crate::size::Size::kib(256), instances: 3, ..Settings::default() };
        let machine = Machine::new(&settings).unwrap();
        let plain = Engine::new(&config(&Settings::default())).unwrap();
        assert_eq!(compatibility(&machine.engine), compatibility(&compiler().unwrap()));
        assert_eq!(compatibility(&machine.engine), compatibility(&plain));
    }
}
