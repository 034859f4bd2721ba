//! The built-in functions of Rego: a table from a name to its declared types and the function behind it.
//!
//! The entry point is [`lookup`]; a function gets a [`Scope`] (what one query shares) and its argument values and gives
//! a value, nothing (undefined), or a [`BuiltinError`] with the text OPA would give. Nothing here reads the clock, the
//! network or a file: time and seed come with the scope, and its [`Host`] implements the functions that a caller registers
//! ([`HostFunction`]). No argument makes a function
//! panic, and what a function may build is bounded by [`limits`].

mod aggregates;
mod arithmetic;
mod arrays;
mod bits;
mod casts;
mod certificate_chain;
mod certificate_document;
mod certificates;
mod comparison;
mod decimal;
mod encodings;
mod errors;
mod float_kind;
mod glob_overlap;
mod glob_pattern;
mod globs;
mod graphs;
mod hashes;
mod host;
mod json_functions;
mod json_patch;
mod json_paths;
mod json_text;
mod jwt;
mod jwt_keys;
mod key_parts;
pub(super) mod limits;
mod modules;
mod net;
mod numbers;
mod objects;
mod operands;
mod private_keys;
mod regex_syntax;
mod regexes;
mod schema;
mod schema_check;
mod schema_formats;
mod schema_problems;
mod schema_refs;
mod schema_rules;
mod schema_unique;
mod scope;
mod semvers;
mod sets;
mod sprintf;
mod strings;
mod template_text;
mod templates;
mod term;
mod times;
mod types;
mod units;
mod uuids;
pub(super) mod value_order;
mod yaml_text;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regorus::Value;

pub(crate) use decimal::written as written_number;
pub(crate) use errors::{BuiltinError, ErrorCode};
pub(crate) use float_kind::is_float;
pub(crate) use glob_pattern::GlobPattern;
pub use host::HostFunction;
pub(crate) use host::{Host, HostError, NoHost};
pub(crate) use json_text::{from_json, read as read_json};
pub(crate) use limits::TEXT_BYTES;
pub(crate) use scope::{Caches, Scope};
pub(crate) use term::{kind as kind_name, number_text, write_start, write_term};
pub use types::{ANY, DOCUMENT, STRING_SET, STRINGS, Type, array_of, object_of};
pub(crate) use value_order::{is_composite, sorted};

/// What a built-in function gives: a value, undefined, or an error.
pub(crate) type Outcome = Result<Option<Value>, BuiltinError>;

/// The function behind a name. The slice has as many values as the table declares arguments.
pub(crate) type Function = fn(&mut Scope<'_>, &[Value]) -> Outcome;

/// How a function is called.
#[derive(Clone, Copy)]
pub(crate) enum Call {
    /// A function of the engine.
    Engine(Function),
    /// A registered function, which the host implements.
    Host,
}

/// One entry of the table.
#[derive(Clone, Copy)]
pub(crate) struct Builtin {
    /// The name policies call it by; operators have one too (`plus`).
    pub name: &'static str,
    /// The declared types of its arguments.
    pub args: &'static [Type],
    /// The declared type of its result.
    pub result: Type,
    /// The same arguments give the same value in every query.
    pub deterministic: bool,
    /// The function itself.
    pub call: Call,
}

impl Builtin {
    /// The value of a call.
    pub(crate) fn run(&self, scope: &mut Scope<'_>, args: &[Value]) -> Outcome {
        match self.call {
            Call::Engine(function) => function(scope, args),
            Call::Host => scope.host.call(self.name, args).map_err(|error| {
                let error = match error {
                    HostError::Stop(why) => BuiltinError::limit(why),
                    HostError::Argument(what) => BuiltinError::wrong_argument(what),
                };
                error.within(self.name)
            }),
        }
    }

    /// Whether the host implements it.
    pub(crate) const fn is_registered(&self) -> bool {
        matches!(self.call, Call::Host)
    }

    /// Its value differs between queries.
    const fn volatile(self) -> Self {
        Self { deterministic: false, ..self }
    }
}

/// One line of a table: the name, the arguments with their types, the result type and the function, which takes the
/// arguments (after `scoped`, the scope first).
macro_rules! builtin {
    ($name:literal ($($arg:ident : $type:expr),*) -> $result:expr => scoped $body:expr) => {
        $crate::engine::builtins::Builtin {
            name: $name,
            args: &[$($type),*],
            result: $result,
            deterministic: true,
            call: $crate::engine::builtins::Call::Engine(|scope, args| match args {
                [$($arg),*] => $body(scope, $($arg),*).map_err(|error: $crate::engine::builtins::BuiltinError| error.within($name)),
                _ => Err($crate::engine::builtins::BuiltinError::arity($name, args.len())),
            }),
        }
    };
    ($name:literal ($($arg:ident : $type:expr),*) -> $result:expr => $body:expr) => {
        $crate::engine::builtins::Builtin {
            name: $name,
            args: &[$($type),*],
            result: $result,
            deterministic: true,
            call: $crate::engine::builtins::Call::Engine(|_scope, args| match args {
                [$($arg),*] => $body($($arg),*).map_err(|error: $crate::engine::builtins::BuiltinError| error.within($name)),
                _ => Err($crate::engine::builtins::BuiltinError::arity($name, args.len())),
            }),
        }
    };
}
use builtin;

/// Every table of the engine, in reading order.
static TABLES: &[&[Builtin]] = &[
    comparison::TABLE,
    arithmetic::TABLE,
    bits::TABLE,
    aggregates::TABLE,
    arrays::TABLE,
    sets::TABLE,
    objects::TABLE,
    json_paths::TABLE,
    json_patch::TABLE,
    json_functions::TABLE,
    yaml_text::TABLE,
    schema::TABLE,
    strings::TABLE,
    sprintf::TABLE,
    templates::TABLE,
    regexes::TABLE,
    globs::TABLE,
    casts::TABLE,
    encodings::TABLE,
    numbers::TABLE,
    units::TABLE,
    times::TABLE,
    semvers::TABLE,
    uuids::TABLE,
    net::TABLE,
    graphs::TABLE,
    hashes::TABLE,
    certificates::TABLE,
    jwt::TABLE,
    modules::TABLE,
];

static BY_NAME: LazyLock<BTreeMap<&'static str, &'static Builtin>> =
    LazyLock::new(|| all().map(|builtin| (builtin.name, builtin)).collect());

/// Every built-in function.
pub(crate) fn all() -> impl Iterator<Item = &'static Builtin> {
    TABLES.iter().copied().flatten()
}

/// The function a policy calls by this name.
pub(crate) fn lookup(name: &str) -> Option<&'static Builtin> {
    BY_NAME.get(name).copied()
}

/// Why a function that OPA has is not here; a call of it is a compile error with this text.
pub(crate) fn unsupported(name: &str) -> Option<&'static str> {
    if name.starts_with("graphql.") {
        Some("GraphQL functions (graphql.*) are not supported")
    } else if name.starts_with("providers.aws.") {
        Some("requests to AWS (providers.aws.*) cannot be signed here")
    } else if name == "net.lookup_ip_addr" {
        Some("names cannot be looked up (net.lookup_ip_addr): a verdict must not depend on DNS")
    } else {
        None
    }
}
