//! [`Policy`]: compiled policies that can be queried. Evaluates Rego as OPA 1.x does.
//!
//! The passes in reading order: [`lex`] and [`parse`] make a tree of each file, [`module_summaries`] gives the rest of
//! the crate what stands in it, [`annotations`] reads its metadata, [`rule_tree`] gathers rules by path, [`resolve`]
//! gives names their meaning, [`safety`] puts bodies in order, [`plan`] makes steps of them, [`dependencies`] knows who
//! reads what, [`types`] refuses what can never have a value, [`eval`] runs. [`work`] bounds what a compilation takes.
//! Values are those of `regorus`; nothing else of it is used.

#[cfg(test)]
mod acceptance;
mod annotations;
mod ast;
mod bit_set;
mod builtins;
mod bytes;
#[cfg(test)]
mod cases;
mod compiled;
mod dependencies;
mod documents;
mod error;
mod eval;
mod format;
mod ir;
mod lex;
mod limits;
mod module_summaries;
mod module_syntax;
mod observers;
mod parse;
mod plan;
mod policy;
mod program;
mod query;
mod resolve;
#[cfg(test)]
mod results;
mod rule_tree;
mod safety;
mod span;
mod stack;
mod stored;
mod types;
mod work;

pub use builtins::{ANY, DOCUMENT, HostFunction, STRING_SET, STRINGS, Type, array_of, object_of};
pub(crate) use builtins::{GlobPattern, Host, HostError, NoHost, is_float, kind_name};
pub(crate) use bytes::admitted;
pub use bytes::{bytes_of, text_of};
pub(crate) use compiled::{Compiled, EvalOptions};
pub use documents::read;
pub(crate) use documents::{given, take};
pub(crate) use error::{CompileError, EvalCode, EvalError};
pub(crate) use eval::{EvalLimits, Printed};
pub(crate) use format::format_module;
pub(crate) use observers::{
    Cost, Hits, Lines, Observations, Op, Profile, Rows, RuleTrace, RuleTraceStep, Trace, TraceEvent, TraceFilter,
    TraceOptions,
};
pub(crate) use policy::{Files, Policy};
pub(crate) use program::Program as CompiledRules;
pub(crate) use query::{Expression, Names, Query, Solution};
pub(crate) use span::Source;
pub use stack::run_worker;
pub(crate) use stack::{StackError, join_large_stack, panic_text, parallel_map, spawn_large_stack, with_large_stack};
pub(crate) use stored::VERSION as STORED_VERSION;
pub use stored::{Reader, Stored, Writer};
