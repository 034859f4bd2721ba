//! [`Measurement`]: how long a component takes to be called, beside the least that the engine needs.
//!
//! What is measured is the description of the plugin, which every world has: a fresh instance, the call, and the end of the
//! instance. Between every two calls an empty component is instantiated and called without anything of ours, so that both
//! suffer from the machine alike.

use std::time::Instant;

use wasmtime::{
    Store,
    component::{Component, Linker},
};

use crate::{
    call::call,
    call_context::Capabilities,
    engine::engine_error,
    plugin::{LoadError, Plugin, description_context},
    usage::Usage,
    wit::v0_1::Describer,
};

/// A component without imports whose only function does nothing, in the binary format of the component model.
#[rustfmt::skip]
const BARE: &[u8] = &[
    // header
    0, 97, 115, 109, 13, 0, 1, 0,
    // core module 0, whose function `f` is empty
    1, 31, 0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 4, 1, 2, 0, 11,
    // core instance 0 of it
    2, 4, 1, 0, 0, 0,
    // core function 0: its `f`
    6, 7, 1, 0, 0, 1, 0, 1, 102,
    // type 0: no parameters and no result
    7, 5, 1, 64, 0, 1, 0,
    // function 0: core function 0 as type 0
    8, 6, 1, 0, 0, 0, 0, 0,
    // export it as `f`
    11, 7, 1, 0, 1, 102, 1, 0, 0,
];

/// Calls before those that count.
const WARM_UP: u32 = 3;

/// What was measured. Times are in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// The median of the calls, each with a fresh instance.
    pub cold_p50: u64,
    /// The slowest call of a hundred.
    pub cold_p99: u64,
    /// The median of instantiating and calling an empty component with wasmtime alone.
    pub bare_p50: u64,
    /// What the last call used.
    pub usage: Usage,
}

impl Plugin {
    /// Calls the description of the plugin so many times, at least once.
    ///
    /// # Errors
    /// A call fails.
    pub fn measure(&self, runs: u32) -> Result<Measurement, LoadError> {
        let name = self.manifest().name.as_str();
        let types = |error: wasmtime::Error| LoadError::Types { file: name.to_owned(), source: error.into() };
        let engine = self.engine();
        let wasmtime = engine.wasmtime(self.metering())?;
        let bare = |error: wasmtime::Error| LoadError::Engine(engine_error(&error));
        let linker = Linker::<()>::new(wasmtime);
        let empty =
            Component::from_binary(wasmtime, BARE).and_then(|empty| linker.instantiate_pre(&empty)).map_err(bare)?;
        let describer = Describer::new(self.component()).map_err(types)?;
        let context = description_context(name, self.digest(), 0);
        let (mut cold, mut least) = (Vec::new(), Vec::new());
        let mut usage = Usage::default();
        for turn in 0..runs.max(1).saturating_add(WARM_UP) {
            let begun = Instant::now();
            let called = call(engine, self.metering(), &context, Capabilities::none(), self.limits(), |store| {
                describer.describe(store)
            });
            let time = begun.elapsed();
            usage = called.usage;
            called.result.map_err(|failure| LoadError::Describe {
                file: name.to_owned(),
                code: failure.code,
                why: failure.what,
                hint: failure.hint,
            })?;
            let begun = Instant::now();
            call_bare(wasmtime, &empty).map_err(bare)?;
            if turn >= WARM_UP {
                least.push(begun.elapsed());
                cold.push(time);
            }
        }
        cold.sort_unstable();
        least.sort_unstable();
        let at = |times: &[std::time::Duration], percent: usize| {
            let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
            times.get(index).map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
        };
        Ok(Measurement { cold_p50: at(&cold, 50), cold_p99: at(&cold, 99), bare_p50: at(&least, 50), usage })
    }
}

/// What wasmtime needs for a call, with the limits that its engine demands and nothing else.
fn call_bare(engine: &wasmtime::Engine, empty: &wasmtime::component::InstancePre<()>) -> wasmtime::Result<()> {
    let mut store = Store::new(engine, ());
    // An engine that does not count instructions refuses this, and one that counts needs it.
    let _counted = store.set_fuel(u64::MAX);
    store.set_epoch_deadline(u64::MAX / 2);
    let instance = empty.instantiate(&mut store)?;
    let function = instance.get_typed_func::<(), ()>(&mut store, "f")?;
    function.call(&mut store, ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_component_can_be_called() {
        let engine = wasmtime::Engine::default();
        let empty = Component::from_binary(&engine, BARE).unwrap();
        let empty = Linker::<()>::new(&engine).instantiate_pre(&empty).unwrap();
        call_bare(&engine, &empty).unwrap();
    }
}
