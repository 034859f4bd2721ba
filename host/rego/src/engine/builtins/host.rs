//! [`Host`]: serves the functions with external inputs (`ec.oci.*`, `ec.sigstore.*`).
//!
//! The evaluation never opens a connection itself.

use regorus::Value;

/// Why the host could not serve a call: the evaluation cannot continue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostError(pub(crate) String);

/// The world as one evaluation may see it. The same call is made once in one query.
pub(crate) trait Host: Sync {
    /// Serves the call of `function` (`ec.oci.blob`, `ec.sigstore.verify_image`, …) with these arguments; none where
    /// it is undefined.
    ///
    /// # Errors
    /// [`HostError`] if the result is not known.
    fn call(&self, function: &str, args: &[Value]) -> Result<Option<Value>, HostError>;
}

/// A host that knows nothing.
pub(crate) struct NoHost;

impl Host for NoHost {
    fn call(&self, function: &str, _args: &[Value]) -> Result<Option<Value>, HostError> {
        Err(HostError(format!("`{function}` needs a registry, and this evaluation has none")))
    }
}
