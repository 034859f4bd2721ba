//! [`Host`]: what the registered functions of an evaluation are answered by.

use assay_model::error::{ErrorCode, EvaluationError};
use regorus::Value;

use crate::engine::kind_name;

/// Why a host gives no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostError {
    /// There is nothing to give: a reference is malformed or not by digest, or nothing is there. The call is undefined,
    /// or, where it verifies, fails with this text.
    Undefined(String),
    /// It is not known what there is. The evaluation ends.
    Evaluation(EvaluationError),
    /// An argument is of a type that the function cannot take: an error of a built-in, which usually is undefined.
    Argument(String),
}

impl HostError {
    /// The argument at `position` (from 1) is not of the `expected` type.
    #[must_use]
    pub fn wrong_type(position: usize, found: &Value, expected: &str) -> Self {
        Self::Argument(format!("operand {position} must be {expected} but got {}", kind_name(found)))
    }
}

/// What registered functions are answered by. Calls come from the thread of the evaluation; the same call is made once in
/// one evaluation.
pub trait Host: Send + Sync + std::fmt::Debug {
    /// The value of a call of a registered function; none where it is undefined.
    ///
    /// # Errors
    /// [`HostError`] when there is no value. [`HostError::Undefined`] is the same as none.
    fn call(&self, function: &str, arguments: &[Value]) -> Result<Option<Value>, HostError>;
}

/// A host without any function: every call ends its evaluation.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

impl Host for NoHost {
    fn call(&self, function: &str, _arguments: &[Value]) -> Result<Option<Value>, HostError> {
        let message = format!("`{function}` needs a registry, and this evaluation has none");
        Err(HostError::Evaluation(EvaluationError::new(ErrorCode::BuiltinFailed, message)))
    }
}
