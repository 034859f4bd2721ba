//! [`BuiltinError`]: why a built-in function has no value, in OPA's words.

use regorus::Value;

use super::term::kind;

/// The class of an evaluation error, as OPA names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    /// An argument has a type the function cannot take: `eval_type_error`.
    Type,
    /// The function failed on its arguments: `eval_builtin_error`.
    Builtin,
    /// Evaluation must stop: a limit, or an error of the host: `eval_internal_error`.
    Internal,
}

/// A built-in function failed. Outside strict mode this makes the expression undefined, unless `halt` is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BuiltinError {
    /// The class of the error.
    pub code: ErrorCode,
    /// The function's name and what went wrong.
    pub message: String,
    /// The evaluation failed, in strict mode or not.
    pub halt: bool,
}

impl BuiltinError {
    /// The function failed on its arguments.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self { code: ErrorCode::Builtin, message: message.into(), halt: false }
    }

    /// An argument of a registered function is of a wrong type.
    pub(super) const fn wrong_argument(message: String) -> Self {
        Self { code: ErrorCode::Type, message, halt: false }
    }

    /// Something about the operand at `position` (from 1) beyond its type.
    pub(super) fn operand(position: usize, what: impl std::fmt::Display) -> Self {
        let message = format!("operand {position} {what}");
        Self { code: ErrorCode::Type, message, halt: false }
    }

    /// The operand at `position` (from 1) has the wrong type.
    pub(super) fn wrong_type(position: usize, got: &Value, expected: &[&str]) -> Self {
        match expected {
            [one] => Self::operand(position, format_args!("must be {one} but got {}", kind(got))),
            many => {
                Self::operand(position, format_args!("must be one of {{{}}} but got {}", many.join(", "), kind(got)))
            }
        }
    }

    /// An element of the operand at `position` (from 1) has the wrong type.
    pub(super) fn wrong_element(position: usize, whole: &Value, got: &Value, expected: &str) -> Self {
        let (whole, got) = (kind(whole), kind(got));
        Self::operand(position, format_args!("must be {whole} of {expected}s but got {whole} containing {got}"))
    }

    /// A bound of `limits` is reached: never a truncated result.
    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self { code: ErrorCode::Internal, message: message.into(), halt: true }
    }

    /// The wrong number of arguments; the compiler refuses it first.
    pub(super) fn arity(name: &'static str, got: usize) -> Self {
        Self { code: ErrorCode::Type, message: format!("{name}: cannot take {got} arguments"), halt: false }
    }

    /// The same error under the function's name.
    pub(super) fn within(mut self, name: &str) -> Self {
        self.message = format!("{name}: {}", self.message);
        self
    }
}
