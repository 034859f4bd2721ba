//! Version 0.1 of the world `adapter`: the calls of its export.

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
        world: "adapter",
        with: {
            "assay:plugin/types": crate::wit::v0_1::bindings::assay::plugin::types,
            "assay:plugin/logging": crate::wit::v0_1::bindings::assay::plugin::logging,
            "assay:plugin/snapshot": crate::wit::v0_1::bindings::assay::plugin::snapshot,
            "assay:plugin/artifacts": crate::wit::v0_1::bindings::assay::plugin::artifacts,
            "assay:plugin/tests": crate::wit::v0_1::bindings::assay::plugin::tests,
            "assay:plugin/http": crate::wit::v0_1::bindings::assay::plugin::http,
            "assay:plugin/checkpoint": crate::wit::v0_1::bindings::assay::plugin::checkpoint,
        },
        imports: { default: trappable },
        require_store_data_send: true,
    });
}

use bindings::exports::assay::plugin::remote_job;

/// A component of this world, ready to be instantiated.
pub(crate) struct Guest(bindings::AdapterPre<StoreState>);

/// What a call returned, before the host has looked at it.
pub(crate) struct RawWaiting {
    pub(crate) state: Vec<u8>,
    pub(crate) after_ms: u32,
    pub(crate) native: String,
    pub(crate) url: Option<String>,
}

pub(crate) enum RawStatus {
    Waiting(RawWaiting),
    Ended(Vec<u8>),
}

pub(crate) enum RawCollected {
    More(Vec<u8>),
    Done(Box<RawVerdict>),
}

pub(crate) enum RawCancellation {
    Canceled,
    Pending(RawWaiting),
    Refused(String),
}

type Returned<T> = Result<std::result::Result<T, RawError>>;

/// Adds the imports of the world.
pub(crate) fn add_to_linker(linker: &mut Linker<StoreState>) -> Result<()> {
    bindings::Adapter::add_to_linker::<_, HasSelf<StoreState>>(linker, |state| state)
}

/// Checks the types of the component's exports.
pub(crate) fn check_types(component: &InstancePre<StoreState>) -> Result<()> {
    Guest::new(component).map(drop)
}

impl Guest {
    pub(crate) fn new(component: &InstancePre<StoreState>) -> Result<Self> {
        Ok(Self(bindings::AdapterPre::new(component.clone())?))
    }

    pub(crate) fn submit(&self, store: &mut Store<StoreState>, context: &CallContext) -> Returned<RawStatus> {
        let guest = self.0.instantiate(&mut *store)?;
        let result = guest.assay_plugin_remote_job().call_submit(store, &v0_1::context(context))?;
        Ok(result.map(Into::into).map_err(Into::into))
    }

    pub(crate) fn poll(
        &self,
        store: &mut Store<StoreState>,
        context: &CallContext,
        state: &[u8],
    ) -> Returned<RawStatus> {
        let guest = self.0.instantiate(&mut *store)?;
        let result = guest.assay_plugin_remote_job().call_poll(store, &v0_1::context(context), &state.to_vec())?;
        Ok(result.map(Into::into).map_err(Into::into))
    }

    pub(crate) fn collect(
        &self,
        store: &mut Store<StoreState>,
        context: &CallContext,
        state: &[u8],
    ) -> Returned<RawCollected> {
        let guest = self.0.instantiate(&mut *store)?;
        let result = guest.assay_plugin_remote_job().call_collect(store, &v0_1::context(context), &state.to_vec())?;
        let collected = |collected| match collected {
            remote_job::Collected::More(state) => RawCollected::More(state),
            remote_job::Collected::Done(verdict) => RawCollected::Done(Box::new(verdict.into())),
        };
        Ok(result.map(collected).map_err(Into::into))
    }

    pub(crate) fn cancel(
        &self,
        store: &mut Store<StoreState>,
        context: &CallContext,
        state: Option<&[u8]>,
        reason: &str,
    ) -> Returned<RawCancellation> {
        let guest = self.0.instantiate(&mut *store)?;
        let state = state.map(<[u8]>::to_vec);
        let context = v0_1::context(context);
        let result = guest.assay_plugin_remote_job().call_cancel(store, &context, state.as_ref(), reason)?;
        let cancellation = |cancellation| match cancellation {
            remote_job::Cancellation::Canceled => RawCancellation::Canceled,
            remote_job::Cancellation::Pending(waiting) => RawCancellation::Pending(waiting.into()),
            remote_job::Cancellation::Refused(why) => RawCancellation::Refused(why),
        };
        Ok(result.map(cancellation).map_err(Into::into))
    }
}

impl From<remote_job::Waiting> for RawWaiting {
    fn from(old: remote_job::Waiting) -> Self {
        Self { state: old.state, after_ms: old.after_ms, native: old.native, url: old.url }
    }
}

impl From<remote_job::Status> for RawStatus {
    fn from(old: remote_job::Status) -> Self {
        match old {
            remote_job::Status::Waiting(waiting) => Self::Waiting(waiting.into()),
            remote_job::Status::Ended(state) => Self::Ended(state),
        }
    }
}
