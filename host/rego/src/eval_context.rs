//! [`EvalContext`]: what every evaluation needs besides its query: the host, the time, and the deadline.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use crate::{
    engine::{self, EvalLimits},
    eval_error::EvalError,
    host::Host,
    host_calls::HostCalls,
};

/// The context of an evaluation. The clock starts when it is created.
pub(crate) struct EvalContext {
    calls: HostCalls,
    end: Option<Instant>,
    on_time: EvalError,
    now_ns: i64,
    seed: u64,
    /// Whether an error of a built-in ends the evaluation. As in OPA, the default is undefined.
    pub(crate) strict_builtin_errors: bool,
}

impl EvalContext {
    /// A context with a host and a time, with the end of the run and the time limit of the evaluation.
    pub(crate) fn new(host: &Arc<dyn Host>, now: Timestamp, deadline: Option<Instant>, time_limit: Duration) -> Self {
        let (end, on_time) = match (deadline, Instant::now().checked_add(time_limit)) {
            (Some(deadline), Some(limit)) if limit < deadline => (Some(limit), EvalError::TimeLimit(time_limit)),
            (Some(deadline), _) => (Some(deadline), EvalError::Deadline),
            (None, limit) => (limit, EvalError::TimeLimit(time_limit)),
        };
        let now_ns = i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX);
        // Random values of policies are not secret: they only differ between evaluations.
        let seed = u64::try_from(Timestamp::now().as_nanosecond().unsigned_abs()).unwrap_or(u64::MAX);
        Self { calls: HostCalls::new(Arc::clone(host)), end, on_time, now_ns, seed, strict_builtin_errors: false }
    }

    /// The same for the engine, about an input document.
    pub(crate) fn options(&self, input: Option<regorus::Value>) -> engine::EvalOptions<'_> {
        engine::EvalOptions {
            input,
            data: None,
            host: &self.calls,
            limits: EvalLimits { deadline: self.end, cancel: None },
            strict_builtin_errors: self.strict_builtin_errors,
            now_ns: self.now_ns,
            seed: self.seed,
        }
    }

    /// The result of the engine, unless a built-in failed or the time is over.
    pub(crate) fn checked<T>(&self, result: Result<T, engine::EvalError>) -> Result<T, EvalError> {
        // Checked first: its message is better here than that of the engine.
        if let Some(failure) = self.calls.failure() {
            return Err(failure.into());
        }
        let result = result.map_err(|error| EvalError::of(error, self.on_time.clone()))?;
        if self.end.is_some_and(|end| Instant::now() >= end) {
            return Err(self.on_time.clone());
        }
        Ok(result)
    }
}
