//! [`Policy`]: compiled policies that can be asked. Evaluates Rego as OPA 1.x does.
//!
//! The passes in reading order: [`lex`] and [`parse`] make a tree of each file, [`outlines`] tells the rest of the crate
//! what stands in it, [`annotations`] reads its metadata, [`modules`] gathers rules by path, [`resolve`] gives names
//! their meaning, [`order`] puts bodies in order, [`plan`] makes steps of them, [`reach`] knows who reads what, [`types`]
//! refuses what can never have a value, [`eval`] runs. [`work`] bounds what a compilation takes. Values are those of `regorus`; nothing else of it is used.

mod annotations;
#[cfg(test)]
mod answers;
mod ast;
mod builtins;
mod bytes;
#[cfg(test)]
mod cases;
mod documents;
mod error;
mod eval;
mod ir;
mod lex;
mod limits;
mod modules;
mod observe;
mod order;
mod outlines;
mod parse;
mod plan;
mod policy;
mod program;
mod query;
mod reach;
mod resolve;
mod span;
mod stack;
mod types;
mod watch;
mod work;

pub(crate) use builtins::{Host, HostError, NoHost};
pub(crate) use bytes::text_of;
pub(crate) use documents::{given, read, take};
pub(crate) use error::{CompileError, EvalCode, EvalError};
pub(crate) use eval::{Bounds, Printed};
pub(crate) use policy::{Ask, Files, Policy};
pub(crate) use query::{Expression, Found, Names, Query};
pub(crate) use stack::{StackError, apart, join_apart, panic_text, spawn_apart, spread};
pub(crate) use watch::{Cost, Hits, Lines, Op, Part, Profile, Rows, Seen, Story, Trace, TraceEvent, Wanted, Watch};
