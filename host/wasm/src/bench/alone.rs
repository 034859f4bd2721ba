//! [`Alone`]: a plugin's component with wasmtime alone, as any program would call it that embeds wasmtime.

use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::bare_store;
use crate::{capability::wasi, wit::v0_1::bindings::SharedPre};

/// A component whose imports are those of WASI, and traps.
pub(super) struct Alone(SharedPre<State>);

/// What WASI needs; made when the guest first calls it, as in our own store.
#[derive(Default)]
struct State {
    wasi: Option<WasiCtx>,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: self.wasi.get_or_insert_with(wasi::context), table: &mut self.table }
    }
}

impl Alone {
    pub(super) fn new(engine: &wasmtime::Engine, component: &Component) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
        linker.define_unknown_imports_as_traps(component)?;
        Ok(Self(SharedPre::new(linker.instantiate_pre(component)?)?))
    }

    /// A fresh instance, the call, and the end of the instance.
    pub(super) fn describe(&self, engine: &wasmtime::Engine) -> wasmtime::Result<()> {
        let mut store = bare_store(engine, State::default());
        let guest = self.0.instantiate(&mut store)?;
        guest.assay_plugin_metadata().call_describe(&mut store).map(drop)
    }
}
