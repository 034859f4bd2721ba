//! Version 0.1 of the worlds `task-offline` and `task`: the call of their export.

use wasmtime::{
    Result, Store,
    component::{HasSelf, InstancePre, Linker},
};

use crate::{
    call_context::CallContext,
    store_state::StoreState,
    values::{RawError, RawVerdict},
    wit::v0_1,
};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/assay-plugin/0.1",
        world: "task",
        with: {
            "assay:plugin/types": crate::wit::v0_1::bindings::assay::plugin::types,
            "assay:plugin/logging": crate::wit::v0_1::bindings::assay::plugin::logging,
            "assay:plugin/snapshot": crate::wit::v0_1::bindings::assay::plugin::snapshot,
            "assay:plugin/evidence": crate::wit::v0_1::bindings::assay::plugin::evidence,
            "assay:plugin/artifacts": crate::wit::v0_1::bindings::assay::plugin::artifacts,
            "assay:plugin/tests": crate::wit::v0_1::bindings::assay::plugin::tests,
            "assay:plugin/http": crate::wit::v0_1::bindings::assay::plugin::http,
        },
        imports: { default: trappable },
        require_store_data_send: true,
    });
}

/// A component of these worlds, ready to be instantiated.
pub(crate) struct Guest(bindings::TaskPre<StoreState>);

/// Adds the imports of the world `task`.
pub(crate) fn add_to_linker(linker: &mut Linker<StoreState>) -> Result<()> {
    bindings::Task::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)
}

/// Adds the imports of the world `task-offline`.
pub(crate) fn add_to_linker_offline(linker: &mut Linker<StoreState>) -> Result<()> {
    use v0_1::bindings::assay::plugin::{artifacts, evidence, logging, snapshot, tests, types};
    types::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    logging::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    snapshot::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    evidence::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    artifacts::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)?;
    tests::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)
}

/// Checks the types of the component's exports.
pub(crate) fn check_types(component: &InstancePre<StoreState>) -> Result<()> {
    Guest::new(component).map(drop)
}

impl Guest {
    pub(crate) fn new(component: &InstancePre<StoreState>) -> Result<Self> {
        Ok(Self(bindings::TaskPre::new(component.clone())?))
    }

    /// Calls `custom-task.run`.
    pub(crate) fn run(
        &self,
        store: &mut Store<StoreState>,
        context: &CallContext,
    ) -> Result<std::result::Result<RawVerdict, RawError>> {
        let guest = self.0.instantiate(&mut *store)?;
        let result = guest.assay_plugin_custom_task().call_run(store, &v0_1::context(context))?;
        Ok(result.map(Into::into).map_err(Into::into))
    }
}
