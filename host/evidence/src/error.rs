//! [`VerificationError`]: why one signature or statement does not count; [`VerificationFailure`]: why none of an image does.
//!
//! What could not be read at all is not such an error but an [`EvaluationError`]: it might have been a good one.

use std::fmt;

use assay_model::error::EvaluationError;

/// Characters of a text from outside that a message repeats: names and types have fewer.
const SHOWN: usize = 200;

/// A text from outside as a message repeats it.
pub(crate) fn shown(text: &str) -> std::borrow::Cow<'_, str> {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

/// Why a signature or an attestation does not count. Its text is shown to people; programs compare [`code`](Self::code).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerificationError {
    /// Nobody signed it, or nobody who is trusted.
    #[error("{0}")]
    Signature(&'static str),
    /// It is about another image.
    #[error("{0}")]
    Subject(String),
    /// It was signed for another repository.
    #[error("the signature is for the repository {signed}, not {expected}")]
    Repository {
        /// The repositories that it names.
        signed: String,
        /// The path of the image's repository.
        expected: String,
    },
    /// What was signed is of another type than signatures or statements.
    #[error("{0}")]
    PayloadType(String),
    /// A statement of a version of in-toto that is not known.
    #[error("{0}")]
    StatementType(String),
    /// A trusted signer signed it, and it cannot be read. Beside attestations that count this is not passed over: rules that
    /// forbid would pass on what they do not see.
    #[error("the signed statement cannot be read: {0}")]
    UnreadableStatement(String),
    /// It is not of the form that its kind has.
    #[error("{0}")]
    Malformed(String),
    /// The certificate is of another identity.
    #[error("{0}")]
    Identity(String),
    /// The certificate is of another issuer, or of two.
    #[error("{0}")]
    Issuer(String),
    /// The certificate is missing, cannot be read, or no trusted authority issued it for signing.
    #[error("{0}")]
    Certificate(String),
    /// The certificate, or one above it, was not valid at a verified time.
    #[error("{0}")]
    CertificateTime(String),
    /// No trusted log vouches for the certificate.
    #[error("{0}")]
    Sct(String),
    /// The log entry is missing, not signed by a trusted log, or about something else.
    #[error("{0}")]
    LogEntry(String),
    /// The log entry is not proven to be in the log.
    #[error("{0}")]
    Inclusion(String),
    /// The state of the log that the proof is for is not signed by the log.
    #[error("{0}")]
    Checkpoint(String),
    /// A timestamp does not count, or there is no verified time.
    #[error("{0}")]
    Timestamp(String),
    /// The statement is of another predicate type.
    #[error("{0}")]
    PredicateType(String),
    /// It is of a kind that is not verified.
    #[error("{0}")]
    Unsupported(String),
    /// It is larger than what is read.
    #[error("{0}")]
    Limit(String),
}

impl VerificationError {
    /// The code, which stays the same when texts change (`docs/exit-codes.md`).
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Signature(_) => "signature",
            Self::Subject(_) | Self::Repository { .. } => "subject",
            Self::UnreadableStatement(_) | Self::Malformed(_) => "malformed",
            Self::Identity(_) => "identity",
            Self::Issuer(_) => "issuer",
            Self::Certificate(_) => "certificate",
            Self::CertificateTime(_) => "certificate-time",
            Self::Sct(_) => "sct",
            Self::LogEntry(_) => "log-entry",
            Self::Inclusion(_) => "inclusion",
            Self::Checkpoint(_) => "checkpoint",
            Self::Timestamp(_) => "timestamp",
            Self::PredicateType(_) => "predicate-type",
            Self::Unsupported(_) | Self::PayloadType(_) | Self::StatementType(_) => "unsupported",
            Self::Limit(_) => "limit",
        }
    }
}

/// What a strict reader says of what it does not read.
impl From<String> for VerificationError {
    fn from(why: String) -> Self {
        Self::Malformed(why)
    }
}

