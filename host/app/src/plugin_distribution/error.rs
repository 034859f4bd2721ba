//! Errors of registries and of trust, with their codes, as errors of a request.

use assay_model::error::{ErrorCode, EvaluationError};

use crate::error::{RequestError, RequestErrorKind};

/// The error of a request, with its code at the end of the fact, as pipelines match on it.
pub(crate) fn request_error(error: EvaluationError) -> RequestError {
    let kind = kind_of(error.code);
    let refused = RequestError::of(kind, format!("{} ({})", error.message, error.code.as_str()));
    match error.hint {
        Some(hint) => refused.hint(hint),
        None => refused,
    }
}

/// What can be read and is not what it should be is refused; of what cannot be read nothing is known.
const fn kind_of(code: ErrorCode) -> RequestErrorKind {
    match code {
        ErrorCode::ImageReference => RequestErrorKind::Invalid,
        ErrorCode::PluginRefused
        | ErrorCode::PluginNotSigned
        | ErrorCode::PluginNotVetted
        | ErrorCode::PluginLockMismatch
        | ErrorCode::DigestMismatch
        | ErrorCode::Malformed
        | ErrorCode::TooLarge => RequestErrorKind::Plugin,
        _ => RequestErrorKind::Evidence,
    }
}

/// A plugin is refused for this reason: one sentence.
pub(crate) fn refused(code: ErrorCode, message: impl Into<String>) -> EvaluationError {
    EvaluationError::new(code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_not_an_outage_and_both_have_their_code() {
        let refusal = request_error(refused(ErrorCode::PluginNotVetted, "no").hint("vet it"));
        assert_eq!(
            (refusal.kind(), refusal.message().as_str()),
            (RequestErrorKind::Plugin, "no (plugin-not-vetted)\nhint: vet it")
        );
        let outage = request_error(refused(ErrorCode::RegistryUnreachable, "gone"));
        assert_eq!(outage.kind(), RequestErrorKind::Evidence);
    }
}
