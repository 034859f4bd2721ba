//! [`StoreState`]: the host's state of one call.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use wasmtime::{Result, component::ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView};

use crate::{
    abort::Abort,
    call_context::{CallContext, Capabilities},
    call_limits::CallLimits,
    capability::{
        Effects,
        artifacts::ArtifactsView,
        checkpoint::CheckpointView,
        events::EventsView,
        evidence::EvidenceView,
        http::HttpView,
        logging::CallLog,
        output::Output,
        snapshot::SnapshotView,
        test_cases::TestsView,
        wasi::{self, Clock, SeededRng},
    },
    denial::Denials,
    limits,
    usage::Stopwatch,
};

/// The host's state of one call. Dropped with its instance.
pub(crate) struct StoreState {
    /// Made when the guest first needs it: most never do.
    wasi: Option<WasiCtx>,
    pub(crate) table: ResourceTable,
    pub(crate) memory: Memory,
    pub(crate) log: CallLog,
    pub(crate) clock: Clock,
    pub(crate) random: SeededRng,
    pub(crate) output: Output,
    pub(crate) snapshot: Arc<SnapshotView>,
    pub(crate) evidence: EvidenceView,
    pub(crate) artifacts: ArtifactsView,
    pub(crate) tests: TestsView,
    pub(crate) http: HttpView,
    pub(crate) checkpoint: CheckpointView,
    pub(crate) events: EventsView,
    cancellation: Option<Arc<AtomicBool>>,
    pub(crate) limits: CallLimits,
    pub(crate) watch: Stopwatch,
    /// Quotas that were used up, beside what [`HttpView`] denied.
    pub(crate) denials: Denials,
    /// Set when the host ends the call. A guest cannot recover from it.
    pub(crate) abort: Option<Abort>,
    calls: u64,
    moved: u64,
    /// The fuel for work of the host on behalf of the guest: as much as the guest has itself.
    budget: u64,
    /// What is left of it.
    fuel: u64,
}

impl StoreState {
    pub(crate) fn new(context: &CallContext, capabilities: Capabilities, limits: CallLimits) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits::HANDLES);
        Self {
            wasi: None,
            table,
            memory: Memory { used: 0, peak: 0, last: 0, most: limits.memory_bytes() },
            log: CallLog::new(context.plugin.clone(), capabilities.sinks, limits),
            clock: Clock::at(context.now),
            random: SeededRng::new(context.key),
            output: Output::default(),
            snapshot: capabilities.snapshot,
            evidence: capabilities.evidence,
            artifacts: capabilities.artifacts,
            tests: capabilities.tests,
            http: capabilities.http,
            checkpoint: capabilities.checkpoint,
            events: capabilities.events,
            cancellation: capabilities.cancellation,
            limits,
            watch: Stopwatch::start(),
            denials: Denials::new(),
            abort: None,
            calls: 0,
            moved: 0,
            budget: limits.fuel(),
            fuel: limits.fuel(),
        }
    }

    /// WASI, with everything in it empty or denied.
    pub(crate) fn wasi(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: self.wasi.get_or_insert_with(wasi::context), table: &mut self.table }
    }

    /// What the call did besides its result.
    pub(crate) fn into_effects(self) -> Effects {
        Effects { artifacts: self.artifacts.into_staged(), cases: self.tests.into_staged() }
    }

    /// Whether nobody waits for the result of the call any more.
    pub(crate) fn is_canceled(&self) -> bool {
        self.cancellation.as_ref().is_some_and(|canceled| canceled.load(Ordering::Relaxed))
    }

    /// Calls into the host so far.
    pub(crate) const fn host_calls(&self) -> u64 {
        self.calls
    }

    /// Counts a call into the host.
    pub(crate) fn count_call(&mut self) -> Result<()> {
        self.calls += 1;
        let counted =
            if self.calls > limits::HOST_CALLS { Err(Abort::HostCalls) } else { self.charge(limits::HOST_CALL_FUEL) };
        self.or_abort(counted)?;
        self.log_output()
    }

    /// Logs the lines that were printed before this call of the host.
    fn log_output(&mut self) -> Result<()> {
        self.output.take_lines().iter().try_for_each(|(level, line)| {
            self.move_bytes(line.len())?;
            let logged = self.log.log(*level, line);
            self.or_abort(logged)
        })
    }

    /// Logs what was printed and not logged yet, at the end of the call.
    pub(crate) fn finish_output(&mut self) -> Result<()> {
        self.output.finish();
        self.log_output()
    }

    /// Counts bytes that the host reads or hashes for the guest, like moved ones.
    pub(crate) fn work_bytes(&mut self, bytes: usize) -> Result<()> {
        self.move_bytes(bytes)
    }

    /// Charges work of the host on behalf of the guest.
    fn charge(&mut self, fuel: u64) -> std::result::Result<(), Abort> {
        self.fuel = self.fuel.checked_sub(fuel).ok_or(Abort::HostWork(self.budget))?;
        Ok(())
    }

    /// Counts bytes moved between guest and host.
    pub(crate) fn move_bytes(&mut self, bytes: usize) -> Result<()> {
        self.moved = self.moved.saturating_add(bytes as u64);
        let fuel = bytes as u64 / limits::BYTES_FOR_FUEL;
        let counted = if self.moved > limits::HOST_BYTES { Err(Abort::HostBytes) } else { self.charge(fuel) };
        self.or_abort(counted)
    }

    /// Ends the call on an error, and records the first one.
    pub(crate) fn or_abort<T>(&mut self, result: std::result::Result<T, Abort>) -> Result<T> {
        result.map_err(|abort| {
            self.abort.get_or_insert_with(|| abort.clone());
            abort.into()
        })
    }
}

