//! Version 0.1 of the world `check`: the call of its export.

use wasmtime::{
    Result, Store,
    component::{HasSelf, InstancePre, Linker},
};

use crate::{
    call_context::CallContext,
    store_state::StoreState,
    values::{PluginFinding, RawError},
    wit::v0_1,
};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/assay-plugin/0.1",
        world: "check",
        with: {
            "assay:plugin/types": crate::wit::v0_1::bindings::assay::plugin::types,
            "assay:plugin/logging": crate::wit::v0_1::bindings::assay::plugin::logging,
            "assay:plugin/snapshot": crate::wit::v0_1::bindings::assay::plugin::snapshot,
            "assay:plugin/evidence": crate::wit::v0_1::bindings::assay::plugin::evidence,
        },
        imports: { default: trappable },
        require_store_data_send: true,
    });
}

/// A component of this world, ready to be instantiated.
pub(crate) struct Guest(bindings::CheckPre<StoreState>);

/// Adds the imports of the world.
pub(crate) fn add_to_linker(linker: &mut Linker<StoreState>) -> Result<()> {
    bindings::Check::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)
}

/// Checks the types of the component's exports.
pub(crate) fn check_types(component: &InstancePre<StoreState>) -> Result<()> {
    Guest::new(component).map(drop)
}

impl Guest {
    pub(crate) fn new(component: &InstancePre<StoreState>) -> Result<Self> {
        Ok(Self(bindings::CheckPre::new(component.clone())?))
    }

    /// Calls `image-check.evaluate`.
    pub(crate) fn evaluate(
        &self,
        store: &mut Store<StoreState>,
        context: &CallContext,
        image: &str,
    ) -> Result<std::result::Result<Vec<PluginFinding>, RawError>> {
        let guest = self.0.instantiate(&mut *store)?;
        let result = guest.assay_plugin_image_check().call_evaluate(store, &v0_1::context(context), image)?;
        Ok(result.map(|findings| findings.into_iter().map(Into::into).collect()).map_err(Into::into))
    }
}
