//! What Conforma adds to Rego: the `ec.*` built-in functions, and the source groups of a policy configuration.
//!
//! [`FUNCTIONS`] declares the functions for [`CompileOptions::functions`]; [`Functions`] serves their calls, with a
//! [`Host`] that reaches registries. [`SourceGroupEvaluator`] evaluates the policies of a source group for a component.
//!
//! A new function takes a file with its implementation, its line in the table of `functions.rs`, and its documentation.

mod annotation;
mod asciidoc;
mod functions;
mod host;
mod inspect;
mod no_registry;
mod package;
mod policy;
#[cfg(test)]
mod policy_tests;
mod rule_results;
mod rules;
mod source_group;
mod values;

use assay_rego::CompileOptions;

pub use assay_rego::HostError;
pub use functions::{FUNCTIONS, Functions, no_registry};
pub use host::{Attested, Described, Files, Host, NoHost, Referrer, SigstoreOptions};
pub use inspect::{Inspected, inspect};
pub use package::PackageInfo;
pub use policy::{EvalRequest, InputFile, Policy, RuleCheck};
pub use source_group::SourceGroupEvaluator;

/// The default options, with the `ec.*` functions.
#[must_use]
pub fn compile_options() -> CompileOptions {
    CompileOptions { functions: FUNCTIONS, ..CompileOptions::default() }
}
