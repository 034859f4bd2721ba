//! [`Metering`]: how the computing of calls is limited, and the configurations of engines that follow from it.

use wasmtime::{Config, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::limits;

/// Bytes at the beginning of each memory that are overwritten after a call rather than given back to the kernel: the whole
/// memory of a small guest with the stack of our template in Rust. That takes 5 µs, and the page faults that it saves take
/// twice as long; what a larger guest has above it is given back.
const MEMORY_KEPT_BYTES: usize = 192 << 10;

/// Memories and tables that stay as their component left them, so that components which are called in turn find their own again:
/// to make one anew takes longer than a call.
const WARM_SLOTS: u32 = 16;

/// Bytes of each table that are overwritten after a call rather than given back to the kernel.
const TABLE_KEPT_BYTES: usize = 16 << 10;

/// How the computing of a call is limited. No engine does both: that costs guests half of their speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metering {
    /// Instructions are counted: the same call ends the same way on any machine.
    Fuel,
    /// Time is measured.
    Time,
}

impl Metering {
    /// The name in command lines and the cache.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Fuel => "fuel",
            Self::Time => "time",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Fuel, Self::Time].into_iter().find(|metering| metering.as_str() == name)
    }
}

/// The engine that only compiles: its code runs in the engines of the same metering. It reserves no memory.
pub(crate) fn compiling_engine(metering: Metering, is_small: bool) -> wasmtime::Result<wasmtime::Engine> {
    let mut config = if is_small { on_demand(metering) } else { config(metering) };
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    wasmtime::Engine::new(&config)
}

fn config(metering: Metering) -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .parallel_compilation(true)
        .memory_init_cow(true)
        .concurrency_support(false)
        .wasm_memory64(false)
        .relaxed_simd_deterministic(true)
        .cranelift_nan_canonicalization(metering == Metering::Fuel)
        .consume_fuel(metering == Metering::Fuel)
        .epoch_interruption(metering == Metering::Time)
        .max_wasm_stack(limits::STACK_BYTES)
        .async_stack_size(3 * limits::STACK_BYTES)
        .async_stack_zeroing(true)
        // What a trap shows is what the guest wrote to its stderr, and no frames. Without what is only for frames, and for
        // unwinders of others, there is a tenth less code to load and to hash.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false);
    config
}

pub(crate) fn pooled(metering: Metering, slots: u32) -> Config {
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
        .max_memory_size(limits::MAX_MEMORY_BYTES)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .linear_memory_keep_resident(MEMORY_KEPT_BYTES)
        // A table is some hundred bytes: to overwrite them takes less than to fault its page in again.
        .table_keep_resident(TABLE_KEPT_BYTES)
        .max_unused_warm_slots(slots.max(WARM_SLOTS));
    let mut config = config(metering);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// Without a pool. The reservation of each memory is smaller, so that many fit where address space is scarce.
pub(crate) fn on_demand(metering: Metering) -> Config {
    let mut config = config(metering);
    config
        .allocation_strategy(InstanceAllocationStrategy::OnDemand)
        .memory_reservation(64 << 20)
        .memory_reservation_for_growth(0);
    config
}
