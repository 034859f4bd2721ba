//! [`Engine`]: compiles and runs components; one for each process.
//!
//! Everything that could differ between two machines is disabled or deterministic. What the contract does not need
//! (threads, garbage collection, 64-bit memories, the asynchronous ABI) is disabled.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Condvar, Mutex, PoisonError},
};

use wasmtime::{
    Config, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    component::{Component, Linker},
};

use crate::{limits, store_state::StoreState, wit::wasi_p2};

/// Options of an engine.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// Concurrent calls; further ones wait. At least the number of threads that evaluate, at most [`limits::SLOTS`].
    pub slots: u32,
}

/// The engine could not be created on this machine.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine cannot start on this machine")]
pub struct EngineError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Compiles and runs components. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    engine: wasmtime::Engine,
    /// Has WASI only.
    linker: Linker<StoreState>,
    slots: Slots,
    /// Held while a component is compiled.
    compiling: Mutex<()>,
    note: Option<String>,
}

impl Engine {
    /// Reserves memory for all concurrent calls. Where the machine does not allow that, the engine works without, somewhat
    /// slower, and reports it in its [note](Self::note).
    pub fn new(options: EngineOptions) -> Result<Self, EngineError> {
        let slots = options.slots.clamp(1, limits::SLOTS);
        let (engine, note) = match wasmtime::Engine::new(&pooled(slots)) {
            Ok(engine) => (engine, None),
            Err(error) => {
                let note =
                    format!("plugins run without memory reserved for them, which is slower: {}", error.root_cause());
                (wasmtime::Engine::new(&on_demand()).map_err(engine_error)?, Some(note))
            }
        };
        Self::build(engine, slots, note)
    }

    fn build(engine: wasmtime::Engine, slots: u32, note: Option<String>) -> Result<Self, EngineError> {
        let mut linker = Linker::new(&engine);
        wasi_p2::add_to_linker(&mut linker).map_err(engine_error)?;
        Ok(Self(Arc::new(Shared { engine, linker, slots: Slots::new(slots), compiling: Mutex::new(()), note })))
    }

    /// A note for users about this engine, to be printed once.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.engine
    }

    /// A linker with WASI only.
    pub(crate) fn linker(&self) -> Linker<StoreState> {
        self.0.linker.clone()
    }

    /// Compiles one component at a time: the memory of one compilation is bounded, that of many is not.
    pub(crate) fn compile(&self, bytes: &[u8]) -> wasmtime::Result<Component> {
        let _one = self.0.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        Component::from_binary(&self.0.engine, bytes)
    }

    /// Waits for a free slot; `None` if there was none within [`limits::SLOT_WAIT`].
    pub(crate) fn slot(&self) -> Option<Slot<'_>> {
        self.0.slots.take_within(limits::SLOT_WAIT)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Engine").field("note", &self.0.note).finish_non_exhaustive()
    }
}

fn engine_error(error: wasmtime::Error) -> EngineError {
    EngineError(error.into())
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .parallel_compilation(true)
        .memory_init_cow(true)
        .concurrency_support(false)
        .wasm_memory64(false)
        .relaxed_simd_deterministic(true)
        .cranelift_nan_canonicalization(true)
        .consume_fuel(true)
        .max_wasm_stack(limits::STACK_BYTES)
        .async_stack_size(3 * limits::STACK_BYTES)
        .async_stack_zeroing(true)
        .wasm_backtrace_max_frames(NonZeroUsize::new(32));
    config
}

fn pooled(slots: u32) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_stacks(slots)
        // Core instances run out first: some toolchains make forty for one component.
        .total_core_instances(limits::CORE_INSTANCES.saturating_mul(slots))
        .total_memories(slots.saturating_mul(4).max(limits::MEMORIES))
        .total_tables(slots.saturating_mul(16).max(limits::TABLES))
        .max_core_instances_per_component(limits::CORE_INSTANCES)
        .max_memories_per_component(limits::MEMORIES)
        .max_tables_per_component(limits::TABLES)
        .table_elements(limits::TABLE_ELEMENTS)
        // Above the limit of a call, so that our limiter refuses with a message.
        .max_memory_size(8 * limits::MEMORY_BYTES)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .linear_memory_keep_resident(0)
        .max_unused_warm_slots(slots);
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

fn on_demand() -> Config {
    let mut config = config();
    config
        .allocation_strategy(InstanceAllocationStrategy::OnDemand)
        .memory_reservation(limits::MEMORY_BYTES as u64)
        .memory_reservation_for_growth(0);
    config
}

/// Counts concurrent calls.
struct Slots {
    free: Mutex<u32>,
    freed: Condvar,
}

/// The slot of one call; free again when dropped.
pub(crate) struct Slot<'a>(&'a Slots);

impl Slots {
    const fn new(slots: u32) -> Self {
        Self { free: Mutex::new(slots), freed: Condvar::new() }
    }

    fn take_within(&self, wait: std::time::Duration) -> Option<Slot<'_>> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_timeout_while(free, wait, |free| *free == 0);
        let (mut free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *free = free.checked_sub(1)?;
        Some(Slot(self))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_engine_has_a_pool_and_no_note() {
        assert_eq!(Engine::new(EngineOptions { slots: 2 }).unwrap().note(), None);
    }

    #[test]
    fn an_engine_without_a_pool_can_be_created() {
        let engine = wasmtime::Engine::new(&on_demand()).unwrap();
        let engine = Engine::build(engine, 1, Some("a note".to_owned())).unwrap();
        assert_eq!(engine.note(), Some("a note"));
    }

    #[test]
    fn a_pool_beyond_the_address_space_is_refused_rather_than_aborted() {
        assert!(wasmtime::Engine::new(&pooled(60_000)).is_err());
    }

    #[test]
    fn a_slot_is_free_again_after_its_call() {
        let slots = Slots::new(1);
        let slot = slots.take_within(Duration::ZERO).unwrap();
        assert!(slots.take_within(Duration::from_millis(1)).is_none());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| slots.take_within(Duration::from_secs(60)).is_some());
            drop(slot);
            assert!(waiting.join().unwrap());
        });
        assert!(slots.take_within(Duration::ZERO).is_some());
    }
}
