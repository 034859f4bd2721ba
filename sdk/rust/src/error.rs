//! Why there is no verdict: what the host acts on.

use crate::{Error, bindings::assay::plugin::types::Retry};

/// The inputs can never work: nobody tries again.
pub fn invalid(message: impl Into<String>) -> Error {
    Error::Invalid(message.into())
}

/// The same call is made again later: the network, 429, 5xx.
pub fn retry(message: impl Into<String>, after_ms: Option<u32>) -> Error {
    Error::Transient(Retry { message: message.into(), after_ms })
}
