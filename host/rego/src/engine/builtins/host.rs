//! [`Host`]: where the functions that look at the world (`ec.oci.*`, `ec.sigstore.*`) get their answers.
//!
//! The evaluation never opens a connection itself.

use regorus::Value;

/// Why the host has no answer to a call: the evaluation cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostError(pub(crate) String);

/// The world as one evaluation may see it. The same call is made once in one query.
pub(crate) trait Host: Sync {
    /// Answers the call of `function` (`ec.oci.blob`, `ec.sigstore.verify_image`, …) with these arguments; none where
    /// it is undefined.
    ///
    /// # Errors
    /// [`HostError`] when it is not known what the answer is.
    fn call(&self, function: &str, args: &[Value]) -> Result<Option<Value>, HostError>;
}

/// A host that knows nothing.
pub(crate) struct NoHost;

impl Host for NoHost {
    fn call(&self, function: &str, _args: &[Value]) -> Result<Option<Value>, HostError> {
        Err(HostError(format!("`{function}` needs a registry, and this evaluation has none")))
    }
}
