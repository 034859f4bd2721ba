//! [`EvalError`]: why a policy could not be evaluated for an image.

use std::time::Duration;

use assay_model::{
    error::{ErrorCode, EvaluationError},
    limits::FINDINGS,
};

use crate::{
    compile_error::Problem,
    engine::{self, EvalCode},
    host_calls::CallFailure,
    limits::MESSAGE_CHARACTERS,
};

/// Why an evaluation failed. None of these is a pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// The input document is not JSON that the evaluator takes.
    #[error("the input document cannot be read: {0}")]
    Input(String),
    /// A rule failed, or returned an invalid result.
    #[error("{0}")]
    Policy(Problem),
    /// Longer than an evaluation may take.
    #[error("the evaluation took longer than {0:?}")]
    TimeLimit(Duration),
    /// The deadline of the run passed.
    #[error("the time limit of the run passed during the evaluation")]
    Deadline,
    /// More results than anyone could read.
    #[error("more than {FINDINGS} results")]
    TooManyResults,
    /// A built-in could not fetch what it needs.
    #[error("`{function}` failed: {cause}")]
    Builtin {
        /// The built-in.
        function: String,
        /// What its host says.
        cause: EvaluationError,
    },
    /// A bug in the evaluator.
    #[error("{0}")]
    Fault(String),
}

impl EvalError {
    /// The same as the reason why a component is not evaluated; `source` names the group of policies.
    #[must_use]
    pub fn into_evaluation_error(self, source: &str) -> EvaluationError {
        let message = format!("policy source `{source}`: {self}");
        let (code, hint) = match self {
            Self::Input(_) => (ErrorCode::PolicyError, None),
            Self::Policy(_) => {
                (ErrorCode::PolicyError, Some("correct the rule, or leave its package out with `exclude`"))
            }
            Self::TimeLimit(_) => {
                (ErrorCode::Deadline, Some("look for rules that go through everything for everything"))
            }
            Self::Deadline => (ErrorCode::Deadline, Some("increase the limit with `--timeout`")),
            Self::TooManyResults => {
                (ErrorCode::PolicyError, Some("let a rule give one result for each term, not for each fact"))
            }
            Self::Fault(_) => (ErrorCode::Internal, Some("this is a bug in assay; please report it")),
            Self::Builtin { cause, .. } => {
                let code = match cause.code {
                    ErrorCode::Deadline | ErrorCode::Interrupted => cause.code,
                    _ => ErrorCode::BuiltinFailed,
                };
                return EvaluationError { code, message, hint: cause.hint };
            }
        };
        EvaluationError { code, message, hint: hint.map(str::to_owned) }
    }
}

impl From<CallFailure> for EvalError {
    fn from(failure: CallFailure) -> Self {
        let CallFailure { function, cause } = failure;
        Self::Builtin { function, cause }
    }
}

impl EvalError {
    /// What the engine's error means; `on_time` is the error of a passed limit.
    pub(crate) fn of(error: engine::EvalError, on_time: Self) -> Self {
        match error.code {
            EvalCode::Cancelled => on_time,
            EvalCode::Fault => Self::Fault(error.message),
            EvalCode::Conflict | EvalCode::Type | EvalCode::Builtin | EvalCode::Internal => {
                let mut message: String = error.message.chars().take(MESSAGE_CHARACTERS).collect();
                if message.len() < error.message.len() {
                    message.push('…');
                }
                Self::Policy(Problem { code: Some(error.code.as_str()), ..Problem::new(error.location, message) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_quotes_a_document_is_cut() {
        let error = engine::EvalError { code: EvalCode::Conflict, message: "é".repeat(10_000), location: None };
        let error = EvalError::of(error, EvalError::Deadline).to_string();
        assert_eq!(error.chars().count(), MESSAGE_CHARACTERS + 1);
    }
}
