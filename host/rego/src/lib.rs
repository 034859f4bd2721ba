//! OPA's language: compile policies once, evaluate them from many threads, test and trace them.
//!
//! In reading order: what is compiled ([`Sources`]), the compiled [`Program`], whose rules are evaluated by their paths
//! ([`Evaluation`]), why that may end early ([`EvalError`]), and the functions that a caller registers ([`HostFunction`],
//! [`Host`]). [`PolicySet`] is for tools: tests, queries, traces. The evaluator itself is `engine`; nothing else of it is
//! visible.
//!
//! Invariant: nothing here reads a file after the sources are read, and nothing here reaches the network by itself.

pub mod bench_support;
mod bundle;
mod capabilities;
mod compile_error;
mod compile_options;
pub mod conformance;
mod coverage;
mod data;
mod data_document;
mod data_path;
mod engine;
mod eval_context;
mod eval_error;
mod folder;
mod format;
mod format_options;
pub mod fuzzing;
mod host;
mod host_calls;
mod kept_program;
mod limits;
mod load;
mod module_summary;
mod packages;
mod policy_set;
mod profile;
mod program;
mod query;
mod rule_trace;
mod schemas;
mod source_error;
mod sources;
mod testing;
mod text_digest;
mod trace;
mod whole_numbers;
mod yaml_values;

pub use bundle::{Bundle, Manifest};
pub use capabilities::Capabilities;
pub use compile_error::{CompileError, Location, Problem, caret};
pub use compile_options::CompileOptions;
pub use coverage::{CoverageReport, FileCoverage, Hits};
pub use engine::{HostFunction, run_worker};
pub use eval_error::EvalError;
pub use format::format_module;
pub use format_options::{FormatLanguage, FormatOptions};
pub use host::{Host, HostError, NoHost};
pub use limits::{EVALUATION_TIME, PROBLEMS};
pub use load::{Ignore, InvalidGlob};
pub use module_summary::{Import, Metadata, ModuleSummary, RuleSummary};
pub use packages::packages;
pub use policy_set::{PolicySet, Timings};
pub use profile::{LineCost, Profile, RuleCost};
pub use program::{Evaluation, Program, module_summaries};
pub use query::{
    PreparedQuery, QueryError, QueryExpression, QueryObservations, QueryOptions, QueryOutput, QueryResult,
};
pub use rule_trace::{RuleTrace, TraceStep};
pub use schemas::SchemaSet;
pub use source_error::SourceError;
pub use sources::{SigstoreDefaults, Sources};
pub use testing::{Case, FailedLine, InvalidRegex, Test, TestOptions, TestOutcome, TestResult};
pub use trace::{Step, StepKind, Trace, TraceLevel};

/// The form in which what is compiled is kept between runs.
pub mod stored {
    pub use crate::engine::{Reader, Stored, Writer};
}

/// Values of Rego, for hosts.
pub mod value {
    pub use regorus::{Value, value::Object};

    pub use crate::{
        engine::{bytes_of, read as read_json, text_of},
        whole_numbers::{value_with_whole_numbers, with_whole_numbers},
    };
}

/// Types of arguments and results, for registered functions.
pub mod types {
    pub use crate::engine::{ANY, DOCUMENT, STRING_SET, STRINGS, Type, array_of, object_of};
}
