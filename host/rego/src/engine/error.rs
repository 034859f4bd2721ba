//! The two ways to fail: [`CompileError`] for an invalid policy, [`EvalError`] for a query that failed.

use std::fmt;

use crate::{
    compile_error::{Location, Problem},
    engine::limits::SHOWN_LINE,
    engine::span::{Source, Span},
};

/// The class of a compile error, as OPA names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CompileCode {
    /// The text is not Rego.
    Parse,
    /// The rules do not fit together.
    Compile,
    /// An unknown function, a wrong number of arguments, an argument of an impossible type.
    Type,
    /// A variable that nothing binds.
    UnsafeVar,
    /// A rule that needs its own value.
    Recursion,
    /// A module that cannot be formatted.
    Format,
}

impl CompileCode {
    /// The word in reports.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Parse => "rego_parse_error",
            Self::Compile => "rego_compile_error",
            Self::Type => "rego_type_error",
            Self::UnsafeVar => "rego_unsafe_var_error",
            Self::Recursion => "rego_recursion_error",
            Self::Format => "rego_format_error",
        }
    }
}

/// One thing that is wrong with a policy, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CompileError {
    /// The file.
    pub file: String,
    /// The row, from 1.
    pub row: u32,
    /// The column in bytes, from 1.
    pub col: u32,
    /// The class.
    pub code: CompileCode,
    /// What is wrong, without the place.
    pub message: String,
    /// The text of the row.
    pub line: String,
}

impl CompileError {
    /// Places a message at the start of a span.
    pub(crate) fn at(source: &Source, span: Span, code: CompileCode, message: impl Into<String>) -> Self {
        let (row, col) = source.line_column(span.start);
        let line = Some(source.line(row)).filter(|line| line.len() <= SHOWN_LINE).unwrap_or_default().to_owned();
        Self { file: source.name.clone(), row, col, code, message: message.into(), line }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file, self.row, self.code.as_str(), self.message)?;
        if !self.line.trim().is_empty() {
            let indent = self.line.len() - self.line.trim_start().len();
            let column = (self.col as usize).saturating_sub(1).saturating_sub(indent);
            write!(f, "\n\t{}\n\t{}^", self.line.trim(), " ".repeat(column))?;
        }
        Ok(())
    }
}

impl std::error::Error for CompileError {}

impl From<CompileError> for Problem {
    fn from(error: CompileError) -> Self {
        let mut lines = error.message.split("\n\t").map(str::to_owned);
        let message = lines.next().unwrap_or_default();
        let details = lines.collect();
        let location = Location { file: error.file, line: error.row, column: error.col };
        Self { code: Some(error.code.as_str()), line: Some(error.line), details, ..Self::at(location, message) }
    }
}

/// The class of an evaluation error, as OPA names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EvalCode {
    /// Two different values where one must be.
    Conflict,
    /// A built-in function got an argument it cannot take.
    Type,
    /// A built-in function failed.
    Builtin,
    /// A limit was reached, or the host failed.
    Internal,
    /// The evaluation was cancelled or took too long.
    Cancelled,
    /// A bug in the evaluator itself.
    Fault,
}

impl EvalCode {
    /// The word in reports.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "eval_conflict_error",
            Self::Type => "eval_type_error",
            Self::Builtin => "eval_builtin_error",
            Self::Internal | Self::Fault => "eval_internal_error",
            Self::Cancelled => "eval_cancel_error",
        }
    }
}

/// A query failed.
#[derive(Clone, Debug)]
pub(crate) struct EvalError {
    /// The class.
    pub code: EvalCode,
    /// What went wrong.
    pub message: String,
    /// `file:row` of the expression or rule, when known.
    pub location: Option<Location>,
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{}:{}: ", location.file, location.line)?;
        }
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for EvalError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compile_error_points_at_its_column() {
        let source = Source::new("a.rego".into(), "package a\n  p := nope\n".into());
        let error = CompileError::at(
            &source,
            Span { file: 0, start: 17, end: 21 },
            CompileCode::UnsafeVar,
            "var nope is unsafe",
        );
        assert_eq!(error.to_string(), "a.rego:2: rego_unsafe_var_error: var nope is unsafe\n\tp := nope\n\t     ^");
    }
}
