//! [`call`]: one call of a guest, in a fresh instance and within its limits.
//!
//! However a call ends, its instance is dropped. A call that does not return a value ends with an [`EvaluationError`].

use assay_model::error::{ErrorCode, EvaluationError};
use wasmtime::{CallHook, PoolConcurrencyLimitError, Result, Store, Trap};
use wasmtime_wasi::I32Exit;

use crate::{
    abort::Abort,
    call_context::{CallContext, Capabilities},
    engine::Engine,
    limits::{self, Budget},
    store_state::StoreState,
    text,
};

/// Runs `work` in a fresh store. `work` makes the instance and calls it.
pub(crate) fn call<T>(
    engine: &Engine,
    context: &CallContext,
    capabilities: Capabilities,
    budget: Budget,
    work: impl FnOnce(&mut Store<StoreState>) -> Result<T>,
) -> Result<T, EvaluationError> {
    let plugin = &context.plugin;
    let Some(_slot) = engine.slot() else {
        let message = format!("plugin `{plugin}` could not run: no slot became free within {:?}", limits::SLOT_WAIT);
        return Err(EvaluationError::new(ErrorCode::Deadline, message));
    };
    let mut store = Store::new(engine.wasmtime(), StoreState::new(context, capabilities, budget));
    let result = limit(&mut store, budget).and_then(|()| work(&mut store));
    let state = store.data();
    state.log.close();
    match (result, &state.abort) {
        (Ok(value), None) => Ok(value),
        (Ok(_), Some(abort)) => Err(aborted(plugin, abort)),
        (Err(error), _) => Err(explain(plugin, &error, state, budget)),
    }
}

fn limit(store: &mut Store<StoreState>, budget: Budget) -> Result<()> {
    store.limiter(|state| &mut state.memory);
    store.set_fuel(budget.fuel)?;
    store.set_hostcall_fuel(limits::HOSTCALL_BYTES);
    store.set_max_component_handles(limits::HANDLES);
    store.call_hook(|mut state, hook| match hook {
        CallHook::CallingHost => state.data_mut().count_call(),
        CallHook::ReturningFromHost | CallHook::CallingWasm | CallHook::ReturningFromWasm => Ok(()),
    });
    Ok(())
}

/// Why a call failed, as one sentence.
fn explain(plugin: &str, error: &wasmtime::Error, state: &StoreState, budget: Budget) -> EvaluationError {
    if let Some(abort) = state.abort.as_ref().or_else(|| error.downcast_ref::<Abort>()) {
        return aborted(plugin, abort);
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        if *trap == Trap::OutOfFuel {
            let fuel = budget.fuel;
            let message = format!("plugin `{plugin}` used up its computing budget of {fuel} instructions");
            return EvaluationError::new(ErrorCode::PluginCpuLimit, message)
                .hint("it may loop forever, or the evidence of this image may be too large for it");
        }
        return trapped(plugin, &format!("trapped: {trap}"), state);
    }
    if let Some(I32Exit(status)) = error.downcast_ref::<I32Exit>() {
        return trapped(plugin, &format!("exited with status {status} instead of returning"), state);
    }
    if error.is::<PoolConcurrencyLimitError>() {
        let message = format!("plugin `{plugin}` could not run: {}", error.root_cause());
        return EvaluationError::new(ErrorCode::Internal, message)
            .hint("evaluate fewer components concurrently with `--workers`");
    }
    trapped(plugin, &format!("failed: {}", text::one_line(&error.root_cause().to_string(), 500)), state)
}

fn trapped(plugin: &str, what: &str, state: &StoreState) -> EvaluationError {
    let tail = state.stderr.text(limits::STDERR_SHOWN);
    let mut message = format!("plugin `{plugin}` {what}");
    if !tail.is_empty() {
        message += &format!("; the end of its stderr: {}", text::one_line(&tail, limits::STDERR_SHOWN));
    }
    EvaluationError::new(ErrorCode::PluginTrap, message).hint("this is a bug in the plugin; report it to its author")
}

fn aborted(plugin: &str, abort: &Abort) -> EvaluationError {
    let code = match abort {
        Abort::Evaluation(error) => return error.clone(),
        Abort::Memory(_) | Abort::Table => ErrorCode::PluginMemoryLimit,
        Abort::HostCalls | Abort::HostBytes | Abort::HostWork(_) => ErrorCode::PluginCpuLimit,
        Abort::LogFlood | Abort::Random(_) => ErrorCode::PluginError,
    };
    EvaluationError::new(code, format!("plugin `{plugin}` {abort}"))
}
