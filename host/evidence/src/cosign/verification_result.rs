//! [`VerificationResult`]: what was verified in one place, and why the rest does not count.

use assay_model::{
    error::{ErrorCode, EvaluationError},
    image::PinnedImage,
};

use crate::{
    error::{EvidenceKind, VerificationError, VerificationFailure},
    keyless::LayerEvidence,
};

/// What was verified, in the order of layers and bundles, and why the rest does not count.
pub(crate) struct VerificationResult<T> {
    pub(crate) verified: Vec<Proven<T>>,
    pub(super) errors: Vec<Refused>,
    /// What could not be read, whatever it is.
    pub(super) unread: Vec<EvaluationError>,
    /// What people should know of what was verified.
    pub(super) remarks: Vec<String>,
}

/// What does not count, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The tag or the referrer, and the layer.
    pub place: String,
    /// Why it does not count.
    pub error: VerificationError,
}

/// What verified, and how.
#[derive(Clone, Debug)]
pub(crate) struct Proven<T> {
    pub(crate) value: T,
    /// The tag or the referrer, and the layer.
    pub(crate) place: String,
    pub(crate) evidence: LayerEvidence,
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

    pub(super) fn record(&mut self, place: String, outcome: Result<(T, LayerEvidence), VerificationError>) {
        match outcome {
            Ok((value, evidence)) => self.verified.push(Proven { value, place, evidence }),
            Err(error) => self.errors.push(Refused { place, error }),
        }
    }

    /// What was verified, without how.
    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.verified.into_iter().map(|proven| proven.value)
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
        let mut errors = self.errors.iter().map(|refused| &refused.error);
        let unreadable = errors.find(|error| matches!(error, VerificationError::UnreadableStatement(_)));
        match unreadable {
            Some(error) if !self.verified.is_empty() => {
                let message = format!("a signed attestation of {image} cannot be read: {error}");
                Err(EvaluationError::new(ErrorCode::Malformed, message).hint("check what made the attestation"))
            }
            _ => Ok(self),
        }
    }

    /// Why nothing counts; none if something does.
    pub(super) fn failure_of(&self, kind: EvidenceKind) -> Option<VerificationFailure> {
        self.verified.is_empty().then(|| VerificationFailure {
            kind,
            errors: self.errors.iter().map(|refused| refused.error.clone()).collect(),
            unread: self.unread.clone(),
        })
    }
}
