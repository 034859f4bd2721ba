//! [`CompileError`]: why modules do not compile, each error with its location.

use std::fmt;

use crate::engine::StackError;

/// A position in a policy file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One thing that is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where, as far as it is known.
    pub location: Option<Location>,
    /// What, without a full stop.
    pub message: String,
    /// The class of the problem as OPA names it, such as `rego_type_error`; none for what OPA does not look at.
    pub code: Option<&'static str>,
    /// The line of the policy file that the place is in, as far as it is known.
    pub line: Option<String>,
}

impl Problem {
    /// A problem without a class of OPA.
    #[must_use]
    pub fn new(location: Option<Location>, message: impl Into<String>) -> Self {
        Self { location, message: message.into(), code: None, line: None }
    }

    /// The same at a location.
    #[must_use]
    pub fn at(location: Location, message: impl Into<String>) -> Self {
        Self::new(Some(location), message)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(to, "{location}: {}", self.message),
            None => to.write_str(&self.message),
        }
    }
}

/// Why sources do not become a policy.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The text is wrong. The first problem stands in the sentence, the others follow on lines of their own.
    #[error("the policy does not compile: {}", listed(.0))]
    Problems(Vec<Problem>),
    /// Nothing can ever deny or warn.
    #[error("the policy holds no `deny` or `warn` rule, so it could not find any violation ({files} files read)")]
    NoRules {
        /// How many files were read.
        files: usize,
    },
    /// A bug in assay, or an error of the system.
    #[error("the policy could not be compiled: {0}")]
    Fault(String),
}

impl CompileError {
    /// What a person can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Problems(_) => "policies are Rego v1, as of OPA 1.0",
            Self::NoRules { .. } => "write rules like `deny contains result if { … }`",
            Self::Fault(_) => "please report it",
        }
    }
}

impl From<StackError> for CompileError {
    fn from(error: StackError) -> Self {
        Self::Fault(error.to_string())
    }
}

fn listed(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n  ")
}