/// Limits the linear memories and the tables of one call.
pub(crate) struct Memory {
    used: usize,
    peak: usize,
    /// The last growth, which is undone if the allocation fails.
    last: usize,
    most: usize,
}

impl Memory {
    /// The most that was in use at once.
    pub(crate) const fn peak(&self) -> usize {
        self.peak
    }
}

impl wasmtime::ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.last = desired.saturating_sub(current);
        self.used = self.used.saturating_add(self.last);
        if self.used > self.most {
            return Err(Abort::Memory(self.most).into());
        }
        self.peak = self.peak.max(self.used);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> Result<()> {
        self.used = self.used.saturating_sub(std::mem::take(&mut self.last));
        Ok(())
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        if desired > limits::TABLE_ELEMENTS { Err(Abort::Table.into()) } else { Ok(true) }
    }

    fn instances(&self) -> usize {
        usize::try_from(limits::CORE_INSTANCES).unwrap_or(usize::MAX)
    }

    fn tables(&self) -> usize {
        usize::try_from(limits::TABLES).unwrap_or(usize::MAX)
    }

    fn memories(&self) -> usize {
        usize::try_from(limits::MEMORIES).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::ResourceLimiter as _;

    use super::*;
    use crate::call_context::RunContext;

    const MIB: usize = 1 << 20;

    fn state() -> StoreState {
        let context = CallContext {
            plugin: "gate".to_owned(),
            run: RunContext::default(),
            key: [0; 32],
            now: 0,
            deadline: 0,
            params: Vec::new(),
            attributes: Vec::new(),
        };
        StoreState::new(&context, Capabilities::none(), CallLimits::CHECK)
    }

    #[test]
    fn random_bytes_and_handles_are_bounded() {
        use wasmtime_wasi::p2::bindings::{clocks::monotonic_clock::Host as _, random::random::Host as _};

        let mut state = state();
        assert!(state.get_random_bytes(limits::RANDOM_BYTES).is_ok());
        assert!(state.get_random_bytes(limits::RANDOM_BYTES + 1).is_err());
        assert!(matches!(state.abort, Some(Abort::Random(_))));
        let held = (0..1_000).take_while(|_| state.subscribe_duration(1).is_ok()).count();
        assert_eq!(held, limits::HANDLES / 2);
    }

    #[test]
    fn all_memories_count_together_and_a_failed_allocation_does_not() {
        let mut memory = Memory { used: 0, peak: 0, last: 0, most: 64 * MIB };
        assert!(memory.memory_growing(0, 40 * MIB, None).unwrap());
        assert!(memory.memory_growing(0, 20 * MIB, None).unwrap());
        assert!(!memory.memory_growing(20 * MIB, 60 * MIB, Some(30 * MIB)).unwrap());
        memory.memory_growing(20 * MIB, 24 * MIB, None).unwrap();
        memory.memory_grow_failed(wasmtime::Error::msg("no")).unwrap();
        assert!(memory.memory_growing(20 * MIB, 24 * MIB, None).unwrap());
        let error = memory.memory_growing(24 * MIB, 25 * MIB, None).unwrap_err();
        assert_eq!(error.to_string(), "requested more than 64 MiB of memory");
    }

    #[test]
    fn work_of_the_host_for_a_guest_is_charged_once() {
        let mut state = state();
        state.count_call().unwrap();
        state.move_bytes(MIB).unwrap();
        state.work_bytes(MIB).unwrap();
        let charged = limits::HOST_CALL_FUEL + 2 * MIB as u64 / limits::BYTES_FOR_FUEL;
        assert_eq!(state.fuel, CallLimits::CHECK.fuel() - charged);
        let mut little = StoreState { budget: 5_000, fuel: 5_000, ..self::state() };
        assert_eq!((0..10).filter(|_| little.count_call().is_ok()).count(), 5);
        assert!(matches!(little.abort, Some(Abort::HostWork(5_000))));
        let error = (0..1_000).find_map(|_| state.work_bytes(MIB).err());
        assert!(error.unwrap().to_string().contains("more than 512 MiB"));
    }

    #[test]
    fn tables_are_bounded() {
        let mut memory = Memory { used: 0, peak: 0, last: 0, most: MIB };
        assert!(memory.table_growing(0, limits::TABLE_ELEMENTS, None).unwrap());
        assert!(memory.table_growing(0, limits::TABLE_ELEMENTS + 1, None).is_err());
    }
}
