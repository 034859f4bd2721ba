//! Version 0.1 of the world `reporter`: the call of its export.

use wasmtime::{
    Result, Store,
    component::{HasSelf, InstancePre, Linker},
};

use crate::{call_context::CallContext, store_state::StoreState, values::RawError, wit::v0_1};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/assay-plugin/0.1",
        world: "reporter",
        with: {
            "assay:plugin/types": crate::wit::v0_1::bindings::assay::plugin::types,
            "assay:plugin/logging": crate::wit::v0_1::bindings::assay::plugin::logging,
            "assay:plugin/events": crate::wit::v0_1::bindings::assay::plugin::events,
            "assay:plugin/artifacts": crate::wit::v0_1::bindings::assay::plugin::artifacts,
            "assay:plugin/http": crate::wit::v0_1::bindings::assay::plugin::http,
        },
        imports: { default: trappable },
        require_store_data_send: true,
    });
}

/// A component of this world, ready to be instantiated.
pub(crate) struct Guest(bindings::ReporterPre<StoreState>);

/// Adds the imports of the world.
pub(crate) fn add_to_linker(linker: &mut Linker<StoreState>) -> Result<()> {
    bindings::Reporter::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)
}

/// Checks the types of the component's exports.
pub(crate) fn check_types(component: &InstancePre<StoreState>) -> Result<()> {
    Guest::new(component).map(drop)
}

impl Guest {
    pub(crate) fn new(component: &InstancePre<StoreState>) -> Result<Self> {
        Ok(Self(bindings::ReporterPre::new(component.clone())?))
    }

    /// Calls `renderer.render`.
    pub(crate) fn render(
        &self,
        store: &mut Store<StoreState>,
        context: &CallContext,
    ) -> Result<std::result::Result<Vec<String>, RawError>> {
        let guest = self.0.instantiate(&mut *store)?;
        let result = guest.assay_plugin_renderer().call_render(store, &v0_1::context(context))?;
        Ok(result.map_err(Into::into))
    }
}
