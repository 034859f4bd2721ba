//! [`Measurement`]: how long a component takes to be called, beside what wasmtime alone needs.
//!
//! What is measured is the description of the plugin, which every world has: a fresh instance, the call, and the end of the
//! instance. Between every two calls, wasmtime alone does the same in the same engine, without anything of ours: with this
//! component, with an [empty component](WITH_MEMORY) that has a memory as every compiler makes it, and with one that has
//! [nothing at all](BARE). So all of them suffer from the machine alike. Most of what lies between the last two is the work
//! of the kernel, which gives a fresh instance its pages and takes them away again.

mod alone;

use std::time::{Duration, Instant};

use wasmtime::{
    Store,
    component::{Component, ComponentNamedList, InstancePre, Lift, Linker},
};

use crate::{
    bench::alone::Alone,
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

/// A component without imports that has what compilers give to all: a memory with a stack and data above it, as large as our
/// template in Rust lays it out (128 KiB of stack). Its only function writes its result to the stack and gives a text of the
/// data: one page of each is touched.
#[rustfmt::skip]
const WITH_MEMORY: &[u8] = &[
    // header
    0, 97, 115, 109, 13, 0, 1, 0,
    // core module 0: a type, a function, a memory of 3 pages, the pointer to the stack
    1, 96, 0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 3,
    6, 8, 1, 127, 1, 65, 128, 128, 8, 11,
    // its exports `memory` and `f`
    7, 14, 2, 6, 109, 101, 109, 111, 114, 121, 2, 0, 1, 102, 0, 0,
    // its code
    10, 29, 1, 27, 0, 35, 0, 65, 16, 107, 36, 0, 35, 0, 65, 128, 128, 8, 54, 2, 0, 35, 0, 65, 5, 54, 2, 4, 35, 0, 11,
    // its data
    11, 13, 1, 0, 65, 128, 128, 8, 11, 5, 101, 109, 112, 116, 121,
    // core instance 0 of it
    2, 4, 1, 0, 0, 0,
    // its memory and its `f`
    6, 18, 2, 0, 2, 1, 0, 6, 109, 101, 109, 111, 114, 121, 0, 0, 1, 0, 1, 102,
    // type 0: no parameters and a string
    7, 5, 1, 64, 0, 0, 115,
    // function 0: core function 0 as type 0, with the memory
    8, 8, 1, 0, 0, 0, 1, 3, 0, 0,
    // export it as `f`
    11, 7, 1, 0, 1, 102, 1, 0, 0,
];

/// Calls before those that count.
const WARM_UP: u32 = 3;

/// What was measured. Each call has a fresh instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// The median of the calls.
    pub cold_p50: Duration,
    /// The slowest call of a hundred.
    pub cold_p99: Duration,
    /// The median of the same calls of the same component with wasmtime alone; none where it traps without this host.
    pub alone_p50: Option<Duration>,
    /// The median of an empty component with a memory, with wasmtime alone.
    pub memory_p50: Duration,
    /// The median of an empty component without a memory, with wasmtime alone.
    pub bare_p50: Duration,
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
        let nothing = prepare(wasmtime, BARE).map_err(bare)?;
        let with_memory = prepare(wasmtime, WITH_MEMORY).map_err(bare)?;
        let same = Alone::new(wasmtime, self.component().component()).map_err(types)?;
        let describer = Describer::new(self.component()).map_err(types)?;
        let context = description_context(name, self.digest(), 0);
        let mut usage = Usage::default();
        let [mut cold, mut alone, mut memory, mut least] = [const { Vec::new() }; 4];
        for turn in 0..runs.max(1).saturating_add(WARM_UP) {
            let (called, time) = timed(|| {
                call(engine, self.metering(), &context, Capabilities::none(), self.limits(), |store| {
                    describer.describe(store)
                })
            });
            usage = called.usage;
            called.result.map_err(|failure| LoadError::Describe {
                file: name.to_owned(),
                code: failure.code,
                why: failure.what,
                hint: failure.hint,
            })?;
            let (described, time_alone) = timed(|| same.describe(wasmtime));
            let (returned, time_memory) = timed(|| call_bare::<(String,)>(wasmtime, &with_memory));
            returned.map_err(bare)?;
            let (returned, time_bare) = timed(|| call_bare::<()>(wasmtime, &nothing));
            returned.map_err(bare)?;
            if turn >= WARM_UP {
                cold.push(time);
                alone.extend(described.is_ok().then_some(time_alone));
                memory.push(time_memory);
                least.push(time_bare);
            }
        }
        for times in [&mut cold, &mut alone, &mut memory, &mut least] {
            times.sort_unstable();
        }
        let at = |times: &[Duration], percent: usize| {
            let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
            times.get(index).copied()
        };
        let median = |times: &[Duration]| at(times, 50).unwrap_or_default();
        Ok(Measurement {
            cold_p50: median(&cold),
            cold_p99: at(&cold, 99).unwrap_or_default(),
            alone_p50: at(&alone, 50),
            memory_p50: median(&memory),
            bare_p50: median(&least),
            usage,
        })
    }
}

/// What a piece of work returns, and the time that it took.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let returned = work();
    (returned, begun.elapsed())
}

fn prepare(engine: &wasmtime::Engine, component: &[u8]) -> wasmtime::Result<InstancePre<()>> {
    Linker::new(engine).instantiate_pre(&Component::from_binary(engine, component)?)
}

/// A store with the limits that its engine demands and nothing else.
fn bare_store<T: 'static>(engine: &wasmtime::Engine, state: T) -> Store<T> {
    let mut store = Store::new(engine, state);
    // An engine that does not count instructions refuses this, and one that counts needs it.
    let _counted = store.set_fuel(u64::MAX);
    store.set_epoch_deadline(u64::MAX / 2);
    store
}

/// What wasmtime needs for a call.
fn call_bare<R: ComponentNamedList + Lift + 'static>(
    engine: &wasmtime::Engine,
    empty: &InstancePre<()>,
) -> wasmtime::Result<R> {
    let mut store = bare_store(engine, ());
    let instance = empty.instantiate(&mut store)?;
    let function = instance.get_typed_func::<(), R>(&mut store, "f")?;
    function.call(&mut store, ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_components_can_be_called() {
        let engine = wasmtime::Engine::default();
        call_bare::<()>(&engine, &prepare(&engine, BARE).unwrap()).unwrap();
        let (text,) = call_bare::<(String,)>(&engine, &prepare(&engine, WITH_MEMORY).unwrap()).unwrap();
        assert_eq!(text, "empty");
    }

    #[test]
    fn the_memory_of_the_empty_component_is_laid_out_as_by_a_compiler() {
        let text = r#"(component
            (core module
                (memory (export "memory") 3)
                (global (mut i32) (i32.const 131072))
                (func (export "f") (result i32)
                    (global.set 0 (i32.sub (global.get 0) (i32.const 16)))
                    (i32.store (global.get 0) (i32.const 131072))
                    (i32.store offset=4 (global.get 0) (i32.const 5))
                    (global.get 0))
                (data (i32.const 131072) "empty"))
            (core instance (instantiate 0))
            (alias core export 0 "memory" (core memory))
            (alias core export 0 "f" (core func))
            (type (func (result string)))
            (func (type 0) (canon lift (core func 0) (memory 0)))
            (export "f" (func 0)))"#;
        assert_eq!(wat::parse_str(text).unwrap(), WITH_MEMORY);
    }
}