/// Why no signature or no attestation of an image counts. Its text is cosign's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct VerificationFailure {
    pub(crate) kind: EvidenceKind,
    pub(crate) errors: Vec<VerificationError>,
    pub(crate) unread: Vec<EvaluationError>,
}

/// What was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EvidenceKind {
    Signature,
    Attestation,
}

impl VerificationFailure {
    /// Why each of what was found does not count.
    #[must_use]
    pub fn errors(&self) -> &[VerificationError] {
        &self.errors
    }

    /// Whether nothing was found at all.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        self.errors.is_empty() && self.unread.is_empty()
    }
}

impl fmt::Display for VerificationFailure {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            EvidenceKind::Signature if self.is_absent() => return to.write_str("no signatures found"),
            EvidenceKind::Signature => to.write_str("no matching signatures: ")?,
            EvidenceKind::Attestation => to.write_str("no matching attestations: ")?,
        }
        let unread = self.unread.iter().map(ToString::to_string);
        let all: Vec<String> = self.errors.iter().map(ToString::to_string).chain(unread).collect();
        to.write_str(&all.join("\n "))
    }
}

#[cfg(test)]
mod tests {
    use assay_model::error::ErrorCode;

    use super::*;

    #[test]
    fn the_text_of_a_failure_is_that_of_cosign() {
        let failure = |kind, errors, unread| VerificationFailure { kind, errors, unread }.to_string();
        let errors =
            || vec![VerificationError::Signature("no key fits"), VerificationError::Limit("too long".to_owned())];
        let unread = || vec![EvaluationError::new(ErrorCode::RegistryError, "gone")];
        for (failure, text) in [
            (failure(EvidenceKind::Signature, vec![], vec![]), "no signatures found"),
            (failure(EvidenceKind::Attestation, vec![], vec![]), "no matching attestations: "),
            (failure(EvidenceKind::Signature, vec![], unread()), "no matching signatures: gone"),
            (
                failure(EvidenceKind::Attestation, errors(), unread()),
                "no matching attestations: no key fits\n too long\n gone",
            ),
        ] {
            assert_eq!(failure, text);
        }
    }

    #[test]
    fn a_text_from_outside_is_cut_in_messages() {
        assert_eq!(shown("é"), "é");
        let long = "é".repeat(SHOWN + 1);
        assert_eq!(shown(&long).chars().count(), SHOWN + 1);
        let whole = "é".repeat(SHOWN);
        assert_eq!(shown(&whole), whole);
    }

    #[test]
    fn codes_are_stable() {
        let text = String::new;
        let all = [
            VerificationError::Signature(""),
            VerificationError::Subject(text()),
            VerificationError::Repository { signed: text(), expected: text() },
            VerificationError::PayloadType(text()),
            VerificationError::StatementType(text()),
            VerificationError::UnreadableStatement(text()),
            VerificationError::Malformed(text()),
            VerificationError::Identity(text()),
            VerificationError::Issuer(text()),
            VerificationError::Certificate(text()),
            VerificationError::CertificateTime(text()),
            VerificationError::Sct(text()),
            VerificationError::LogEntry(text()),
            VerificationError::Inclusion(text()),
            VerificationError::Checkpoint(text()),
            VerificationError::Timestamp(text()),
            VerificationError::PredicateType(text()),
            VerificationError::Unsupported(text()),
            VerificationError::Limit(text()),
        ];
        let codes = all.each_ref().map(VerificationError::code);
        assert_eq!(
            codes,
            [
                "signature",
                "subject",
                "subject",
                "unsupported",
                "unsupported",
                "malformed",
                "malformed",
                "identity",
                "issuer",
                "certificate",
                "certificate-time",
                "sct",
                "log-entry",
                "inclusion",
                "checkpoint",
                "timestamp",
                "predicate-type",
                "unsupported",
                "limit",
            ]
        );
    }
}
