//! [`Host`]: serves the functions with external inputs (`ec.oci.*`, `ec.sigstore.*`).
//!
//! The evaluation never opens a connection itself.

use regorus::Value;

use super::types::Type;
use super::{Builtin, Call};

/// A function that policies may call and that the host of an evaluation implements.
#[derive(Clone, Copy)]
pub struct HostFunction(Builtin);

impl HostFunction {
    /// A function whose value may differ between evaluations. It is called once in each for the same arguments.
    #[must_use]
    pub const fn new(name: &'static str, args: &'static [Type], result: Type) -> Self {
        Self(Builtin { name, args, result, deterministic: false, call: Call::Host })
    }

    /// A function whose value depends on its arguments alone, so that it may be remembered from one evaluation to the next.
    #[must_use]
    pub const fn pure(name: &'static str, args: &'static [Type], result: Type) -> Self {
        Self(Builtin { name, args, result, deterministic: true, call: Call::Host })
    }

    /// The name that policies call it by.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.0.name
    }

    /// The same for the engine.
    pub(crate) const fn builtin(&'static self) -> &'static Builtin {
        &self.0
    }
}

impl PartialEq for HostFunction {
    fn eq(&self, other: &Self) -> bool {
        let parts = |function: &Self| (function.0.name, function.0.args, function.0.result, function.0.deterministic);
        parts(self) == parts(other)
    }
}

impl Eq for HostFunction {}

impl std::fmt::Debug for HostFunction {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_tuple("HostFunction").field(&self.0.name).finish()
    }
}

/// Why the host gives no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostError {
    /// The evaluation cannot go on.
    Stop(String),
    /// An argument is of a type that the function cannot take.
    Argument(String),
}

/// Answers registered functions. The same call is made once in one query.
pub(crate) trait Host: Sync {
    /// Serves the call of `function` (`ec.oci.blob`, `ec.sigstore.verify_image`, …) with these arguments; none where
    /// it is undefined.
    ///
    /// # Errors
    /// [`HostError`] if the result is not known.
    fn call(&self, function: &str, args: &[Value]) -> Result<Option<Value>, HostError>;
}

/// A host without any function.
pub(crate) struct NoHost;

impl Host for NoHost {
    fn call(&self, function: &str, _args: &[Value]) -> Result<Option<Value>, HostError> {
        Err(HostError::Stop(format!("`{function}` needs a registry, and this evaluation has none")))
    }
}
