//! [`CompileOptions`]: which Rego policies are written in, and how strictly they are read.

use crate::{capabilities::Capabilities, engine::HostFunction, schemas::SchemaSet};

/// How policies are compiled. The default is what `opa` 1.x does without flags.
#[derive(Clone, Copy, Debug, Default)]
pub struct CompileOptions {
    /// Strict mode, as with `opa check --strict`: errors for unused local variables and imports, the same
    /// import twice, names that hide `input` or `data`, built-ins that are on their way out.
    pub strict: bool,
    /// The files are Rego of before OPA 1.0, in which `if` and `contains` were optional.
    pub v0: bool,
    /// The functions that policies may call besides those of OPA. The host of an evaluation implements them.
    pub functions: &'static [HostFunction],
    /// What policies may use, where that is not all that there is.
    pub capabilities: Option<&'static Capabilities>,
    /// What `input` and data can be, where types are checked against it and against the schemas in annotations.
    pub schemas: Option<&'static SchemaSet>,
    /// The end of the run: compiling stops there with an error.
    pub deadline: Option<std::time::Instant>,
}
