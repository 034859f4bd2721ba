//! [`Engine`]: compiles and runs components; one for each process.
//!
//! Everything that could differ between two machines is disabled or deterministic. What the contract does not need
//! (threads, garbage collection, 64-bit memories, the asynchronous ABI) is disabled.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use wasmtime::component::Linker;

use crate::{
    code_cache::CodeCache,
    compiler::Compiler,
    engine_config::{Metering, on_demand, pooled},
    limits,
    store_state::StoreState,
    wit::wasi_p2,
    world::World,
};

/// Options of an engine.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Concurrent calls; further ones wait. At least the number of threads that evaluate, at most [`limits::SLOTS`].
    pub slots: u32,
    /// What compiles components.
    pub compiler: Compiler,
    /// Where compiled components are kept; none keeps nothing.
    pub cache: Option<CodeCache>,
}

impl EngineOptions {
    /// An engine that compiles in this process and keeps nothing.
    #[must_use]
    pub const fn in_process(slots: u32) -> Self {
        Self { slots, compiler: Compiler::InProcess, cache: None }
    }
}

/// The engine could not be created on this machine.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the WebAssembly engine cannot start on this machine: {0}")]
pub struct EngineError(String);

/// Compiles and runs components. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    counted: LazyEngine,
    timed: LazyEngine,
    slots: Slots,
    pub(crate) compiler: Compiler,
    pub(crate) cache: Option<CodeCache>,
    /// Held while a component is compiled.
    compiling: Mutex<()>,
}

/// The engine of one metering, created when it is needed: most runs need one of them.
struct LazyEngine {
    metering: Metering,
    slots: u32,
    made: OnceLock<Result<Made, EngineError>>,
}

struct Made {
    engine: wasmtime::Engine,
    /// Whether there is no pool, for which other code is compiled.
    is_small: bool,
    /// The imports of each world, by its name, made for its first component.
    linkers: Mutex<BTreeMap<&'static str, Arc<Linker<StoreState>>>>,
    note: Option<String>,
    _ticker: Option<Ticker>,
}

impl Engine {
    /// An engine. Memory for calls is reserved when the first component is loaded. Where the machine does not allow that, it
    /// works without, somewhat slower, and reports it in its [note](Self::note).
    ///
    /// # Errors
    /// None today: what a machine does not allow is the error of the first component.
    pub fn new(options: EngineOptions) -> Result<Self, EngineError> {
        let slots = options.slots.clamp(1, limits::SLOTS);
        let lazy = |metering| LazyEngine { metering, slots, made: OnceLock::new() };
        Ok(Self(Arc::new(Shared {
            counted: lazy(Metering::Fuel),
            timed: lazy(Metering::Time),
            slots: Slots::new(slots),
            compiler: options.compiler,
            cache: options.cache,
            compiling: Mutex::new(()),
        })))
    }

    /// A note for users about this engine, to be printed once, after plugins are loaded.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        [&self.0.counted, &self.0.timed].into_iter().find_map(|lazy| match lazy.made.get() {
            Some(Ok(made)) => made.note.as_deref(),
            _ => None,
        })
    }

    pub(crate) fn wasmtime(&self, metering: Metering) -> Result<&wasmtime::Engine, EngineError> {
        self.made(metering).map(|made| &made.engine)
    }

    /// Whether the engine has no pool.
    pub(crate) fn is_small(&self, metering: Metering) -> Result<bool, EngineError> {
        self.made(metering).map(|made| made.is_small)
    }

    /// What components of a world may import. Made once, as some two hundred functions take longer to add than to link.
    pub(crate) fn linker(&self, world: &World) -> Result<Arc<Linker<StoreState>>, EngineError> {
        let made = self.made(world.metering)?;
        let mut linkers = made.linkers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(linker) = linkers.get(world.name) {
            return Ok(Arc::clone(linker));
        }
        let mut linker = Linker::new(&made.engine);
        let added = wasi_p2::add_to_linker(&mut linker).and_then(|()| (world.add_to_linker)(&mut linker));
        added.map_err(|error| engine_error(&error))?;
        let linker = Arc::new(linker);
        linkers.insert(world.name, Arc::clone(&linker));
        Ok(linker)
    }

    fn made(&self, metering: Metering) -> Result<&Made, EngineError> {
        let lazy = match metering {
            Metering::Fuel => &self.0.counted,
            Metering::Time => &self.0.timed,
        };
        lazy.made.get_or_init(|| Made::new(lazy.metering, lazy.slots)).as_ref().map_err(Clone::clone)
    }

    pub(crate) fn compiler(&self) -> &Compiler {
        &self.0.compiler
    }

    pub(crate) fn cache(&self) -> Option<&CodeCache> {
        self.0.cache.as_ref()
    }

    /// One component is compiled at a time: the memory of one compilation is bounded, that of many is not.
    pub(crate) fn compiling(&self) -> MutexGuard<'_, ()> {
        self.0.compiling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a free slot; `None` if there was none within [`limits::SLOT_WAIT`].
    pub(crate) fn slot(&self) -> Option<Slot<'_>> {
        self.0.slots.take_within(limits::SLOT_WAIT)
    }
}

