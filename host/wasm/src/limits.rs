//! What one call of a guest may use, each limit with the attack it stops.
//!
//! A limit that is reached ends the call with an error; nothing is truncated silently, except for the log.

/// Instructions, in wasmtime's unit of fuel, for each millisecond of a manifest's `cpu-ms`. A check is counted rather than
/// timed, so that the same call ends the same way on any machine.
pub const FUEL_PER_MS: u64 = 5_000_000;

/// All linear memories of one call together, at most, whatever a manifest requests.
pub const MAX_MEMORY_BYTES: usize = 512 << 20;

/// How often the engine that counts time looks at a running guest.
pub const TICK: std::time::Duration = std::time::Duration::from_millis(10);

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

/// The end of what a guest wrote to stderr or logged as errors, kept for the report of a trap.
pub const ERROR_BYTES: usize = 16 << 10;

/// As much of it as fits into a sentence.
pub const ERRORS_SHOWN: usize = 1_000;

/// Bytes that a guest writes to stdout or stderr at once, at most.
pub const PRINTED_BYTES: usize = 16 << 10;

/// Log lines of one call. More are dropped and counted.
pub const LOG_LINES: usize = 2_000;

/// One log line; a longer one is cut.
pub const LOG_LINE_BYTES: usize = 4 << 10;

/// Past this many times the quotas above a guest no longer logs but floods, and is stopped.
pub const LOG_FLOOD: usize = 16;

/// Output of a remote job that one call passes on. More is dropped and counted.
pub const REMOTE_OUTPUT_BYTES: usize = 16 << 20;

/// Files of one job.
pub const ARTIFACTS: usize = 1_000;

/// The name of an artifact.
pub const ARTIFACT_NAME_BYTES: usize = 200;

/// Test cases of one job.
pub const TEST_CASES: u64 = 50_000;

/// A report that the host parses for a plugin.
pub const INGESTED_BYTES: usize = 32 << 20;

/// Notes of one job in `checkpoint`.
pub const CHECKPOINT_KEYS: usize = 32;

/// All notes of one job together.
pub const CHECKPOINT_BYTES: usize = 64 << 10;

/// The key of a note.
pub const CHECKPOINT_KEY_BYTES: usize = 100;

/// Events returned by one call of `events.after`, as the contract says.
pub const EVENTS_AT_ONCE: u32 = 500;

/// Named results of a verdict.
pub const RESULTS: usize = 32;

/// Links of a verdict.
pub const LINKS: usize = 16;

/// Artifacts that a reporter names.
pub const RENDERED: usize = 1_000;

/// All headers of an HTTP request or response.
pub const HTTP_HEADER_BYTES: usize = 64 << 10;

/// Headers of an HTTP request or response.
pub const HTTP_HEADERS: usize = 200;

/// A URL.
pub const HTTP_URL_BYTES: usize = 8 << 10;

/// Placeholders for secrets of one call.
pub const PLACEHOLDERS: usize = 64;

/// The shortest and the longest time until a job is polled again.
pub const POLL_AFTER_MS: std::ops::RangeInclusive<u32> = 1_000..=900_000;

/// Findings of one call.
pub const FINDINGS: usize = 1_000;

/// One string in a result or a manifest.
pub const TEXT_BYTES: usize = 8 << 10;

/// All strings of one result together.
pub const RESULT_BYTES: usize = 4 << 20;

/// A manifest's parameter schema.
pub const SCHEMA_BYTES: usize = 64 << 10;

/// How often a plugin describes itself again when it is vetted.
pub const DESCRIPTIONS: u8 = 3;

/// Permissions that one manifest requests.
pub const PERMISSIONS: usize = 100;

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
