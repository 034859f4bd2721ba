//! [`HostCalls`]: passes the calls of one evaluation to its host, and remembers the first failure.

use std::sync::{Arc, Mutex, PoisonError};

use assay_model::error::EvaluationError;
use regorus::Value;

use crate::{
    engine,
    host::{Host, HostError},
};

/// Why a call ends the evaluation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{function}` failed: {cause}")]
pub(crate) struct CallFailure {
    /// The function.
    pub(crate) function: String,
    /// What its host says.
    pub(crate) cause: EvaluationError,
}

/// The host of one evaluation.
#[derive(Debug)]
pub(crate) struct HostCalls {
    host: Arc<dyn Host>,
    failure: Mutex<Option<CallFailure>>,
}

impl HostCalls {
    pub(crate) fn new(host: Arc<dyn Host>) -> Self {
        Self { host, failure: Mutex::default() }
    }

    /// The first failure.
    pub(crate) fn failure(&self) -> Option<CallFailure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl engine::Host for HostCalls {
    /// After a failure every call fails with it.
    fn call(&self, function: &str, arguments: &[Value]) -> Result<Option<Value>, engine::HostError> {
        let stop = |failure: &CallFailure| Err(engine::HostError::Stop(failure.to_string()));
        if let Some(failure) = self.failure() {
            return stop(&failure);
        }
        match self.host.call(function, arguments) {
            Ok(value) => Ok(value),
            Err(HostError::Undefined(_)) => Ok(None),
            Err(HostError::Argument(what)) => Err(engine::HostError::Argument(what)),
            Err(HostError::Evaluation(cause)) => {
                let failure = CallFailure { function: function.to_owned(), cause };
                let stopped = stop(&failure);
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                stopped
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::Host as _, host::NoHost};

    #[test]
    fn after_a_failure_every_call_fails_with_it() {
        let calls = HostCalls::new(Arc::new(NoHost));
        let error = calls.call("a.b", &[]).unwrap_err();
        assert_eq!(calls.call("c.d", &[]), Err(error));
        assert!(calls.failure().unwrap().to_string().starts_with("`a.b` failed"));
    }
}
