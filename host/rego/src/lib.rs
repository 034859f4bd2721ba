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
mod coverage;
mod data;
mod engine;
mod eval_error;
mod explain;
mod folder;
mod inspect;
mod judge;
mod limits;
mod load;
pub mod measure;
mod outline;
mod package;
mod packages;
mod policy;
mod profile;
mod query;
mod question;
mod rules;
mod sources;
mod story;
mod testing;
pub mod fuzzing;
mod workbench;

pub use builtin::{Attested, Described, Files, Host, HostError, NoHost, Referrer, SigstoreOptions};
pub use compile_error::{CompileError, Place, Problem};
pub use compile_options::CompileOptions;
pub use coverage::{CoverageReport, FileCoverage, Hits};
pub use eval_error::EvalError;
pub use explain::{Detail, Explained, Step, StepKind};
pub use inspect::{Inspected, inspect};
pub use judge::Group;
pub use load::{BadPattern, Ignore};
pub use package::PackageInfo;
pub use packages::packages;
pub use policy::{Ask, Checked, InputFile, Policy};
pub use profile::{LineCost, Profile, RuleCost};
pub use query::{PreparedQuery, QueryAnswer, QueryError, QueryExpression, QueryNotes, QueryOptions, QueryResult};
pub use sources::{SigstoreDefaults, SourceError, Sources};
pub use story::{RuleStory, StoryPart};
pub use testing::{BadRegex, Case, FailedLine, Test, TestEnd, TestOptions, TestResult};
pub use workbench::{Timings, Workbench};
