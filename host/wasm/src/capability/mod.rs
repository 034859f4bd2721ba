//! What a guest can reach, a module for each interface, independent of the contract's version.

pub(crate) mod console;
pub(crate) mod evidence;
pub(crate) mod inert;
pub(crate) mod snapshot;
