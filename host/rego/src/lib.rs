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
mod data;
mod engine;
mod eval_error;
mod folder;
mod inspect;
mod judge;
mod limits;
mod outline;
mod policy;
mod rules;
mod sources;
pub mod testing;

pub use builtin::{Host, HostError, NoHost};
pub use compile_error::{CompileError, Place, Problem};
pub use eval_error::EvalError;
pub use inspect::{Inspected, inspect};
pub use judge::Group;
pub use policy::{Ask, Checked, Policy};
pub use sources::{SigstoreDefaults, SourceError, Sources};
