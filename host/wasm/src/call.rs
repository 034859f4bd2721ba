//! [`call`]: one call of a guest, in a fresh instance and within its limits.
//!
//! However a call ends, its instance is dropped. A call that does not return a value ends with a [`Failure`]. Nothing that
//! a failed call did to artifacts and test cases exists afterwards: they leave the store with a value only.

use std::time::Duration;

use assay_model::error::ErrorCode;
use wasmtime::{CallHook, PoolConcurrencyLimitError, Result, Store, Trap, UpdateDeadline};
use wasmtime_wasi::I32Exit;

use crate::{
    abort::{Abort, Failure, raise},
    call_context::{CallContext, Capabilities},
    call_limits::CallLimits,
    capability::{Effects, logging::Level},
    denial::Denial,
    engine::Engine,
    engine_config::Metering,
    limits,
    store_state::StoreState,
    text,
    usage::{Usage, milliseconds},
};

/// How one call ended, and what it used.
pub(crate) struct Called<T> {
    pub(crate) result: std::result::Result<(T, Effects), Failure>,
    pub(crate) usage: Usage,
    /// What was denied, with what would allow it.
    pub(crate) denials: Vec<Denial>,
}

/// Runs `work` in a fresh store of an engine. `work` makes the instance and calls it.
pub(crate) fn call<T>(
    engine: &Engine,
    metering: Metering,
    context: &CallContext,
    capabilities: Capabilities,
    limits: CallLimits,
    work: impl FnOnce(&mut Store<StoreState>) -> Result<T>,
) -> Called<T> {
    let refused = |failure| Called { result: Err(failure), usage: Usage::default(), denials: Vec::new() };
    let Some(_slot) = engine.slot() else {
        let what = format!("could not run: no slot became free within {:?}", limits::SLOT_WAIT);
        return refused(Failure::new(ErrorCode::Deadline, what));
    };
    let wasmtime = match engine.wasmtime(metering) {
        Ok(wasmtime) => wasmtime,
        Err(error) => return refused(Failure::new(ErrorCode::Internal, format!("could not run: {error}"))),
    };
    let mut store = Store::new(wasmtime, StoreState::new(context, capabilities, limits));
    let result = limit(&mut store, metering, limits).and_then(|()| work(&mut store));
    let logged = store.data_mut().finish_output();
    let result = result.and_then(|value| logged.map(|()| value));
    let fuel = match metering {
        Metering::Fuel => Some(limits.fuel().saturating_sub(store.get_fuel().unwrap_or_default())),
        Metering::Time => None,
    };
    let state = store.data();
    let denials = [state.http.denials(), state.denials.as_slice()].concat();
    denials.iter().for_each(|denial| state.log.line(Level::Warn, &format!("denied: {}", denial.text)));
    state.log.close();
    let usage = Usage { fuel, ..state.usage() };
    let result = match (result, &state.abort) {
        (Ok(value), None) => Ok(value),
        (Ok(_), Some(abort)) => Err(abort.into()),
        (Err(error), _) => Err(explain(&error, state, limits)),
    };
    Called { result: result.map(|value| (value, store.into_data().into_effects())), usage, denials }
}

fn limit(store: &mut Store<StoreState>, metering: Metering, limits: CallLimits) -> Result<()> {
    store.limiter(|state| &mut state.memory);
    match metering {
        Metering::Fuel => store.set_fuel(limits.fuel())?,
        Metering::Time => {
            store.set_epoch_deadline(1);
            store.epoch_deadline_callback(move |mut state| {
                let state = state.data_mut();
                let checked = check_canceled(state)
                    .and_then(|()| check_time(state, limits))
                    .and_then(|()| check_computing_time(state, limits));
                state.or_abort(checked)?;
                Ok(UpdateDeadline::Continue(1))
            });
        }
    }
    store.set_hostcall_fuel(limits::HOSTCALL_BYTES);
    store.set_max_component_handles(limits::HANDLES);
    store.call_hook(move |mut state, hook| count(state.data_mut(), hook, metering, limits));
    Ok(())
}

fn count(state: &mut StoreState, hook: CallHook, metering: Metering, limits: CallLimits) -> Result<()> {
    match hook {
        CallHook::CallingHost => state.count_call(),
        // A call into the host may have waited.
        CallHook::ReturningFromHost if metering == Metering::Time => {
            let checked = check_canceled(state).and_then(|()| check_time(state, limits));
            state.or_abort(checked)
        }
        CallHook::ReturningFromHost | CallHook::CallingWasm | CallHook::ReturningFromWasm => Ok(()),
    }
}

fn check_canceled(state: &StoreState) -> std::result::Result<(), Abort> {
    if state.is_canceled() { Err(Abort::Canceled) } else { Ok(()) }
}

fn check_time(state: &StoreState, limits: CallLimits) -> std::result::Result<(), Abort> {
    if state.watch.wall() > limits.call_time() {
        return Err(Abort::Time(limits.call_ms));
    }
    Ok(())
}

fn check_computing_time(state: &StoreState, limits: CallLimits) -> std::result::Result<(), Abort> {
    if state.watch.cpu() > Duration::from_millis(limits.cpu_ms) {
        return Err(Abort::Cpu(limits.cpu_ms));
    }
    Ok(())
}

/// Why a call failed.
fn explain(error: &wasmtime::Error, state: &StoreState, limits: CallLimits) -> Failure {
    if let Some(abort) = state.abort.as_ref().or_else(|| error.downcast_ref::<Abort>()) {
        return abort.into();
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        if *trap == Trap::OutOfFuel {
            let what = format!("used up its computing budget of {} instructions", limits.fuel());
            return Failure::new(ErrorCode::PluginCpuLimit, what).hint(format!(
                "it may loop forever, or the evidence may be too large for it; {} ({} instructions for each millisecond)",
                raise("cpu-ms"),
                limits::FUEL_PER_MS
            ));
        }
        return trapped(&format!("trapped: {trap}"), state);
    }
    if let Some(I32Exit(status)) = error.downcast_ref::<I32Exit>() {
        return trapped(&format!("exited with status {status} instead of returning"), state);
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return Failure::new(ErrorCode::Internal, format!("could not run: {}", error.root_cause()))
            .hint("evaluate fewer components concurrently with `--workers`");
    }
    trapped(&format!("failed: {}", text::one_line(&error.root_cause().to_string(), 500)), state)
}

fn trapped(what: &str, state: &StoreState) -> Failure {
    let tail = state.output.excerpt(limits::ERRORS_SHOWN);
    let mut what = what.to_owned();
    if !tail.is_empty() {
        what += &format!("; it wrote: {}", text::one_line(&tail, limits::ERRORS_SHOWN));
    }
    Failure::new(ErrorCode::PluginTrap, what).hint("this is a bug in the plugin; report it to its author")
}

impl StoreState {
    fn usage(&self) -> Usage {
        Usage {
            fuel: None,
            cpu_ms: milliseconds(self.watch.cpu()),
            memory_bytes: self.memory.peak() as u64,
            host_calls: self.host_calls(),
            wall_ms: milliseconds(self.watch.wall()),
        }
    }
}

#[cfg(test)]
mod tests;
