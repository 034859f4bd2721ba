//! The Rego engine's door: compile policies once, evaluate them from many threads.
//!
//! In reading order: what is compiled ([`Sources`]), the compiled [`Policy`] with its rules, the question it is asked
//! ([`Ask`]) and why it may not answer ([`EvalError`]), what built-in functions reach the world through ([`Host`]),
//! and the judge that a run asks ([`Group`]). The evaluator itself stands behind `engine`, and nothing of it is visible.
//!
//! Invariant: nothing here reads a file after the sources are read, and nothing here reaches the network by itself.

mod annotation;
mod answer;
mod asciidoc;
mod builtin;
mod compile_error;
mod compile_options;
pub mod conformance;
mod data;
mod engine;
mod eval_error;
mod folder;
mod inspect;
mod judge;
mod limits;
pub mod measure;
mod outline;
mod package;
mod policy;
mod rules;
mod sources;
pub mod testing;
pub mod trial;

pub use builtin::{Attested, Described, Files, Host, HostError, NoHost, Referrer, SigstoreOptions};
pub use compile_error::{CompileError, Place, Problem};
pub use compile_options::CompileOptions;
pub use eval_error::EvalError;
pub use inspect::{Inspected, inspect};
pub use judge::Group;
pub use package::PackageInfo;
pub use policy::{Ask, Checked, Policy};
pub use sources::{SigstoreDefaults, SourceError, Sources};
