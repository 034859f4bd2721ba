//! [`VerificationResult`]: what was verified in one place, and why the rest does not count.

use assay_model::{
    error::{ErrorCode, EvaluationError},
    image::PinnedImage,
};

use crate::error::{EvidenceKind, VerificationError, VerificationFailure};

/// What was verified, in the order of layers and bundles, and why the rest does not count.
pub(crate) struct VerificationResult<T> {
    pub(crate) verified: Vec<T>,
    pub(super) errors: Vec<VerificationError>,
    /// What could not be read, whatever it is.
    pub(super) unread: Vec<EvaluationError>,
    /// What people should know of what was verified.
    pub(super) remarks: Vec<String>,
}

impl<T> Default for VerificationResult<T> {
    fn default() -> Self {
        Self { verified: Vec::new(), errors: Vec::new(), unread: Vec::new(), remarks: Vec::new() }
    }
}

/// Errors that keep one piece of evidence from being read and say nothing about the others. A limit that was reached, the
/// end of the run and a bug of our own concern them all.
const OF_ONE_PIECE: [ErrorCode; 8] = [
    ErrorCode::ImageNotFound,
    ErrorCode::BlobNotFound,
    ErrorCode::DigestMismatch,
    ErrorCode::Malformed,
    ErrorCode::RegistryUnreachable,
    ErrorCode::RegistryTimeout,
    ErrorCode::RegistryError,
    ErrorCode::RegistryDenied,
];

/// What was read; none, and the error recorded, where one piece of evidence could not be.
pub(super) fn read_or_record<T>(
    outcome: Result<T, EvaluationError>,
    unread: &mut Vec<EvaluationError>,
) -> Result<Option<T>, EvaluationError> {
    match outcome {
        Ok(read) => Ok(Some(read)),
        Err(error) if OF_ONE_PIECE.contains(&error.code) => {
            unread.push(error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

impl<T> VerificationResult<T> {
    /// The first error that kept something from being read, if nothing was verified: it might have been the good one.
    pub(crate) fn unread(&self) -> Option<&EvaluationError> {
        self.unread.first().filter(|_| self.verified.is_empty())
    }

    /// What the report should say of what was verified, one sentence each.
    pub(crate) fn notices(&self) -> impl Iterator<Item = String> {
        let unread = self.unread.iter().map(|error| format!("not all evidence could be read: {error}"));
        let is_any = !self.verified.is_empty();
        unread.chain(self.remarks.iter().cloned()).filter(move |_| is_any)
    }

    pub(super) fn record(&mut self, outcome: Result<T, VerificationError>) {
        match outcome {
            Ok(verified) => self.verified.push(verified),
            Err(error) => self.errors.push(error),
        }
    }

    /// Adds what was found in another place.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.verified.extend(other.verified);
        self.errors.extend(other.errors);
        self.unread.extend(other.unread);
        self.remarks.extend(other.remarks);
        self
    }

    /// Refuses to go on with a part of what a trusted signer signed: rules that forbid would pass on what they do not see.
    /// Where nothing else counts, the verification fails with this reason.
    pub(crate) fn require_all_readable(self, image: &PinnedImage) -> Result<Self, EvaluationError> {
        let unreadable = self.errors.iter().find(|error| matches!(error, VerificationError::UnreadableStatement(_)));
        match unreadable {
            Some(error) if !self.verified.is_empty() => {
                let message = format!("an attestation of {image} that the key signed cannot be read: {error}");
                Err(EvaluationError::new(ErrorCode::Malformed, message).hint("check what made the attestation"))
            }
            _ => Ok(self),
        }
    }

    /// Why nothing counts; none if something does.
    pub(super) fn failure_of(&self, kind: EvidenceKind) -> Option<VerificationFailure> {
        self.verified.is_empty().then(|| VerificationFailure {
            kind,
            errors: self.errors.clone(),
            unread: self.unread.clone(),
        })
    }
}
