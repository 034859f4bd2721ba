//! What a guest can reach: a module for each interface, independent of the version of the contract.

pub(crate) mod evidence;
pub(crate) mod logging;
pub(crate) mod snapshot;
pub(crate) mod wasi;