impl Made {
    fn new(metering: Metering, slots: u32) -> Result<Self, EngineError> {
        let (engine, note) = match wasmtime::Engine::new(&pooled(metering, slots)) {
            Ok(engine) => (engine, None),
            Err(error) => {
                let note =
                    format!("plugins run without memory reserved for them, which is slower: {}", error.root_cause());
                (wasmtime::Engine::new(&on_demand(metering)).map_err(|error| engine_error(&error))?, Some(note))
            }
        };
        Self::with(engine, metering, note)
    }

    fn with(engine: wasmtime::Engine, metering: Metering, note: Option<String>) -> Result<Self, EngineError> {
        let ticker = match metering {
            Metering::Fuel => None,
            Metering::Time => Some(Ticker::start(&engine)?),
        };
        Ok(Self { engine, is_small: note.is_some(), linkers: Mutex::default(), note, _ticker: ticker })
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Engine").field("note", &self.note()).finish_non_exhaustive()
    }
}

pub(crate) fn engine_error(error: &wasmtime::Error) -> EngineError {
    EngineError(error.root_cause().to_string())
}

/// Advances the epoch of an engine while it exists. Without it, no guest of that engine would ever be stopped.
struct Ticker {
    stopped: Arc<AtomicBool>,
    thread: std::thread::Thread,
}

impl Ticker {
    fn start(engine: &wasmtime::Engine) -> Result<Self, EngineError> {
        let stopped = Arc::new(AtomicBool::new(false));
        let (engine, is_stopped) = (engine.weak(), Arc::clone(&stopped));
        let tick = move || {
            while !is_stopped.load(Ordering::Relaxed) {
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
                drop(engine);
                std::thread::park_timeout(limits::TICK);
            }
        };
        let handle = std::thread::Builder::new()
            .name("plugin-ticker".to_owned())
            .spawn(tick)
            .map_err(|error| EngineError(format!("no thread can be started: {error}")))?;
        Ok(Self { stopped, thread: handle.thread().clone() })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

/// Counts concurrent calls.
struct Slots {
    state: Mutex<SlotState>,
    freed: Condvar,
}

struct SlotState {
    free: u32,
    /// Calls that wait: where there are none, none is to be woken, which takes a system call.
    waiting: u32,
}

/// The slot of one call; free again when dropped.
pub(crate) struct Slot<'a>(&'a Slots);

impl Slots {
    const fn new(slots: u32) -> Self {
        Self { state: Mutex::new(SlotState { free: slots, waiting: 0 }), freed: Condvar::new() }
    }

    fn take_within(&self, wait: std::time::Duration) -> Option<Slot<'_>> {
        let mut state = self.lock();
        if state.free == 0 {
            state.waiting += 1;
            let waited = self.freed.wait_timeout_while(state, wait, |state| state.free == 0);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        state.free = state.free.checked_sub(1)?;
        Some(Slot(self))
    }

    fn lock(&self) -> MutexGuard<'_, SlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.free += 1;
        let is_awaited = state.waiting > 0;
        drop(state);
        if is_awaited {
            self.0.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_engine_has_a_pool_and_no_note() {
        let engine = Engine::new(EngineOptions::in_process(2)).unwrap();
        for metering in [Metering::Fuel, Metering::Time] {
            engine.wasmtime(metering).unwrap();
            assert_eq!(engine.note(), None);
            assert_eq!(Metering::parse(metering.as_str()), Some(metering));
        }
    }

    #[test]
    fn an_engine_without_a_pool_can_be_created() {
        for metering in [Metering::Fuel, Metering::Time] {
            let engine = wasmtime::Engine::new(&on_demand(metering)).unwrap();
            assert_eq!(Made::with(engine, metering, Some("a note".to_owned())).unwrap().note.unwrap(), "a note");
        }
    }

    #[test]
    fn a_pool_beyond_the_address_space_is_refused_rather_than_aborted() {
        assert!(wasmtime::Engine::new(&pooled(Metering::Time, 60_000)).is_err());
    }

    #[test]
    fn the_ticker_of_an_engine_ends_with_it() {
        let made =
            Made::with(wasmtime::Engine::new(&on_demand(Metering::Time)).unwrap(), Metering::Time, None).unwrap();
        let weak = made.engine.weak();
        drop(made);
        // The thread holds the engine for the time of one increment.
        while weak.upgrade().is_some() {
            std::thread::yield_now();
        }
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
