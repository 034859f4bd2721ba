//! What one call of a guest may use, each limit with the attack it stops.
//!
//! A limit that is reached ends the call with an error; nothing is truncated silently, except for the log.

/// Instructions of one call, in wasmtime's unit of fuel: a guest that loops forever. Counted rather than timed, so
/// that the same call ends the same way on any machine.
pub const FUEL: u64 = 1_000_000_000;

/// The time that [`FUEL`] stands for, in milliseconds, the unit of a manifest's `cpu-ms`.
pub const CPU_MS: u64 = 200;

/// Instructions for each millisecond of a manifest's `cpu-ms`.
const FUEL_PER_MS: u64 = FUEL / CPU_MS;

/// All linear memories of one call together: a guest that allocates without end.
pub const MEMORY_BYTES: usize = 64 << 20;

/// Elements of one table: each costs the host a pointer.
pub const TABLE_ELEMENTS: usize = 20_000;

/// Linear memories of one component.
pub const MEMORIES: u32 = 16;

/// Tables of one component.
pub const TABLES: u32 = 32;

/// Core instances of one component: those made by some toolchains have around 40.
pub const CORE_INSTANCES: u32 = 64;

/// WASI handles held at once: each is an object of the host.
pub const HANDLES: usize = 256;

/// The wasm stack: recursion without end becomes a trap, and the host's own stack is never reached.
pub const STACK_BYTES: usize = 512 << 10;

/// Bytes that a guest may pass to the host at once, as arguments or as its result.
pub const HOSTCALL_BYTES: usize = 8 << 20;

/// Calls from the guest into the host.
pub const HOST_CALLS: u64 = 100_000;

/// Bytes moved between guest and host in one call, and read or hashed by the host for it.
pub const HOST_BYTES: u64 = 512 << 20;

/// Fuel that a call into the host costs, out of a budget as large as the guest's own: the work of the host is not counted in
/// instructions of the guest, but takes time too.
pub const HOST_CALL_FUEL: u64 = 1_000;

/// Bytes that the host moves, reads or hashes for the guest at the price of one unit of fuel.
pub const BYTES_FOR_FUEL: u64 = 1;

/// Bytes returned by one call of `evidence.read` or `snapshot.raw`, as the contract says.
pub const READ_BYTES: usize = 1 << 20;

/// Components returned by one call of `snapshot.components`, as the contract says.
pub const COMPONENTS_AT_ONCE: usize = 500;

/// Bytes returned by one call of a random source.
pub const RANDOM_BYTES: u64 = 64 << 10;

/// The end of what a guest wrote to stderr, kept for the report of a trap.
pub const STDERR_BYTES: usize = 16 << 10;

/// As much of it as fits into a sentence.
pub const STDERR_SHOWN: usize = 500;

/// Log text of one call. More is dropped and counted.
pub const LOG_BYTES: usize = 256 << 10;

/// Log lines of one call. More are dropped and counted.
pub const LOG_LINES: usize = 2_000;

/// One log line; a longer one is cut.
pub const LOG_LINE_BYTES: usize = 4 << 10;

/// Past this many times the quotas above a guest no longer logs but floods, and is stopped.
pub const LOG_FLOOD: usize = 16;

/// Findings of one call.
pub const FINDINGS: usize = 1_000;

/// One string in a result or a manifest.
pub const TEXT_BYTES: usize = 8 << 10;

/// All strings of one result together.
pub const RESULT_BYTES: usize = 4 << 20;

/// A manifest's parameter schema.
pub const SCHEMA_BYTES: usize = 64 << 10;

/// Rules of one plugin.
pub const RULES: usize = 1_000;

/// Calls at once: each reserves address space.
pub const SLOTS: u32 = 256;

/// How long a call waits for one of the slots. Every other call ends within seconds, by the limits above.
pub const SLOT_WAIT: std::time::Duration = std::time::Duration::from_secs(60);

// What a component may hold. It is counted before anything is compiled: the compiler takes memory for what is there, and
// a kilobyte of components that instantiate each other twice is a billion instances.

/// Bytes of everything that describes a component and is not a core module: types, imports, exports, aliases, instances.
/// Toolchains write some tens of kilobytes.
pub const DESCRIPTION_BYTES: u64 = 1 << 20;

/// Components within components: each level can double what the one inside it makes.
pub const COMPONENT_DEPTH: usize = 8;

/// Components in all, and core modules in all.
pub const COMPONENTS: u64 = 64;

/// Core modules of one file: each is compiled.
pub const MODULES: u64 = 64;

/// Instances of components and core modules that instantiating the file makes, those inside others counted each time.
pub const INSTANCES: u64 = 2_048;

/// Types of components, declarations inside them included.
pub const COMPONENT_TYPES: u64 = 20_000;

/// Parts of one type, those it names counted each time: types can double at each line, too.
pub const TYPE_PARTS: u64 = 50_000;

/// Parts of all types together.
pub const ALL_TYPE_PARTS: u64 = 2_000_000;

/// Imports, exports and aliases of components, and functions lifted and lowered; each kind by itself.
pub const COMPONENT_ITEMS: u64 = 10_000;

/// Types of core modules, all modules together; likewise imports, exports, globals, element and data segments.
pub const CORE_ITEMS: u64 = 100_000;

/// Functions of core modules, all modules together: each takes the compiler some kilobytes.
pub const FUNCTIONS: u64 = 100_000;

/// Bytes of one function: the compiler's memory and time grow faster than a function does.
pub const FUNCTION_BYTES: u64 = 1 << 20;

/// Bytes of all functions together: about as many hundreds of them are held while they are compiled.
pub const CODE_BYTES: u64 = 32 << 20;

/// Local variables of one function.
pub const LOCALS: u64 = 10_000;

/// Local variables of a function multiplied by its blocks: the compiler may keep each variable at each block.
pub const LOCALS_BY_BLOCKS: u64 = 20_000_000;

/// What one call may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Bytes of all linear memories together.
    pub(crate) memory: usize,
    /// Instructions.
    pub(crate) fuel: u64,
}

impl Budget {
    /// All that the limits allow.
    pub(crate) const FULL: Self = Self { memory: MEMORY_BYTES, fuel: FUEL };

    /// The memory in MiB, the unit of a manifest's `memory-mib`.
    pub(crate) const fn memory_mib(self) -> u64 {
        self.memory as u64 >> 20
    }

    /// The instructions in milliseconds, the unit of a manifest's `cpu-ms`.
    pub(crate) const fn cpu_ms(self) -> u64 {
        self.fuel / FUEL_PER_MS
    }

    /// This budget with another amount of memory, of at most its own.
    pub(crate) fn with_memory_mib(self, mib: u64) -> Self {
        let memory = usize::try_from(mib << 20).unwrap_or(self.memory).min(self.memory);
        Self { memory, ..self }
    }

    /// This budget with another number of instructions, of at most its own.
    pub(crate) fn with_cpu_ms(self, cpu_ms: u64) -> Self {
        Self { fuel: cpu_ms.saturating_mul(FUEL_PER_MS).min(self.fuel), ..self }
    }
}
