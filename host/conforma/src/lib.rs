//! What Conforma adds to Rego: the `ec.*` built-in functions, and the source groups of a policy configuration.
//!
//! [`FUNCTIONS`] declares the functions for [`CompileOptions::functions`]; [`Functions`] serves their calls, with a
//! [`Host`] that reaches registries. [`SourceGroupEvaluator`] evaluates the policies of a source group for a component.
//!
//! A new function takes a file with its implementation, a line in the table of `functions.rs`, and a line in the
//! documentation.

mod functions;
mod host;
mod no_registry;
mod oci;
#[cfg(test)]
mod policy_tests;
mod purl;
mod sigstore;
mod source_group;
#[cfg(test)]
mod tests;
mod values;

use assay_rego::CompileOptions;

pub use assay_rego::HostError;
pub use functions::{FUNCTIONS, Functions, no_registry};
pub use host::{Attested, Described, Files, Host, NoHost, Referrer, SigstoreOptions};
pub use source_group::SourceGroupEvaluator;

/// The default options, with the `ec.*` functions.
#[must_use]
pub fn compile_options() -> CompileOptions {
    CompileOptions { functions: FUNCTIONS, ..CompileOptions::default() }
}
