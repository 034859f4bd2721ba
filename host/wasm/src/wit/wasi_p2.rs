//! WASI 0.2: the host's side of the interfaces in [`wasi`](crate::capability::wasi).

use wasmtime::{
    Result,
    component::{HasSelf, Linker, Resource},
};
use wasmtime_wasi::{
    WasiCtxView, WasiView,
    p2::{
        DynOutputStream, DynPollable,
        bindings::{
            cli::{stderr, stdout},
            clocks::{
                monotonic_clock,
                wall_clock::{self, Datetime},
            },
            random::{insecure, insecure_seed, random},
        },
        subscribe,
    },
};

use crate::{
    abort::Abort,
    capability::{
        output::Stream,
        wasi::{Ready, STEP},
    },
    limits,
    store_state::StoreState,
};

/// Adds the interfaces to a linker.
pub(crate) fn add_to_linker(linker: &mut Linker<StoreState>) -> Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    stderr::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    stdout::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    monotonic_clock::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    wall_clock::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    random::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    insecure::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    insecure_seed::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    linker.allow_shadowing(false);
    Ok(())
}

impl WasiView for StoreState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi()
    }
}

impl wall_clock::Host for StoreState {
    fn now(&mut self) -> Result<Datetime> {
        let milliseconds = self.clock.wall();
        let nanoseconds = u32::try_from(milliseconds % 1_000 * 1_000_000).unwrap_or_default();
        Ok(Datetime { seconds: milliseconds / 1_000, nanoseconds })
    }

    fn resolution(&mut self) -> Result<Datetime> {
        Ok(Datetime { seconds: 0, nanoseconds: 1_000_000 })
    }
}

impl monotonic_clock::Host for StoreState {
    fn now(&mut self) -> Result<u64> {
        Ok(self.clock.tick())
    }

    fn resolution(&mut self) -> Result<u64> {
        Ok(STEP)
    }

    fn subscribe_instant(&mut self, when: u64) -> Result<Resource<DynPollable>> {
        self.clock.advance_to(when);
        self.subscribe_ready()
    }

    fn subscribe_duration(&mut self, duration: u64) -> Result<Resource<DynPollable>> {
        self.clock.advance_by(duration);
        self.subscribe_ready()
    }
}

impl StoreState {
    fn subscribe_ready(&mut self) -> Result<Resource<DynPollable>> {
        let ready = self.table.push(Ready)?;
        subscribe(&mut self.table, ready)
    }

    fn random_bytes(&mut self, length: u64) -> Result<Vec<u8>> {
        if length > limits::RANDOM_BYTES {
            return self.or_abort(Err(Abort::Random(length)));
        }
        let length = usize::try_from(length).unwrap_or_default();
        self.move_bytes(length)?;
        Ok(self.random.bytes(length))
    }
}

impl random::Host for StoreState {
    fn get_random_bytes(&mut self, length: u64) -> Result<Vec<u8>> {
        self.random_bytes(length)
    }

    fn get_random_u64(&mut self) -> Result<u64> {
        Ok(self.random.number())
    }
}

impl insecure::Host for StoreState {
    fn get_insecure_random_bytes(&mut self, length: u64) -> Result<Vec<u8>> {
        self.random_bytes(length)
    }

    fn get_insecure_random_u64(&mut self) -> Result<u64> {
        Ok(self.random.number())
    }
}

impl insecure_seed::Host for StoreState {
    fn insecure_seed(&mut self) -> Result<(u64, u64)> {
        Ok((self.random.number(), self.random.number()))
    }
}

impl stderr::Host for StoreState {
    fn get_stderr(&mut self) -> Result<Resource<DynOutputStream>> {
        Ok(self.table.push(self.output.stream(Stream::Stderr))?)
    }
}

impl stdout::Host for StoreState {
    fn get_stdout(&mut self) -> Result<Resource<DynOutputStream>> {
        Ok(self.table.push(self.output.stream(Stream::Stdout))?)
    }
}
