//! What one call of a guest may use, each limit with the attack it stops.
//!
//! A limit that is reached ends the call without an answer; nothing is cut short in silence, except for the log.

/// Instructions of one call, in wasmtime's unit of fuel: a guest that loops for ever. Counted rather than timed, so
/// that the same call ends the same way on any machine.
pub const FUEL: u64 = 1_000_000_000;

/// What [`FUEL`] is taken to last, in milliseconds; a manifest asks for less in this unit.
pub const CPU_MS: u64 = 200;

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

/// What a guest may hand to the host in one go, as arguments or as its answer.
pub const HOSTCALL_BYTES: usize = 8 << 20;

/// Calls from the guest into the host: their work is not counted as fuel.
pub const HOST_CALLS: u64 = 100_000;

/// Bytes moved between guest and host in one call, likewise.
pub const HOST_BYTES: u64 = 512 << 20;

/// One answer of `evidence.read` or `snapshot.raw`, as the contract says.
pub const READ_BYTES: usize = 1 << 20;

/// Components in one answer of `snapshot.components`, as the contract says.
pub const COMPONENTS_AT_ONCE: usize = 500;

/// One answer of a random source.
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

/// One text in an answer or a manifest.
pub const TEXT_BYTES: usize = 8 << 10;

/// All texts of one answer together.
pub const ANSWER_BYTES: usize = 4 << 20;

/// A manifest's parameter schema.
pub const SCHEMA_BYTES: usize = 64 << 10;

/// Rules of one plugin.
pub const RULES: usize = 1_000;

/// Calls at once: each reserves address space.
pub const SLOTS: u32 = 256;

/// How long a call waits for one of the slots. Every other call ends within seconds, by the limits above.
pub const SLOT_WAIT: std::time::Duration = std::time::Duration::from_secs(60);
